from dagster import AssetDep, AssetIn, AssetKey, Definitions, In, Nothing, asset


@asset
def upstream():
    return {"n": 4}


@asset
def only_before():
    pass


@asset(
    ins={
        "data": AssetIn("upstream", metadata={"columns": ["n"]}),
        "ignored": AssetIn(key="only_before", dagster_type=Nothing),
    }
)
def downstream(data):
    return data["n"]


@asset(ins={"value": AssetIn(key=AssetKey("downstream"), dagster_type=int)}, dagster_type=int)
def doubled(value):
    return value * 2


@asset(deps=[AssetDep("doubled"), AssetDep(AssetKey(["outside", "table"])), "only_before"])
def last_one():
    return None


defs = Definitions(assets=[upstream, only_before, downstream, doubled, last_one])


def observe():
    return {
        "dependency_keys": sorted(key.to_user_string() for key in last_one.dependency_keys),
        "keys_by_input": {name: key.to_user_string() for name, key in downstream.keys_by_input_name.items()},
        "op": last_one.op.name,
        "deps": sorted(dep.asset_key.to_user_string() for spec in last_one.specs for dep in spec.deps),
    }
