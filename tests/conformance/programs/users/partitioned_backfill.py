"""Monthly and two-dimensional assets that work on whole ranges at once."""

import dagster as dg
import pytest

months = dg.MonthlyPartitionsDefinition(start_date="2023-10-01", end_date="2024-04-01")
countries = dg.StaticPartitionsDefinition(["no", "se", "dk"])
by_country = dg.MultiPartitionsDefinition({"month": months, "country": countries})


@dg.asset(partitions_def=months, backfill_policy=dg.BackfillPolicy.single_run())
def invoices(context: dg.AssetExecutionContext) -> dict:
    start, end = context.partition_time_window
    context.log.info(f"{start} to {end}")
    return {key: len(key) for key in context.partition_keys}


@dg.asset(partitions_def=by_country, backfill_policy=dg.BackfillPolicy.multi_run(2))
def by_land(context: dg.AssetExecutionContext):
    keys = context.partition_key.keys_by_dimension
    return f"{keys['country']} in {keys['month']}"


@dg.asset(
    partitions_def=countries,
    ins={
        "by_land": dg.AssetIn(
            partition_mapping=dg.MultiToSingleDimensionPartitionMapping(partition_dimension_name="country")
        )
    },
)
def per_country(context: dg.AssetExecutionContext, by_land: dict):
    return sorted(by_land.values())


@dg.asset(
    partitions_def=months,
    deps=[
        dg.AssetDep(invoices, partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-2)),
    ],
)
def quarter(context: dg.AssetExecutionContext):
    return context.partition_key


@dg.asset(deps=[dg.AssetDep("invoices", partition_mapping=dg.AllPartitionMapping())])
def total(): ...


monthly_job = dg.define_asset_job("monthly_job", [invoices, quarter], partitions_def=months)
defs = dg.Definitions(
    assets=[invoices, by_land, per_country, quarter, total],
    jobs=[monthly_job, dg.define_asset_job("lands", [by_land])],
    schedules=[
        dg.build_schedule_from_partitioned_job(monthly_job, name="monthly", day_of_month=3, hour_of_day=4)
    ],
)


def test_range():
    result = dg.materialize(
        [invoices],
        tags={
            "dagster/asset_partition_range_start": "2023-11-01",
            "dagster/asset_partition_range_end": "2024-01-01",
        },
        resources={"io_manager": dg.mem_io_manager},
    )
    assert sorted(result.output_for_node("invoices")) == ["2023-11-01", "2023-12-01", "2024-01-01"]
    assert [one.partition for one in result.asset_materializations_for_node("invoices")] == [
        "2023-11-01",
        "2023-12-01",
        "2024-01-01",
    ]


def test_multi_to_single(tmp_path):
    manager = dg.FilesystemIOManager(base_dir=str(tmp_path))
    for month in months.get_partition_keys():
        key = dg.MultiPartitionKey({"country": "se", "month": month})
        assert dg.materialize([by_land], partition_key=key, resources={"io_manager": manager}).success
    result = dg.materialize(
        [by_land, per_country],
        selection=[per_country],
        partition_key="se",
        resources={"io_manager": manager},
    )
    assert len(result.output_for_node("per_country")) == 6
    assert result.output_for_node("per_country")[0] == "se in 2023-10-01"


def test_unknown_month():
    with pytest.raises(dg.DagsterUnknownPartitionError):
        dg.materialize([invoices], partition_key="2025-01-01")


def observe():
    return {
        "keys": by_country.get_partition_keys()[:4],
        "multi": [str(dg.MultiPartitionKey({"month": "2024-01-01", "country": "no"}))],
        "with": by_country.get_multipartition_keys_with_dimension_value("country", "dk")[:2],
        "months": list(months.get_partition_keys()),
    }
