import dagster as dg

bucket = dg.AssetSpec(
    key=dg.AssetKey(["s3", "landing"]),
    description="Filled by the partner at night.",
    group_name="outside",
    metadata={"region": "eu-north-1", "files": 12},
    tags={"tier": "bronze"},
    owners=["partner@example.org"],
    kinds={"s3", "csv"},
)
catalog = dg.AssetSpec("catalog", deps=[bucket], skippable=True, code_version="11")
view = dg.AssetSpec("view", deps=["catalog", dg.AssetDep(bucket)], is_virtual=True)


@dg.asset(deps=[catalog])
def mirrored() -> None: ...


changed = catalog.replace_attributes(group_name="replaced", description="now described")
merged = bucket.merge_attributes(tags={"extra": "1"}, metadata={"files": 13})

defs = dg.Definitions(assets=[merged, changed, view, mirrored])


def observe():
    return {
        "original_unchanged": [catalog.group_name, dict(bucket.tags)],
        "kinds": sorted(bucket.kinds),
        "tags": {key: value for key, value in merged.tags.items()},
        "virtual": [view.is_virtual, bucket.is_virtual],
        "partition_mappings": dict(view.partition_mappings),
        "with_io": type(catalog.with_io_manager_key("fancy")).__name__,
    }
