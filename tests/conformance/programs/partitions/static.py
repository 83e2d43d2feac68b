import pytest
from dagster import (
    AssetExecutionContext,
    AssetIn,
    DagsterInvalidDefinitionError,
    DagsterUnknownPartitionError,
    Definitions,
    IdentityPartitionMapping,
    LastPartitionMapping,
    PartitionKeyRange,
    RunRequest,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    asset,
    define_asset_job,
    materialize,
    sensor,
)

regions = StaticPartitionsDefinition(["north", "south", "east"])
halves = StaticPartitionsDefinition(["upper", "lower"])


@asset(partitions_def=regions)
def population(context: AssetExecutionContext):
    return {"north": 5, "south": 7, "east": 2}[context.partition_key]


@asset(partitions_def=regions)
def density(context, population):
    return population / 2


@asset(
    partitions_def=halves,
    ins={
        "population": AssetIn(
            partition_mapping=StaticPartitionMapping({"north": "upper", "east": "upper", "south": "lower"})
        )
    },
)
def half_population(population):
    return population


@asset
def total(population: dict):
    return sum(population.values())


population_job = define_asset_job("population_job", selection=[population, density], partitions_def=regions)


@sensor(job=population_job)
def each_region(context):
    for key in regions.get_partition_keys():
        yield population_job.run_request_for_partition(
            partition_key=key, run_key=f"region-{key}", tags={"via": "helper"}
        )


@sensor(job=population_job)
def one_region(context):
    return RunRequest(run_key="only", partition_key="south")


@sensor(job=population_job)
def unknown_region(context):
    return RunRequest(partition_key="west")


defs = Definitions(
    assets=[population, density, half_population, total],
    jobs=[population_job],
    sensors=[each_region, one_region, unknown_region],
)


def test_unknown_key():
    with pytest.raises(DagsterUnknownPartitionError):
        materialize([population], partition_key="west")


def test_duplicates():
    with pytest.raises(DagsterInvalidDefinitionError):
        StaticPartitionsDefinition(["a", "a"])


def test_bad_key():
    with pytest.raises(DagsterInvalidDefinitionError):
        StaticPartitionsDefinition(["a...b"])


def test_chain():
    result = materialize([population, density], partition_key="south")
    assert result.output_for_node("density") == 3.5


def observe():
    return {
        "keys": regions.get_partition_keys(),
        "range": list(regions.get_partition_keys_in_range(PartitionKeyRange("north", "south"))),
        "last": regions.get_last_partition_key(),
        "first": regions.get_first_partition_key(),
        "count": regions.get_num_partitions(),
        "equal": regions == StaticPartitionsDefinition(["north", "south", "east"]),
        "repr": repr(halves),
    }
