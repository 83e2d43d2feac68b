"""Retries, events, several outputs, dynamic work inside graph assets; run status in hooks."""

import dagster as dg
from typing import Any, Iterator, Optional


@dg.op(out=dg.DynamicOut(str))
def list_files() -> Iterator[dg.DynamicOutput[str]]:
    for name in ("a.csv", "b.csv"):
        yield dg.DynamicOutput(name, mapping_key=name.replace(".", "_"), metadata={"name": name})


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
def read_file(context: dg.OpExecutionContext, name: str) -> int:
    if context.retry_number == 0 and name.startswith("b"):
        raise RuntimeError("busy")
    return len(name) + context.retry_number


@dg.op
def add_up(context: dg.OpExecutionContext, sizes: list) -> int:
    context.log_event(dg.AssetObservation("files_seen", metadata={"count": len(sizes)}))
    return sum(sizes)


@dg.graph_asset(description="The size of all files.", group_name="files")
def total_size():
    return add_up(list_files().map(read_file).collect())


@dg.asset(output_required=False, group_name="files")
def sometimes(total_size: int):
    if total_size % 2 == 0:
        yield dg.Output(total_size)


@dg.asset(group_name="files")
def after_sometimes(sometimes: Optional[int]) -> dg.Output[str]:
    return dg.Output(f"got {sometimes}", metadata={"value": sometimes or 0}, tags={"t": "1"})


@dg.multi_asset(
    specs=[
        dg.AssetSpec("left", group_name="sides", code_version="1"),
        dg.AssetSpec("right", group_name="sides", deps=["left"], skippable=True),
    ],
    name="sides",
    op_tags={"size": "small"},
    retry_policy=dg.RetryPolicy(max_retries=1),
)
def both_sides(context: dg.AssetExecutionContext) -> Iterator[Any]:
    yield dg.MaterializeResult(asset_key="left", metadata={"retry": context.retry_number})
    yield dg.AssetObservation(asset_key="left", metadata={"note": "seen"})
    if context.retry_number:
        yield dg.MaterializeResult(asset_key="right")


@dg.success_hook(required_resource_keys={"messages"})
def tell(context: dg.HookContext):
    context.resources.messages.append(f"{context.op.name} fine")


@dg.failure_hook(required_resource_keys={"messages"})
def complain(context: dg.HookContext):
    context.resources.messages.append(f"{context.op.name}: {type(context.op_exception).__name__}")


MESSAGES: list = []


@dg.op
def fails():
    raise dg.Failure("no", metadata={"why": "because"}, allow_retries=False)


@dg.job(
    hooks={tell, complain}, resource_defs={"messages": dg.ResourceDefinition.hardcoded_resource(MESSAGES)}
)
def hooked():
    add_up.alias("sum_of_two")(sizes=[read_file.alias("one")(), read_file.alias("two")()])
    fails()


defs = dg.Definitions(
    assets=[total_size, sometimes, after_sometimes, both_sides],
    jobs=[hooked, dg.define_asset_job("files_job", dg.AssetSelection.groups("files"))],
)


def test_total():
    result = dg.materialize_to_memory([total_size, sometimes, after_sometimes])
    assert result.success
    assert result.output_for_node("total_size.add_up") == 11
    assert result.retry_attempts_for_node("total_size.read_file[b_csv]") in (0, 1)


def test_hooks():
    MESSAGES.clear()
    result = hooked.execute_in_process(
        run_config={
            "ops": {
                "one": {"inputs": {"name": "abc"}},
                "two": {"inputs": {"name": "defg"}},
            }
        },
        raise_on_error=False,
    )
    assert not result.success
    assert sorted(MESSAGES) == ["fails: Failure", "one fine", "sum_of_two fine", "two fine"]
    assert result.output_for_node("sum_of_two") == 7


def test_direct_results():
    assert after_sometimes(3).value == "got 3"
    assert [one.mapping_key for one in list_files()] == ["a_csv", "b_csv"]
