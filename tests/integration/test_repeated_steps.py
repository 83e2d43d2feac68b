"""``execute_job`` with a selection of steps of an earlier run: what is made again is read anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tidewheel as tw
from tidewheel.errors import InvariantViolationError, StepNotFoundError
from tidewheel.runtime.instance.facade import Instance


@tw.op(config_schema=list, out=tw.DynamicOut(int))
def split(context: tw.OpExecutionContext) -> Iterator[tw.DynamicOutput]:
    for number in context.op_config:
        yield tw.DynamicOutput(number * 10, mapping_key=str(number))


@tw.op
def double(number: int) -> int:
    return number * 2


@tw.op
def total(numbers: list) -> int:
    return sum(numbers)


@tw.job(executor_def=tw.in_process_executor)
def doubled() -> None:
    total(split().map(double).collect())


def _config(*numbers: int) -> dict:
    return {"ops": {"split": {"config": list(numbers)}}}


@pytest.fixture
def instance() -> Iterator[Instance]:
    with tw.instance_for_test() as made:
        yield made


@pytest.mark.parametrize(
    ("steps", "numbers", "made", "values"),
    [
        (["split*"], (2, 3), {"split", "double[2]", "double[3]", "total"}, {"2": 40, "3": 60}),
        (["+double[?]"], (2, 3), {"split", "double[2]", "double[3]"}, {"2": 40, "3": 60}),
        (["double[1]*"], (5,), {"double[1]", "total"}, {"1": 20}),
        (["double[?]"], (5,), {"double[1]", "double[2]"}, {"1": 20, "2": 40}),
    ],
)
def test_selected_steps(
    instance: Instance, steps: list[str], numbers: tuple[int, ...], made: set[str], values: dict[str, int]
) -> None:
    first = tw.execute_job(doubled, instance, run_config=_config(1, 2))
    options = tw.ReexecutionOptions(first.run_id, step_selection=steps)
    with tw.execute_job(
        doubled, instance, run_config=_config(*numbers), reexecution_options=options
    ) as again:
        assert again.success
        assert {event.step_key for event in again.get_step_success_events()} == made
        assert again.output_for_node("double") == values


@pytest.mark.parametrize("steps", [["splat"], ["double[7]"], ["split", "double[1]"]])
def test_unknown_steps_are_refused(instance: Instance, steps: list[str]) -> None:
    first = tw.execute_job(doubled, instance, run_config=_config(1, 2))
    options = tw.ReexecutionOptions(first.run_id, step_selection=steps)
    with pytest.raises(StepNotFoundError, match="unknown step: "):
        tw.execute_job(doubled, instance, reexecution_options=options)


def test_a_selection_of_ops_stays(instance: Instance) -> None:
    first = tw.execute_job(doubled, instance, run_config=_config(1), op_selection=["split"])
    assert first.dagster_run.op_selection == ["split"]
    options = tw.ReexecutionOptions(first.run_id)
    again = tw.execute_job(doubled, instance, reexecution_options=options)
    assert {event.step_key for event in again.get_step_success_events()} == {"split"}
    with pytest.raises(InvariantViolationError, match="both"):
        tw.execute_job(doubled, instance, op_selection=["split"], reexecution_options=options)


@tw.op
def one() -> int:
    return 1


@tw.op
def next_of(number: int) -> int:
    return number + 1


@tw.job(executor_def=tw.in_process_executor)
def chain() -> None:
    next_of.alias("last")(next_of.alias("middle")(one()))


@tw.asset
def source() -> int:
    return 1


@tw.asset
def target(source: int) -> int:
    return source


@tw.asset
def beyond(target: int) -> int:
    return target


CHAIN_OF_ASSETS = tw.Definitions(
    assets=[source, target, beyond],
    jobs=[tw.define_asset_job("chain_of_assets")],
    executor=tw.in_process_executor,
).get_job_def("chain_of_assets")


@pytest.mark.parametrize(
    ("job", "selection", "steps", "made"),
    [
        (chain, {"op_selection": ["one", "middle"]}, ["middle*"], {"middle"}),
        (chain, {"op_selection": ["one", "middle"]}, ["last"], None),
        (CHAIN_OF_ASSETS, {"asset_selection": [source.key, target.key]}, ["target*"], {"target"}),
        (CHAIN_OF_ASSETS, {"asset_selection": [source.key, target.key]}, ["beyond"], None),
    ],
)
def test_steps_are_of_what_the_repeated_run_selected(
    instance: Instance, job: tw.JobDefinition, selection: dict, steps: list[str], made: set[str] | None
) -> None:
    first = tw.execute_job(job, instance, **selection)
    options = tw.ReexecutionOptions(first.run_id, step_selection=steps)
    if made is None:
        with pytest.raises(StepNotFoundError, match=steps[0]):
            tw.execute_job(job, instance, reexecution_options=options)
        return
    again = tw.execute_job(job, instance, reexecution_options=options)
    assert {event.step_key for event in again.get_step_success_events()} == made
    known, run = instance.get_run_by_id(first.run_id), instance.get_run_by_id(again.run_id)
    assert known is not None
    assert run is not None
    assert (run.op_selection, run.asset_selection) == (known.op_selection, known.asset_selection)
    assert set(run.step_keys_to_execute or ()) == made


def test_values_are_read_while_the_result_is_open(instance: Instance) -> None:
    result = tw.execute_job(doubled, instance, run_config=_config(1))
    with pytest.raises(InvariantViolationError, match="context manager"):
        result.output_for_node("total")
    with result:
        assert result.output_for_node("total") == 20
