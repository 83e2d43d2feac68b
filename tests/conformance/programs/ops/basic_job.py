from dagster import Definitions, OpExecutionContext, job, op


@op
def fetch():
    return [3, 1, 2]


@op
def order(context: OpExecutionContext, numbers):
    context.log.info("ordering %d numbers", len(numbers))
    return sorted(numbers)


@op
def store(context, numbers: list) -> int:
    context.log.info(str(numbers))
    return len(numbers)


@job(description="Sorts.", tags={"team": "data", "tier": 2}, metadata={"wiki": "https://example.org/sort"})
def sorting():
    """Not the description."""
    store(order(fetch()))


@job
def twice():
    """Fetches two times."""
    store.alias("store_first")(order(fetch()))
    store.alias("store_second")(fetch.alias("fetch_again")())


defs = Definitions(jobs=[sorting, twice])


def test_sorting():
    result = sorting.execute_in_process()
    assert result.success
    assert result.output_for_node("order") == [1, 2, 3]
    assert result.output_for_node("store") == 3
    assert [event.step_key for event in result.get_step_success_events()] == ["fetch", "order", "store"]


def test_op_is_a_function():
    assert fetch() == [3, 1, 2]


def observe():
    return {
        "names": [sorting.name, twice.name],
        "nodes": sorted(node.name for node in twice.nodes),
        "tags": dict(sorting.tags),
        "description": twice.description,
        "op": [
            store.name,
            [i.name for i in store.input_defs],
            [o.name for o in store.output_defs],
            list(store.ins),
            list(store.outs),
        ],
    }
