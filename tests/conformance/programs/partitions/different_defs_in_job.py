import pytest
from dagster import (
    AssetSelection,
    DagsterInvalidDefinitionError,
    DailyPartitionsDefinition,
    Definitions,
    HourlyPartitionsDefinition,
    ScheduleDefinition,
    StaticPartitionsDefinition,
    asset,
    define_asset_job,
    materialize,
)


@asset(partitions_def=DailyPartitionsDefinition("2024-01-01"))
def by_day(): ...


@asset(partitions_def=StaticPartitionsDefinition(["a"]))
def by_letter(): ...


@asset
def no_partitions(): ...


mixed_ok = define_asset_job("mixed_ok", selection=[by_day, no_partitions])
defs = Definitions(assets=[by_day, by_letter, no_partitions], jobs=[mixed_ok])


def test_two_kinds_in_a_job():
    mixed = Definitions(assets=[by_day, by_letter], jobs=[define_asset_job("mixed", AssetSelection.all())])
    with pytest.raises(DagsterInvalidDefinitionError):
        mixed.get_repository_def().get_job("mixed")


def test_job_partitions_differ_from_assets():
    wrong = define_asset_job("wrong", [by_day], partitions_def=StaticPartitionsDefinition(["q"]))
    Definitions(assets=[by_day], jobs=[wrong]).get_repository_def()


def test_partition_key_of_unpartitioned():
    with pytest.raises(Exception):
        materialize([no_partitions], partition_key="2024-01-01")


def test_identity_between_different_definitions():
    from dagster import AssetDep, IdentityPartitionMapping

    @asset(
        partitions_def=HourlyPartitionsDefinition("2024-01-01-00:00"),
        deps=[AssetDep(by_day, partition_mapping=IdentityPartitionMapping())],
    )
    def hourly(): ...

    Definitions(assets=[by_day, hourly]).get_repository_def()


def test_bad_dates():
    with pytest.raises(Exception):
        DailyPartitionsDefinition(start_date="2024-13-01")
    with pytest.raises(Exception):
        DailyPartitionsDefinition(start_date="01/02/2024")


def test_bad_timezone():
    with pytest.raises(Exception):
        DailyPartitionsDefinition("2024-01-01", timezone="Mars/Olympus").get_partition_keys()
