import pytest
from dagster import (
    AssetKey,
    AssetSelection,
    DagsterInvalidDefinitionError,
    DagsterInstance,
    Definitions,
    asset,
    asset_check,
    AssetCheckResult,
    materialize,
    materialize_to_memory,
    multi_asset,
    AssetSpec,
    MaterializeResult,
)


@asset
def first():
    return 1


@asset
def second(first):
    return first + 1


@asset
def third(second):
    return second + 1


@asset_check(asset=second)
def second_check(second):
    return AssetCheckResult(passed=second == 2)


@multi_asset(specs=[AssetSpec("p"), AssetSpec("q")], can_subset=True)
def pq(context):
    for key in sorted(context.selected_asset_keys):
        yield MaterializeResult(asset_key=key)


@multi_asset(specs=[AssetSpec("stuck"), AssetSpec("together")])
def glued(): ...


everything = [first, second, third, second_check, pq, glued]
defs = Definitions(assets=[first, second, third, pq, glued], asset_checks=[second_check])


def made(selection):
    result = materialize(everything, selection=selection)
    return sorted(event.asset_key.to_user_string() for event in result.get_asset_materialization_events())


def observe():
    return {
        "by_object": made([first, second]),
        "by_string": made(["first"]),
        "by_query": made("*second"),
        "by_key": made([AssetKey("first"), AssetKey("second")]),
        "by_selection": made(AssetSelection.assets(first).downstream(depth=1)),
        "part_of_multi": made(["p"]),
        "group": len(made(AssetSelection.groups("default"))),
    }


def test_part_of_unsplittable():
    with pytest.raises(DagsterInvalidDefinitionError):
        made(["stuck"])


def test_memory_needs_inputs():
    assert materialize_to_memory([first, second]).output_for_node("second") == 2
    with pytest.raises(Exception):
        materialize_to_memory([first, second], selection=["second"])


def test_checks_ride_along():
    result = materialize(everything, selection=["first", "second"])
    assert [one.check_name for one in result.get_asset_check_evaluations()] == ["second_check"]
    result = materialize(everything, selection=AssetSelection.assets(first, second).without_checks())
    assert result.get_asset_check_evaluations() == []


def test_inputs_from_earlier_run():
    with DagsterInstance.ephemeral() as instance:
        materialize([first], instance=instance)
        assert (
            materialize([first, second], selection=[second], instance=instance).output_for_node("second") == 2
        )
