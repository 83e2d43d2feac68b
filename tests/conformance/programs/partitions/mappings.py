from datetime import datetime, timezone

from dagster import (
    AllPartitionMapping,
    AssetDep,
    AssetIn,
    DailyPartitionsDefinition,
    Definitions,
    DimensionPartitionMapping,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MonthlyPartitionsDefinition,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
    asset,
)

days = DailyPartitionsDefinition("2024-01-01", end_date="2024-03-01")
hours = HourlyPartitionsDefinition("2024-01-01-00:00", end_date="2024-01-04-00:00")
weeks = WeeklyPartitionsDefinition("2024-01-07", end_date="2024-03-03")
months = MonthlyPartitionsDefinition("2024-01-01", end_date="2024-04-01")
colours = StaticPartitionsDefinition(["red", "green", "blue"])
both = MultiPartitionsDefinition({"day": days, "colour": colours})
NOW = datetime(2024, 3, 10, tzinfo=timezone.utc)


@asset(partitions_def=days)
def daily(): ...


@asset(
    partitions_def=days,
    ins={"daily": AssetIn(partition_mapping=TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))},
)
def yesterday(daily): ...


@asset(partitions_def=weeks, deps=[AssetDep(daily, partition_mapping=TimeWindowPartitionMapping())])
def weekly(): ...


@asset(deps=[AssetDep(daily, partition_mapping=LastPartitionMapping())])
def latest(): ...


@asset(
    deps=[
        AssetDep("daily", partition_mapping=SpecificPartitionsPartitionMapping(["2024-01-05", "2024-01-06"]))
    ]
)
def chosen(): ...


@asset(
    partitions_def=both,
    deps=[
        AssetDep(
            daily, partition_mapping=MultiToSingleDimensionPartitionMapping(partition_dimension_name="day")
        )
    ],
)
def crossed(): ...


@asset(
    partitions_def=days,
    deps=[AssetDep(daily, partition_mapping=TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))]
    if False
    else [AssetDep(daily, partition_mapping=IdentityPartitionMapping())],
)
def same(): ...


defs = Definitions(assets=[daily, yesterday, weekly, latest, chosen, crossed, same])


def upstream(mapping, downstream_def, upstream_def, *keys):
    downstream = downstream_def.subset_with_partition_keys(keys) if downstream_def else None
    result = mapping.get_upstream_mapped_partitions_result_for_partitions(
        downstream, downstream_def, upstream_def, current_time=NOW
    )
    found = sorted(map(str, result.partitions_subset.get_partition_keys()))
    return found if len(found) < 8 else [len(found), found[0], found[-1]]


def downstream(mapping, upstream_def, downstream_def, *keys):
    subset = mapping.get_downstream_partitions_for_partitions(
        upstream_def.subset_with_partition_keys(keys), upstream_def, downstream_def, current_time=NOW
    )
    found = sorted(map(str, subset.get_partition_keys()))
    return found if len(found) < 8 else [len(found), found[0], found[-1]]


def observe():
    window = TimeWindowPartitionMapping()
    static = StaticPartitionMapping({"red": ["x", "y"], "green": "x", "blue": "z"})
    letters = StaticPartitionsDefinition(["x", "y", "z"])
    crossing = MultiPartitionMapping(
        {
            "colour": DimensionPartitionMapping("colour", IdentityPartitionMapping()),
            "day": DimensionPartitionMapping(
                dimension_name="day",
                partition_mapping=TimeWindowPartitionMapping(start_offset=-1, end_offset=0),
            ),
        }
    )
    return {
        "hours_of_day": upstream(window, days, hours, "2024-01-02"),
        "day_of_hour": upstream(window, hours, days, "2024-01-02-05:00"),
        "week_of_days": upstream(window, weeks, days, "2024-01-14"),
        "months_to_weeks": upstream(window, months, weeks, "2024-02-01"),
        "yesterday": upstream(
            TimeWindowPartitionMapping(start_offset=-1, end_offset=-1), days, days, "2024-01-05"
        ),
        "rolling": upstream(TimeWindowPartitionMapping(start_offset=-3), days, days, "2024-01-05"),
        "before_start": upstream(
            TimeWindowPartitionMapping(
                start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True
            ),
            days,
            days,
            "2024-01-01",
        ),
        "down_rolling": downstream(TimeWindowPartitionMapping(start_offset=-2), days, days, "2024-01-05"),
        "down_week": downstream(window, days, weeks, "2024-01-09", "2024-01-15"),
        "all": upstream(AllPartitionMapping(), colours, letters, "red"),
        "last": upstream(LastPartitionMapping(), None, days),
        "specific": upstream(SpecificPartitionsPartitionMapping(["2024-01-05"]), None, days),
        "identity": upstream(
            IdentityPartitionMapping(), colours, StaticPartitionsDefinition(["green", "red"]), "red"
        ),
        "static_up": upstream(static, letters, colours, "x"),
        "static_down": downstream(static, colours, letters, "red", "blue"),
        "multi_up": upstream(
            MultiToSingleDimensionPartitionMapping("day"), both, days, "red|2024-01-03", "blue|2024-01-03"
        ),
        "multi_down": downstream(MultiToSingleDimensionPartitionMapping(), colours, both, "red"),
        "crossing": upstream(crossing, both, both, "red|2024-01-03"),
        "equal": TimeWindowPartitionMapping(start_offset=-1) == TimeWindowPartitionMapping(start_offset=-1),
    }
