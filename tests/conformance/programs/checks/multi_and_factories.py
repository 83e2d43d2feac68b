from typing import Iterable, List

from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSpec,
    AssetIn,
    Definitions,
    asset,
    asset_check,
    load_asset_checks_from_current_module,
    materialize,
    multi_asset_check,
)


@asset
def people():
    return [{"name": "ada", "age": 36}, {"name": None, "age": 200}]


@asset(key_prefix="hr")
def teams():
    return 3


@multi_asset_check(
    specs=[
        AssetCheckSpec("names", asset=people),
        AssetCheckSpec("count", asset=["hr", "teams"], blocking=True, metadata={"m": 1}),
    ],
    can_subset=True,
    name="staff_checks",
)
def staff(context) -> Iterable[AssetCheckResult]:
    if AssetCheckKey(people.key, "names") in context.selected_asset_check_keys:
        yield AssetCheckResult(check_name="names", passed=False, asset_key="people")
    if AssetCheckKey(teams.key, "count") in context.selected_asset_check_keys:
        yield AssetCheckResult(check_name="count", passed=True, asset_key=teams.key, metadata={"n": 3})


@multi_asset_check(
    specs=[AssetCheckSpec("ages", asset="people")], ins={"people": AssetIn("people")} if False else None
)
def ages():
    yield AssetCheckResult(check_name="ages", passed=True)


def make_not_null(column: str) -> AssetChecksDefinition:
    @asset_check(asset=people, name=f"{column}_not_null", description=f"no null in {column}")
    def check(people):
        bad = [row for row in people if row[column] is None]
        return AssetCheckResult(passed=not bad, metadata={"bad": len(bad)})

    return check


not_null: List[AssetChecksDefinition] = [make_not_null(column) for column in ("name", "age")]

defs = Definitions(assets=[people, teams], asset_checks=[staff, ages, *not_null])


def test_all():
    result = materialize([people, teams, staff, ages, *not_null])
    assert {one.check_name: one.passed for one in result.get_asset_check_evaluations()} == {
        "names": False,
        "count": True,
        "ages": True,
        "name_not_null": False,
        "age_not_null": True,
    }
