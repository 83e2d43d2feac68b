import pytest
from dagster import AssetKey, AssetSpec, DagsterInvalidDefinitionError, Definitions, asset


@asset
def fine():
    return 1


defs = Definitions(assets=[fine])


def test_bad_group():
    with pytest.raises(DagsterInvalidDefinitionError):

        @asset(group_name="with space")
        def nope(): ...


def test_bad_tag():
    with pytest.raises(DagsterInvalidDefinitionError):

        @asset(tags={"has space": "x"})
        def nope(): ...


def test_bad_owner():
    with pytest.raises(DagsterInvalidDefinitionError):

        @asset(owners=["neither mail nor team"])
        def nope(): ...


def test_key_and_name():
    with pytest.raises(DagsterInvalidDefinitionError):

        @asset(key="a", key_prefix="b")
        def nope(): ...


def test_too_many_kinds():
    with pytest.raises(Exception):
        asset(name="x", kinds={"a", "b", "c", "d"})(lambda: None)


def test_duplicate_keys():
    @asset(key=AssetKey("fine"))
    def other(): ...

    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(assets=[fine, other]).get_repository_def()


def test_self_dependency_without_partitions():
    with pytest.raises(DagsterInvalidDefinitionError):
        Definitions(assets=[asset(name="loop", deps=["loop"])(lambda: None)]).get_repository_def()


def test_cycle():
    @asset(deps=["right"])
    def left(): ...

    @asset(deps=["left"])
    def right(): ...

    with pytest.raises(Exception):
        Definitions(assets=[left, right]).get_implicit_global_asset_job_def().execute_in_process()
