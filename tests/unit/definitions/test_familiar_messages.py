"""The openings of messages that users' tests and alerts match against are Dagster's."""

from __future__ import annotations

import pytest

from tidewheel import Config, InvalidConfigError, job, op, validate_run_config


class Name(Config):
    name: str


@op
def greet(config: Name) -> str:
    raise ValueError(config.name)


@job
def greeting():
    greet()


@pytest.mark.parametrize(
    ("config", "name"), [({}, "ops"), ({"ops": {"greet": {"config": {}}}}, "name")], ids=["section", "field"]
)
def test_a_missing_entry_is_named(config: dict, name: str) -> None:
    with pytest.raises(
        InvalidConfigError, match=f'Missing required config entry "{name}": expected .*add for example'
    ):
        validate_run_config(greeting, config)


def test_a_failed_run_names_its_failed_steps() -> None:
    config = {"ops": {"greet": {"config": {"name": "x"}}}}
    result = greeting.execute_in_process(run_config=config, raise_on_error=False)
    (failure,) = [
        event for event in result.all_events if event.event_type_value in ("RUN_FAILURE", "PIPELINE_FAILURE")
    ]
    assert failure.message == "Execution of run for \"greeting\" failed. Steps failed: ['greet']."
