from dagster import (
    AssetIn,
    ConfigurableIOManager,
    DailyPartitionsDefinition,
    Definitions,
    InputContext,
    OutputContext,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
    asset,
    materialize,
)

STORE = {}
NOTES = []


class PartitionedStore(ConfigurableIOManager):
    def handle_output(self, context: OutputContext, obj):
        if context.has_asset_partitions:
            NOTES.append(
                [
                    "out",
                    context.asset_partition_key,
                    context.partition_key,
                    [str(t) for t in context.asset_partitions_time_window]
                    if context.asset_key.path == ["daily"]
                    else None,
                ]
            )
            for key in context.asset_partition_keys:
                STORE[(*context.asset_key.path, key)] = obj
        else:
            STORE[tuple(context.asset_key.path)] = obj

    def load_input(self, context: InputContext):
        if context.has_asset_partitions:
            keys = list(context.asset_partition_keys)
            NOTES.append(["in", context.asset_key.to_user_string(), keys[0], keys[-1], len(keys)])
            return {
                key: STORE[(*context.asset_key.path, key)]
                for key in keys
                if (*context.asset_key.path, key) in STORE
            }
        return STORE[tuple(context.asset_key.path)]


@asset(partitions_def=DailyPartitionsDefinition("2024-01-01"))
def daily(context):
    return f"d{context.partition_key}"


@asset(partitions_def=WeeklyPartitionsDefinition("2024-01-01"))
def weekly(daily):
    return sorted(daily)


@asset(
    partitions_def=DailyPartitionsDefinition("2024-01-01"),
    ins={"daily": AssetIn(partition_mapping=TimeWindowPartitionMapping(start_offset=-2))},
)
def rolling(daily):
    return sorted(daily)


@asset
def everything(daily):
    return len(daily)


@asset(partitions_def=StaticPartitionsDefinition(["n", "s"]))
def sides(context):
    return context.partition_key


defs = Definitions(
    assets=[daily, weekly, rolling, everything, sides], resources={"io_manager": PartitionedStore()}
)
resources = {"io_manager": PartitionedStore()}


def test_weekly_takes_days():
    STORE.clear(), NOTES.clear()
    for day in range(7, 15):
        assert materialize([daily], partition_key=f"2024-01-{day:02d}", resources=resources).success
    result = materialize([daily, weekly], selection=[weekly], partition_key="2024-01-07", resources=resources)
    assert result.output_for_node("weekly") == [f"2024-01-{day:02d}" for day in range(7, 14)]
    result = materialize(
        [daily, rolling], selection=[rolling], partition_key="2024-01-12", resources=resources
    )
    assert result.output_for_node("rolling") == ["2024-01-10", "2024-01-11", "2024-01-12"]


def observe():
    return {"notes": NOTES}
