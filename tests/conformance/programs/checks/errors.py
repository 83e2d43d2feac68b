import pytest
from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    DagsterInvalidDefinitionError,
    DagsterInvariantViolationError,
    DagsterStepOutputNotFoundError,
    Definitions,
    Output,
    asset,
    asset_check,
    materialize,
    AssetCheckKey,
)


@asset
def thing():
    return 1


@asset_check(asset=thing)
def raises(thing):
    raise ValueError("no verdict")


@asset_check(asset=thing)
def passes(thing):
    return AssetCheckResult(passed=True)


defs = Definitions(assets=[thing], asset_checks=[raises, passes])


def test_raising_check():
    with pytest.raises(ValueError):
        materialize([thing, raises])


def test_wrong_return():
    @asset_check(asset=thing)
    def wrong():
        return "fine"

    assert materialize([thing, wrong]).get_asset_check_evaluations() == []


def test_duplicate_check():
    @asset_check(asset=thing, name="passes")
    def other():
        return AssetCheckResult(passed=True)

    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(assets=[thing], asset_checks=[passes, other]).get_repository_def()


def test_missing_check_result():
    @asset(check_specs=[AssetCheckSpec("forgotten", asset="forgetful")])
    def forgetful():
        return 1

    with pytest.raises(DagsterInvariantViolationError):
        materialize([forgetful])

    @asset(check_specs=[AssetCheckSpec("forgotten", asset="yielding")])
    def yielding():
        yield Output(1)

    with pytest.raises(DagsterStepOutputNotFoundError):
        materialize([yielding])


def test_unknown_check_result():
    @asset(check_specs=[AssetCheckSpec("known", asset="odd")])
    def odd():
        yield AssetCheckResult(check_name="unknown", passed=True)

    with pytest.raises(DagsterInvariantViolationError):
        materialize([odd])


def test_check_on_two_assets_by_key():
    key = AssetCheckKey(thing.key, "passes")
    assert key == AssetCheckKey(asset_key=thing.key, name="passes")
    assert key.to_user_string() == "thing:passes"


def test_spec_of_other_asset():
    with pytest.raises(DagsterInvalidDefinitionError):

        @asset(check_specs=[AssetCheckSpec("x", asset="someone_else")])
        def here():
            return 1
