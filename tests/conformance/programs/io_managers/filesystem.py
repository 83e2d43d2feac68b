import os
import pickle
import tempfile

from dagster import (
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    FilesystemIOManager,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    fs_io_manager,
    job,
    materialize,
    op,
)


@asset(key_prefix=["warehouse", "raw"])
def items():
    return [1, 2]


@asset(partitions_def=DailyPartitionsDefinition("2024-01-01"))
def per_day(context):
    return context.partition_key


@asset(
    partitions_def=MultiPartitionsDefinition(
        {"day": DailyPartitionsDefinition("2024-01-01"), "side": StaticPartitionsDefinition(["l", "r"])}
    )
)
def per_both(context):
    return str(context.partition_key)


defs = Definitions(assets=[items, per_day, per_both])


def tree(folder):
    found = []
    for base, _, names in os.walk(folder):
        found.extend(os.path.relpath(os.path.join(base, name), folder) for name in names)
    return sorted(found)


def observe():
    with tempfile.TemporaryDirectory() as folder:
        resources = {"io_manager": FilesystemIOManager(base_dir=folder)}
        materialize([items], resources=resources)
        materialize([per_day], partition_key="2024-01-05", resources=resources)
        materialize([per_both], partition_key="2024-01-05|l", resources=resources)
        files = tree(folder)
        with open(os.path.join(folder, "warehouse", "raw", "items"), "rb") as file:
            content = pickle.load(file)
    return {"files": files, "content": content}


def test_old_name(tmp_path):
    result = materialize(
        [items], resources={"io_manager": fs_io_manager.configured({"base_dir": str(tmp_path)})}
    )
    assert result.success
    assert tree(tmp_path) == ["warehouse/raw/items"]


def test_metadata_path(tmp_path):
    result = materialize([items], resources={"io_manager": FilesystemIOManager(base_dir=str(tmp_path))})
    (made,) = result.asset_materializations_for_node(items.op.name)
    assert made.metadata["path"].value == os.path.join(str(tmp_path), "warehouse", "raw", "items")
