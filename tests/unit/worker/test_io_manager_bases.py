"""IO managers as users build them: of two base classes, and with a look at the instance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

import tidewheel as tw


class Texts(tw.ConfigurableIOManager, tw.UPathIOManager):
    """Configurable, and storing by path: what to store where comes from the second base."""

    extension: str = ".txt"
    base_dir: str
    _base_path: Any = PrivateAttr(default=None)

    def setup_for_execution(self, context: tw.InitResourceContext) -> None:
        """Choose the folder."""
        self._base_path = Path(self.base_dir)

    def dump_to_path(self, context: tw.OutputContext, obj: str, path: Path) -> None:
        """Write the text."""
        path.write_text(obj)

    def load_from_path(self, context: tw.InputContext, path: Path) -> str:
        """Read the text."""
        return path.read_text()


class Remembered(tw.IOManager):
    """Finds the value through the upstream asset's latest event."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def handle_output(self, context: tw.OutputContext, obj: Any) -> None:
        """Keep the value under the run's id."""
        self.values[context.step_context.run_id] = obj
        context.add_output_metadata({"run": context.step_context.run_id})

    def load_input(self, context: tw.InputContext) -> Any:
        """Look the event up."""
        step = context.step_context
        assert (step.job_name, step.job_def.name) == (step.dagster_run.job_name, step.job_name)
        assert (dict(step.run_config), step.run_tags["team"]) == ({}, "a")
        event = step.instance.get_latest_materialization_event(context.asset_key)
        return self.values[event.asset_materialization.metadata["run"].value]


@tw.asset
def word() -> str:
    return "sea"


@tw.asset
def loud(word: str) -> str:
    return word.upper()


def test_configurable_and_by_path(tmp_path: Path) -> None:
    result = tw.materialize([word, loud], resources={"io_manager": Texts(base_dir=str(tmp_path))})
    assert result.success
    assert (tmp_path / "loud.txt").read_text() == "SEA"


def test_the_instance_through_the_step() -> None:
    result = tw.materialize([word, loud], resources={"io_manager": Remembered()}, tags={"team": "a"})
    assert result.output_for_node("loud") == "SEA"
