"""What a returned value means for the outputs of an op."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw
from tidewheel.dagster.argument_checks import int_param
from tidewheel.errors import InvariantViolationError

RESULTS = [tw.MaterializeResult(metadata={"rows": 1})]


@tw.asset
def plain() -> Any:
    return RESULTS


@tw.asset
def unannotated():  # type: ignore[no-untyped-def]
    return (tw.AssetCheckResult(passed=True),)


@tw.multi_asset(specs=[tw.AssetSpec("one"), tw.AssetSpec("two")])
def several() -> Any:
    return [tw.MaterializeResult(asset_key=name) for name in ("one", "two")]


@pytest.mark.parametrize(
    ("assets_def", "made", "kind"),
    [(plain, 1, list), (unannotated, 1, tuple), (several, 2, None)],
)
def test_a_list_of_results_is_the_value_of_a_plain_asset(assets_def: Any, made: int, kind: Any) -> None:
    result = tw.materialize_to_memory([assets_def])
    events = [event for event in result.all_events if event.is_step_materialization]
    assert [event.materialization.metadata for event in events] == [{}] * made
    if kind is not None:
        assert isinstance(result.output_for_node(assets_def.op.name), kind)


def fails_check() -> None:
    int_param("no", "number")


def fails_as_ours() -> None:
    raise tw.Failure("no use")


def fails() -> None:
    raise ValueError("no")


@pytest.mark.parametrize("as_generator", [False, True])
@pytest.mark.parametrize(
    ("raising", "shown", "cause"),
    [
        (fails_check, "ExecutionStepExecutionError", "ParameterCheckError"),
        (fails, "ExecutionStepExecutionError", "ValueError"),
        (fails_as_ours, "Failure", None),
    ],
)
def test_a_users_error_is_the_cause_of_the_steps(
    raising: Any, shown: str, cause: str | None, as_generator: bool
) -> None:
    def called() -> Any:
        raising()

    def yielding() -> Any:
        raising()
        yield tw.Output(1)

    made = tw.op(name="raises")(yielding if as_generator else called)

    @tw.job
    def one() -> None:
        made()

    [failure] = [
        event for event in one.execute_in_process(raise_on_error=False).all_events if event.is_step_failure
    ]
    error = failure.step_failure_data.error
    assert (error.cls_name, error.cause and error.cause.cls_name) == (shown, cause)


class Files(tw.IOManager):
    def handle_output(self, context: Any, obj: Any) -> None: ...

    def load_input(self, context: Any) -> Any: ...


@tw.asset(io_manager_key="files")
def filed() -> int:
    return 1


def test_values_in_memory_take_no_io_managers() -> None:
    with pytest.raises(InvariantViolationError, match="files"):
        tw.materialize_to_memory([filed], resources={"files": Files()})
    assert tw.materialize_to_memory([filed], resources={"other": Files()}).output_for_node("filed") == 1
