from dagster import (
    AssetKey,
    AssetSpec,
    DagsterInstance,
    DataProvenance,
    DataVersion,
    Definitions,
    MaterializeResult,
    Output,
    asset,
    materialize,
    multi_asset,
    observable_source_asset,
)


@asset(code_version="v1")
def numbers():
    return Output(1, data_version=DataVersion("n1"))


@asset(code_version="v2", deps=[numbers])
def derived(context):
    provenance = context.get_asset_provenance(AssetKey("derived"))
    return MaterializeResult(
        metadata={
            "had_provenance": provenance is not None,
            "code": provenance.code_version if provenance else "none",
        }
    )


@multi_asset(specs=[AssetSpec("m1", code_version="7"), AssetSpec("m2")])
def several():
    yield MaterializeResult(asset_key="m1", data_version=DataVersion("explicit"))
    yield MaterializeResult(asset_key="m2")


defs = Definitions(assets=[numbers, derived, several])


def observe():
    with DagsterInstance.ephemeral() as instance:
        shown = []
        for _ in range(2):
            result = materialize([numbers, derived, several], instance=instance)
            event = {
                e.asset_key.to_user_string(): e.materialization
                for e in result.get_asset_materialization_events()
            }
            shown.append(
                {
                    "data": [
                        event["numbers"].tags["dagster/data_version"],
                        event["m1"].tags["dagster/data_version"],
                    ],
                    "code": event["derived"].tags.get("dagster/code_version"),
                    "input": event["derived"].tags.get("dagster/input_data_version/numbers"),
                    "had": event["derived"].metadata["had_provenance"].value,
                    "code_of": event["derived"].metadata["code"].value,
                }
            )
        codes = instance.get_latest_materialization_code_versions(
            [AssetKey("numbers"), AssetKey("m1"), AssetKey("m2")]
        )
        shown.append({key.to_user_string(): value for key, value in codes.items()})
    return shown
