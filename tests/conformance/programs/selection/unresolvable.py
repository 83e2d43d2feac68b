import pytest
from dagster import (
    AssetSelection,
    DagsterInvalidDefinitionError,
    DagsterInvalidSubsetError,
    Definitions,
    asset,
    define_asset_job,
)


@asset
def here(): ...


defs = Definitions(
    assets=[here],
    jobs=[define_asset_job("ok", "here"), define_asset_job("none", AssetSelection.groups("no_such_group"))],
)


def test_job_of_unknown_asset():
    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(assets=[here], jobs=[define_asset_job("bad", ["ghost"])]).get_job_def("bad")


def test_validate_loadable():
    Definitions.validate_loadable(Definitions(assets=[here]))
    with pytest.raises(Exception):
        Definitions.validate_loadable(Definitions(assets=[here], jobs=[define_asset_job("bad", ["ghost"])]))


def test_empty_selection_of_job():
    assert (
        Definitions(
            assets=[here], jobs=[define_asset_job("empty", AssetSelection.groups("nothing"))]
        ).get_job_def("empty")
        is not None
    )
