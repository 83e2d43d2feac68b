"""Scripts that use the real ``dagster-pipes`` package on the other side."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.pipes.context_injectors import PipesEnvContextInjector
from tidewheel.definitions.pipes.subprocess_client import PipesSubprocessClient
from tidewheel.worker.runs.in_process import materialize

pytest.importorskip("dagster_pipes", reason="the package dagster-pipes is not installed")

HEAD = "from dagster_pipes import open_dagster_pipes\nimport sys\nwith open_dagster_pipes() as pipes:\n"


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], list[str]]:
    def make(body: str) -> list[str]:
        path = tmp_path / "script.py"
        path.write_text(HEAD + "".join(f"    {line}\n" for line in body.strip().splitlines()))
        return [sys.executable, str(path)]

    return make


def run(
    command: list[str], client: PipesSubprocessClient | None = None, **options: Any
) -> tuple[Any, Any, list[Any]]:
    """The result, the log, and what ``get_materialize_result`` gave."""
    given: list[Any] = []
    partition = options.pop("partition_key", None)

    @tw.asset(name="pa", **options)
    def pa(context: tw.AssetExecutionContext) -> Any:
        invocation = (client or PipesSubprocessClient()).run(
            context=context, command=command, extras={"k": 1}
        )
        given.append(invocation.get_materialize_result())
        return given[0]

    with tw.Instance.ephemeral() as instance:
        result = materialize([pa], instance=instance, raise_on_error=False, partition_key=partition)
        logs = [(e.level, e.user_message) for e in instance.all_logs(result.run_id) if not e.is_dagster_event]
    return result, logs, given


@pytest.mark.parametrize("injector", [None, PipesEnvContextInjector()])
def test_materialisation_check_log_and_context(script: Any, injector: Any) -> None:
    command = script(
        """
pipes.log.warning("careful")
assert pipes.asset_key == "pa" and pipes.get_extra("k") == 1 and pipes.partition_key == "2024-01-02"
assert pipes.partition_time_window["start"].startswith("2024-01-02T00:00:00")
pipes.report_asset_check("ok", passed=True, severity="WARN", metadata={"n": 1})
pipes.report_asset_materialization(
    metadata={"rows": 3, "url": {"raw_value": "http://x", "type": "url"}, "md": {"raw_value": "**b**", "type": "md"}},
    data_version="dv",
)
"""
    )
    result, logs, (made,) = run(
        command,
        PipesSubprocessClient(context_injector=injector),
        check_specs=[tw.AssetCheckSpec("ok", asset="pa")],
        partitions_def=tw.DailyPartitionsDefinition("2024-01-01"),
        partition_key="2024-01-02",
    )
    assert result.success
    assert (logging.WARNING, "careful") in logs
    assert made.metadata == {
        "rows": tw.IntMetadataValue(3),
        "url": tw.UrlMetadataValue("http://x"),
        "md": tw.MarkdownMetadataValue("**b**"),
    }
    assert made.data_version == tw.DataVersion("dv")
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == ("ok", True)


def test_exceptions_of_the_script(script: Any) -> None:
    result, logs, _ = run(script("raise ValueError('boom')"))
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert "ValueError: boom" in failure.event_specific_data.error.to_string()
    assert any(level == logging.ERROR and "boom" in text for level, text in logs)
