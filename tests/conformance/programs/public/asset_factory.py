from typing import Any, Mapping
import pandas as pd
from dagster import (
    AssetKey,
    AssetsDefinition,
    Definitions,
    MetadataValue,
    TableColumn,
    TableRecord,
    TableSchema,
    asset,
    Output,
    MaterializeResult,
    TableColumnLineage,
    TableColumnDep,
    AssetSpec,
    map_asset_specs,
    materialize,
    DynamicPartitionsDefinition,
    sensor,
    SensorResult,
    RunRequest,
    AddDynamicPartitionsRequest,
    define_asset_job,
    DagsterInstance,
)

TABLES = [
    {"name": "users", "cols": ["id", "name"]},
    {"name": "orders", "cols": ["id", "user_id"], "deps": ["users"]},
]
customers = DynamicPartitionsDefinition(name="customers")


def build(table: Mapping[str, Any]) -> AssetsDefinition:
    @asset(
        name=table["name"],
        key_prefix=["stg"],
        deps=[AssetKey(["stg", d]) for d in table.get("deps", [])],
        metadata={"dagster/column_schema": TableSchema([TableColumn(c, "int") for c in table["cols"]])},
        code_version="1",
    )
    def _asset(context) -> Output[pd.DataFrame]:
        """Made by the factory."""
        df = pd.DataFrame({c: [1] for c in table["cols"]})
        return Output(
            df,
            metadata={
                "n": MetadataValue.int(len(df)),
                "dagster/row_count": 1,
                "t": MetadataValue.table([TableRecord({"id": 1})]),
                "k": MetadataValue.asset(AssetKey("z")),
                "b": True,
                "nul": None,
                "f": 0.5,
                "l": [1, 2],
            },
        )

    return _asset


@asset(partitions_def=customers, metadata={"src": "crm"})
def profile(context):
    return MaterializeResult(
        metadata={
            "c": context.partition_key,
            "dagster/column_lineage": TableColumnLineage(
                {"id": [TableColumnDep(AssetKey(["stg", "users"]), "id")]}
            ),
        }
    )


profile_job = define_asset_job("profile_job", selection=[profile])


@sensor(job=profile_job)
def new_customers(context):
    names = [n for n in ("acme", "zeta") if not context.instance.has_dynamic_partition("customers", n)]
    return SensorResult(
        run_requests=[RunRequest(partition_key=n, run_key=n) for n in names],
        dynamic_partitions_requests=[customers.build_add_request(names)] if names else None,
    )


specs = [AssetSpec("ext_a", description="x"), AssetSpec("ext_b", deps=["ext_a"])]
factory = map_asset_specs(
    lambda s: s.merge_attributes(tags={"made": "yes"}, owners=["team:f"]).replace_attributes(
        group_name="fact"
    ),
    [build(t) for t in TABLES],
)
defs = Definitions.merge(
    Definitions(assets=factory),
    Definitions(assets=[profile, *specs], jobs=[profile_job], sensors=[new_customers]),
)


def test_factory():
    r = materialize([build(t) for t in TABLES])
    (m,) = r.asset_materializations_for_node("stg__orders")
    assert m.metadata["f"].value == 0.5 and m.metadata["nul"].value is None
    assert m.metadata["k"].asset_key == AssetKey("z")
    assert m.metadata["t"].schema.columns[0].name == "id"


def test_dynamic():
    with DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("customers", ["q"])
        r = materialize([profile], partition_key="q", instance=instance)
        assert r.success and instance.get_dynamic_partitions("customers") == ["q"]
        event = instance.get_latest_materialization_event(profile.key)
        assert event.asset_materialization.partition == "q"
        instance.delete_dynamic_partition("customers", "q")
        assert not instance.has_dynamic_partition("customers", "q")
