from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tidewheel as tw
from tidewheel.definitions.resources.upath_io_manager import UPathIOManager, path_of, safe_partition
from tidewheel.errors import InvalidDefinitionError
from tidewheel.worker.runs.in_process import materialize


class JsonFiles(UPathIOManager):
    extension = ".json"

    def __init__(self, base_path: Any = None) -> None:
        super().__init__(base_path)
        self.contexts: list[Any] = []

    def dump_to_path(self, context: Any, obj: Any, path: Any) -> None:
        with path.open("w") as target:
            json.dump(obj, target)

    def load_from_path(self, context: Any, path: Any) -> Any:
        self.contexts.append(context)
        with path.open() as source:
            return json.load(source)

    def get_metadata(self, context: Any, obj: Any) -> dict[str, Any]:
        return {"size": len(str(obj))}


class AsyncJsonFiles(JsonFiles):
    waiting = 0
    most_waiting = 0

    async def load_from_path(self, context: Any, path: Any) -> Any:  # type: ignore[override]
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        await asyncio.sleep(0)
        self.waiting -= 1
        with path.open() as source:
            return json.load(source)

    async def dump_to_path(self, context: Any, obj: Any, path: Any) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().dump_to_path(context, obj, path)


@pytest.fixture
def manager(tmp_path: Path) -> JsonFiles:
    return JsonFiles(str(tmp_path / "files"))


@pytest.fixture
def instance() -> Generator[tw.Instance, None, None]:
    with tw.Instance.ephemeral() as made:
        yield made


def files(tmp_path: Path) -> dict[str, Any]:
    base = tmp_path / "files"
    return {
        str(path.relative_to(base)): json.loads(path.read_text())
        for path in sorted(base.rglob("*"))
        if path.is_file()
    }


def run(manager: Any, *assets: Any, **kwargs: Any) -> Any:
    return materialize(assets, resources={"io_manager": manager}, **kwargs)


def metadata_of(result: Any) -> dict[str, Any]:
    (event,) = result.get_asset_materialization_events()
    return {k: v.value for k, v in event.step_materialization_data.materialization.metadata.items()}


DAILY = tw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")


@tw.asset(partitions_def=DAILY)
def p(context: tw.AssetExecutionContext) -> str:
    return context.partition_key


# -- places -----------------------------------------------------------------------------------------------------------


def test_assets_and_their_metadata(manager: JsonFiles, tmp_path: Path) -> None:
    got: list[Any] = []

    @tw.asset(key_prefix=["x"])
    def a() -> Any:
        return {"n": 1}

    @tw.asset(ins={"a": tw.AssetIn(key=["x", "a"])})
    def b(a: Any) -> None:
        got.append(a)

    result = run(manager, a)
    assert metadata_of(result) == {"path": str(tmp_path / "files/x/a.json"), "size": 8}
    run(manager, a, b, selection=[b])
    assert got == [{"n": 1}]
    assert files(tmp_path) == {"x/a.json": {"n": 1}}


def test_outputs_of_ops(manager: JsonFiles, tmp_path: Path) -> None:
    got: list[Any] = []

    @tw.op
    def first() -> int:
        return 5

    @tw.op(out=tw.DynamicOut())
    def many() -> Any:
        yield tw.DynamicOutput(1, "k1")

    @tw.op
    def second(x: Any) -> None:
        got.append(x)

    @tw.job(resource_defs={"io_manager": tw.IOManagerDefinition.hardcoded_io_manager(manager)})
    def j() -> None:
        second(first())
        many().map(second)

    result = j.execute_in_process()
    assert sorted(got) == [1, 5]
    found = files(tmp_path)
    assert found[f"{result.run_id}/first/result.json"] == 5
    assert found[f"{result.run_id}/many/result/k1.json"] == 1


def test_partitions_are_files_in_a_folder(manager: JsonFiles, tmp_path: Path) -> None:
    multi = tw.MultiPartitionsDefinition({"z": tw.StaticPartitionsDefinition(["a", "b/c"]), "d": DAILY})

    @tw.asset(partitions_def=multi)
    def m() -> int:
        return 1

    @tw.asset(partitions_def=tw.StaticPartitionsDefinition(["../up", "v1.2"]))
    def s() -> int:
        return 2

    run(manager, p, partition_key="2024-01-02")
    run(manager, m, partition_key=tw.MultiPartitionKey({"z": "b/c", "d": "2024-01-02"}))
    run(manager, s, partition_key="../up")
    run(manager, s, partition_key="v1.2")
    assert files(tmp_path) == {
        "m/2024-01-02/b/c.json": 1,
        "p/2024-01-02.json": "2024-01-02",
        "s/%2E%2E/up.json": 2,
        "s/v1.2.json": 2,
    }


@given(st.text(max_size=8) | st.lists(st.sampled_from(["a", ".", "..", "/", "b.c"]), max_size=6).map("".join))
def test_partitions_stay_in_their_folder(key: str) -> None:
    parts = safe_partition(key).split("/")
    assert all(parts)
    assert "." not in parts
    assert ".." not in parts
    assert len(parts) == key.count("/") + 1


def test_paths_can_be_chosen(tmp_path: Path) -> None:
    class Own(JsonFiles):
        def get_asset_relative_path(self, context: Any) -> Any:
            return Path("own") / super().get_asset_relative_path(context)

        def get_path_for_partition(self, context: Any, path: Any, partition: str) -> Any:
            return path / f"date={partition}" / "data"

    run(Own(tmp_path / "files"), p, partition_key="2024-01-02")
    assert files(tmp_path) == {"own/p/date=2024-01-02/data.json": "2024-01-02"}


def test_names_with_dots_keep_them(manager: JsonFiles, tmp_path: Path) -> None:
    manager.handle_output(tw_output(asset_key=tw.AssetKey(["a.b"])), 1)
    assert files(tmp_path) == {"a.b.json": 1}


def tw_output(**kwargs: Any) -> Any:
    from tidewheel.worker.contexts.direct_contexts import build_output_context

    return build_output_context(**kwargs)


def test_contexts_made_by_hand(manager: JsonFiles) -> None:
    context = tw_output(
        asset_key=tw.AssetKey(["q"]),
        partition_key="k",
        asset_partitions_def=tw.StaticPartitionsDefinition(["k"]),
    )
    assert not manager.has_output(context)
    manager.handle_output(context, 5)
    assert manager.has_output(context)
    (path,) = manager._paths(context).values()
    manager.unlink(path)
    assert not manager.has_output(context)


# -- several partitions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [JsonFiles, AsyncJsonFiles])
def test_several_partitions_are_loaded_as_a_dict(kind: Any, tmp_path: Path, instance: tw.Instance) -> None:
    manager = kind(str(tmp_path / "files"))
    got: list[Any] = []

    @tw.asset
    def everything(p: Any) -> None:
        got.append(p)

    for key in DAILY.get_partition_keys():
        run(manager, p, partition_key=key, instance=instance)
    run(manager, p, everything, selection=[everything], instance=instance)
    assert got == [{key: key for key in DAILY.get_partition_keys()}]
    if kind is AsyncJsonFiles:
        assert manager.most_waiting == 3


@pytest.mark.parametrize("kind", [JsonFiles, AsyncJsonFiles])
def test_missing_partitions(kind: Any, tmp_path: Path, instance: tw.Instance) -> None:
    manager = kind(str(tmp_path / "files"))
    got: list[Any] = []

    @tw.asset
    def strict(p: Any) -> None: ...

    @tw.asset(ins={"p": tw.AssetIn("p", metadata={"allow_missing_partitions": True})})
    def tolerant(p: dict[str, str]) -> None:
        got.append(p)

    run(manager, p, partition_key="2024-01-02", instance=instance)
    result = run(manager, p, strict, selection=[strict], instance=instance, raise_on_error=False)
    (failure,) = result.get_step_failure_events()
    assert "2024-01-01.json" in failure.event_specific_data.error.to_string()
    run(manager, p, tolerant, selection=[tolerant], instance=instance)
    assert got == [{"2024-01-02": "2024-01-02"}]


def test_one_partition_is_a_value(manager: JsonFiles, instance: tw.Instance) -> None:
    got: list[Any] = []

    @tw.asset(partitions_def=DAILY)
    def same(p: str) -> None:
        got.append(p)

    @tw.asset(
        ins={"p": tw.AssetIn("p", partition_mapping=tw.SpecificPartitionsPartitionMapping(["2024-01-01"]))}
    )
    def chosen(p: str) -> None:
        got.append(p)

    for key in DAILY.get_partition_keys():
        run(manager, p, partition_key=key, instance=instance)
    run(manager, p, same, selection=[same], partition_key="2024-01-03", instance=instance)
    run(manager, p, chosen, selection=[chosen], instance=instance)
    assert got == ["2024-01-03", "2024-01-01"]


RANGE = {
    "dagster/asset_partition_range_start": "2024-01-01",
    "dagster/asset_partition_range_end": "2024-01-02",
}


def test_a_run_for_several_partitions_gives_a_dict(manager: JsonFiles, tmp_path: Path) -> None:
    @tw.asset(partitions_def=DAILY, backfill_policy=tw.BackfillPolicy.single_run())
    def r(context: tw.AssetExecutionContext) -> Any:
        return {key: key[-1] for key in context.partition_keys}

    run(manager, r, tags=RANGE)
    assert files(tmp_path) == {"r/2024-01-01.json": "1", "r/2024-01-02.json": "2"}


def test_a_run_for_several_partitions_with_one_value_is_an_error(manager: JsonFiles, tmp_path: Path) -> None:
    @tw.asset(partitions_def=DAILY, backfill_policy=tw.BackfillPolicy.single_run())
    def r() -> Any:
        return {"2024-01-01": 1}

    result = run(manager, r, tags=RANGE, raise_on_error=False)
    (failure,) = result.get_step_failure_events()
    assert "one value for 2 partitions of 'r'" in failure.event_specific_data.error.to_string()
    assert not (tmp_path / "files").exists()


# -- other cases ------------------------------------------------------------------------------------------------------


def test_nothing_is_not_stored(manager: JsonFiles, tmp_path: Path) -> None:
    @tw.asset
    def nothing() -> None: ...

    @tw.asset
    def untyped():  # type: ignore[no-untyped-def]
        return None

    run(manager, nothing, untyped)
    assert files(tmp_path) == {"untyped.json": None}


def test_a_missing_value_is_explained(manager: JsonFiles) -> None:
    @tw.asset
    def a() -> int:
        return 1

    @tw.asset
    def b(a: int) -> None: ...

    with pytest.raises(FileNotFoundError) as caught:
        run(manager, a, b, selection=[b])
    assert any("stored value of 'a'" in note for note in caught.value.__notes__)


def test_extensions_begin_with_a_dot() -> None:
    class Wrong(JsonFiles):
        extension = "json"

    with pytest.raises(InvalidDefinitionError, match="begin with a dot"):
        Wrong(".")


def test_local_paths() -> None:
    assert str(path_of("a/b")) == "a/b"
    assert path_of(Path("/x")) == Path("/x")
    assert isinstance(path_of(None), Path)
    manager = JsonFiles("/tmp")
    assert manager.fs.protocol in ("file", ("file", "local"))
    assert manager.storage_options == {}


def test_files_elsewhere(instance: tw.Instance) -> None:
    pytest.importorskip("upath", reason="the package universal-pathlib is not installed")
    import fsspec

    base = "memory://bucket-of-this-test/data"
    got: list[Any] = []

    @tw.asset
    def everything(p: Any) -> None:
        got.append(p)

    manager = JsonFiles(base)
    for key in DAILY.get_partition_keys():
        run(manager, p, partition_key=key, instance=instance)
    run(manager, p, everything, selection=[everything], instance=instance)
    assert got == [{key: key for key in DAILY.get_partition_keys()}]
    assert type(manager.fs).__name__ == "MemoryFileSystem"
    assert fsspec.filesystem("memory").exists("/bucket-of-this-test/data/p/2024-01-02.json")


def test_behind_a_configurable_class(tmp_path: Path) -> None:
    class Configured(tw.ConfigurableIOManagerFactory):
        base_path: str

        def create_io_manager(self, context: Any) -> JsonFiles:
            return JsonFiles(self.base_path)

    @tw.asset
    def a() -> int:
        return 1

    run(Configured(base_path=str(tmp_path / "files")), a)
    assert files(tmp_path) == {"a.json": 1}


def test_nothing_returned_for_several_partitions_is_told_how_to_say_so(manager: JsonFiles) -> None:
    @tw.asset(partitions_def=DAILY, backfill_policy=tw.BackfillPolicy.single_run())
    def r():
        return None

    result = run(manager, r, tags=RANGE, raise_on_error=False)
    (failure,) = result.get_step_failure_events()
    assert "with '-> None'" in failure.event_specific_data.error.to_string()
