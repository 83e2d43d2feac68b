from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    DynamicPartitionsDefinition,
    EventRecordsFilter,
    MaterializeResult,
    Output,
    asset,
    job,
    materialize,
    op,
)

customers = DynamicPartitionsDefinition(name="customers")


@asset
def discover(context: AssetExecutionContext) -> None:
    found = ["ada", "bob"]
    context.instance.add_dynamic_partitions(customers.name, found)
    context.add_output_metadata({"known": len(context.instance.get_dynamic_partitions("customers"))})


@asset(partitions_def=customers)
def invoice(context):
    return f"invoice of {context.partition_key}"


@asset
def grows(context: AssetExecutionContext) -> MaterializeResult:
    event = context.instance.get_latest_materialization_event(AssetKey("grows"))
    before = 0
    if event and event.asset_materialization:
        before = event.asset_materialization.metadata["total"].value
    return MaterializeResult(metadata={"total": before + 10})


@asset
def counts(context):
    records = context.instance.get_event_records(
        EventRecordsFilter(event_type=DagsterEventType.ASSET_MATERIALIZATION, asset_key=AssetKey("grows"))
    )
    context.instance.report_runless_asset_event(
        AssetMaterialization("told_from_inside", metadata={"by": "counts"})
    )
    return len(records)


@op
def remove_customer(context):
    context.instance.add_dynamic_partitions("customers", ["temp"])
    context.instance.delete_dynamic_partition("customers", "temp")
    return context.instance.has_dynamic_partition("customers", "temp")


@job
def cleaning():
    remove_customer()


defs = Definitions(assets=[discover, invoice, grows, counts], jobs=[cleaning])


def test_growth():
    with DagsterInstance.ephemeral() as instance:
        for _ in range(3):
            result = materialize([grows], instance=instance)
        assert result.asset_materializations_for_node("grows")[0].metadata["total"].value == 30
        assert materialize([counts], instance=instance).output_for_node("counts") == 3
        materialize([discover], instance=instance)
        assert (
            materialize([invoice], partition_key="bob", instance=instance).output_for_node("invoice")
            == "invoice of bob"
        )
