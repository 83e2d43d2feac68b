"""A partition for each customer, found by a sensor; a multi-partitioned report for customer and month."""

from dagster import (
    AddDynamicPartitionsRequest,
    AssetExecutionContext,
    AssetSelection,
    BackfillPolicy,
    Config,
    DefaultSensorStatus,
    DeleteDynamicPartitionsRequest,
    Definitions,
    DynamicPartitionsDefinition,
    MaterializeResult,
    MonthlyPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    asset,
    define_asset_job,
    sensor,
)

customers = DynamicPartitionsDefinition(name="customer")
months = MonthlyPartitionsDefinition(start_date="2024-01-01", end_date="2024-04-01")
per_customer_and_month = MultiPartitionsDefinition({"customer": customers, "month": months})

KNOWN = ["acme", "zenith"]


@asset(partitions_def=customers, group_name="customers")
def profile(context: AssetExecutionContext) -> MaterializeResult:
    return MaterializeResult(
        metadata={"customer": context.partition_key, "upper": context.partition_key.upper()}
    )


@asset(
    partitions_def=per_customer_and_month,
    deps=[profile],
    group_name="customers",
    backfill_policy=BackfillPolicy.multi_run(),
)
def monthly_report(context: AssetExecutionContext) -> MaterializeResult:
    keys: MultiPartitionKey = context.partition_key
    return MaterializeResult(metadata=dict(keys.keys_by_dimension))


profile_job = define_asset_job(
    "profile_job", selection=AssetSelection.assets(profile), partitions_def=customers
)


@sensor(job=profile_job, minimum_interval_seconds=60, default_status=DefaultSensorStatus.RUNNING)
def customer_sensor(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    existing = context.instance.get_dynamic_partitions("customer")
    new = [name for name in KNOWN if name not in existing]
    gone = [name for name in existing if name not in KNOWN]
    if not new and not gone:
        return SkipReason("no change")
    requests: list = []
    if new:
        requests.append(AddDynamicPartitionsRequest(partitions_def_name="customer", partition_keys=new))
    if gone:
        requests.append(DeleteDynamicPartitionsRequest(partitions_def_name="customer", partition_keys=gone))
    return SensorResult(
        run_requests=[RunRequest(run_key=f"new_{name}", partition_key=name) for name in new],
        dynamic_partitions_requests=requests,
        cursor=",".join(KNOWN),
    )


defs = Definitions(assets=[profile, monthly_report], jobs=[profile_job], sensors=[customer_sensor])


def test_report():
    from dagster import DagsterInstance, materialize

    with DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("customer", ["acme"])
        result = materialize(
            [profile, monthly_report],
            selection=[monthly_report],
            partition_key=MultiPartitionKey({"customer": "acme", "month": "2024-02-01"}),
            instance=instance,
        )
        (made,) = result.asset_materializations_for_node("monthly_report")
        assert made.metadata["customer"].value == "acme"
        assert made.partition == "acme|2024-02-01"
