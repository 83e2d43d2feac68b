from dagster import (
    AssetExecutionContext,
    AssetKey,
    DagsterInstance,
    Definitions,
    FilesystemIOManager,
    StaticPartitionsDefinition,
    asset,
    materialize,
    mem_io_manager,
    in_process_executor,
)
import tempfile


@asset
def source_rows():
    return [1, 2, 3]


@asset(partitions_def=StaticPartitionsDefinition(["red", "blue"]))
def colours(context):
    return context.partition_key.upper()


@asset(deps=[source_rows])
def loads_by_hand(context: AssetExecutionContext):
    return len(context.load_asset_value(AssetKey("source_rows")))


folder = tempfile.mkdtemp()
defs = Definitions(
    assets=[source_rows, colours, loads_by_hand],
    resources={"io_manager": FilesystemIOManager(base_dir=folder)},
    executor=in_process_executor,
)


def test_load_from_defs():
    with DagsterInstance.ephemeral() as instance:
        defs.get_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=[AssetKey("source_rows")]
        )
        assert defs.load_asset_value("source_rows", instance=instance) == [1, 2, 3]
        materialize(
            [colours],
            partition_key="blue",
            instance=instance,
            resources={"io_manager": FilesystemIOManager(base_dir=folder)},
        )
        with defs.get_asset_value_loader(instance=instance) as loader:
            assert loader.load_asset_value(AssetKey("source_rows")) == [1, 2, 3]
            assert loader.load_asset_value(AssetKey("colours"), partition_key="blue") == "BLUE"


def test_repository_loads():
    repo = defs.get_repository_def()
    assert repo.load_asset_value(AssetKey("source_rows"), instance=DagsterInstance.ephemeral()) == [1, 2, 3]
