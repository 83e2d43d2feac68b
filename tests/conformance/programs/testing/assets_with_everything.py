import tempfile

from dagster import (
    AssetExecutionContext,
    Config,
    ConfigurableIOManager,
    ConfigurableResource,
    DagsterInstance,
    Definitions,
    FilesystemIOManager,
    RunConfig,
    asset,
    build_asset_context,
    define_asset_job,
    materialize,
)


class Settings(Config):
    times: int = 2


class Multiplier(ConfigurableResource):
    by: int


@asset
def numbers(context: AssetExecutionContext, config: Settings, multiplier: Multiplier) -> list:
    context.add_output_metadata({"times": config.times})
    return [n * multiplier.by for n in range(config.times)]


@asset
def summed(numbers: list) -> int:
    return sum(numbers)


job = define_asset_job("summing", selection="*", config=RunConfig(ops={"numbers": Settings(times=4)}))
defs = Definitions(assets=[numbers, summed], jobs=[job], resources={"multiplier": Multiplier(by=3)})


def test_direct():
    context = build_asset_context(resources={"multiplier": Multiplier(by=5)})
    assert numbers(context, Settings(times=3)) == [0, 5, 10]
    assert numbers(build_asset_context(), config=Settings(), multiplier=Multiplier(by=1)) == [0, 1]


def test_job_through_defs():
    result = defs.get_job_def("summing").execute_in_process()
    assert result.output_for_node("summed") == 18
    result = defs.get_job_def("summing").execute_in_process(
        run_config=RunConfig(ops={"numbers": Settings(times=2)})
    )
    assert result.output_for_node("summed") == 3


def test_materialize_with_config():
    result = materialize(
        [numbers, summed],
        resources={
            "multiplier": Multiplier(by=2),
            "io_manager": FilesystemIOManager(base_dir=tempfile.mkdtemp()),
        },
        run_config=RunConfig(ops={"numbers": Settings(times=5)}),
        tags={"from": "test"},
    )
    assert result.output_for_node("summed") == 20
    assert result.dagster_run.tags["from"] == "test"


def test_selection_reads_stored_value():
    with tempfile.TemporaryDirectory() as folder, DagsterInstance.ephemeral() as instance:
        resources = {"multiplier": Multiplier(by=2), "io_manager": FilesystemIOManager(base_dir=folder)}
        materialize([numbers], resources=resources, instance=instance)
        assert (
            materialize(
                [numbers, summed], selection=[summed], resources=resources, instance=instance
            ).output_for_node("summed")
            == 2
        )
