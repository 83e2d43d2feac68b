import pytest
from dagster import (
    AssetOut,
    AssetSpec,
    DagsterStepOutputNotFoundError,
    Definitions,
    MaterializeResult,
    Output,
    materialize,
    multi_asset,
)


@multi_asset(outs={"kept": AssetOut(), "dropped": AssetOut()})
def forgetful():
    yield Output(1, "kept")


@multi_asset(outs={"always": AssetOut(), "maybe": AssetOut(is_required=False)})
def relaxed():
    yield Output(1, "always")


@multi_asset(specs=[AssetSpec("x"), AssetSpec("y")])
def returns_tuple():
    return MaterializeResult(asset_key="x"), MaterializeResult(asset_key="y", metadata={"late": True})


@multi_asset(specs=[AssetSpec("p"), AssetSpec("q")])
def returns_nothing():
    pass


defs = Definitions(assets=[forgetful, relaxed, returns_tuple, returns_nothing])


def test_forgetful_fails():
    with pytest.raises(DagsterStepOutputNotFoundError):
        materialize([forgetful])


def test_relaxed_passes():
    assert materialize([relaxed]).success


def test_nothing_returned_makes_all():
    made = materialize([returns_nothing]).get_asset_materialization_events()
    assert len(made) == 2
