from dagster import AssetIn, AssetKey, Definitions, asset


@asset(key_prefix=["lake", "raw"])
def visits():
    return [1, 2, 3]


@asset(key_prefix="lake", ins={"visits": AssetIn(key_prefix=["lake", "raw"])})
def unique_visits(visits):
    return sorted(set(visits))


@asset(key=AssetKey(["mart", "visit_count"]), ins={"rows": AssetIn(key=AssetKey(["lake", "unique_visits"]))})
def count_them(rows):
    return len(rows)


@asset(key="plain_string_key")
def something_else():
    return "x"


@asset(name="renamed", key_prefix="mart")
def original_name(context):
    return context.asset_key.path


defs = Definitions(assets=[visits, unique_visits, count_them, something_else, original_name])


def observe():
    return {
        "keys": [
            str(visits.key),
            count_them.key.to_user_string(),
            something_else.key.path,
            original_name.key.to_python_identifier(),
        ],
        "equal": AssetKey("a") == AssetKey(["a"]),
        "from_user_string": AssetKey.from_user_string("lake/raw/visits") == visits.key,
        "prefix": visits.key.has_prefix(["lake"]),
        "with_prefix": AssetKey("z").with_prefix("y").path,
        "from_coercible": [AssetKey.from_coercible("a/b").path, AssetKey.from_coercible(["a", "b"]).path],
        "repr": repr(AssetKey(["a", "b"])),
        "set": len({AssetKey("a"), AssetKey(["a"]), AssetKey("b")}),
    }
