from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tidewheel as tw
from tidewheel.definitions.pipes.blob_readers import PipesBlobStoreMessageReader, PipesLogReader
from tidewheel.definitions.pipes.message_handler import PipesMessageHandler
from tidewheel.definitions.pipes.message_readers import PipesCompositeMessageReader
from tidewheel.definitions.pipes.typed_values import typed_value, typed_values
from tidewheel.definitions.pipes.wire import VERSION_FIELD, pack, parse_message, unpack
from tidewheel.errors import ParameterCheckError
from tidewheel.values.metadata import PathMetadataValue, TableColumnDep, TableColumnLineage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_packing_keeps_parameters(params: dict[str, Any]) -> None:
    text = pack(params)
    assert unpack(text) == params
    assert text.isascii()
    assert "\n" not in text


@given(st.text())
def test_other_lines_are_no_messages(line: str) -> None:
    assert parse_message(line) is None
    assert parse_message(json.dumps({"text": line})) is None


def test_parameters_may_be_missing() -> None:
    assert parse_message(json.dumps({VERSION_FIELD: "0.1", "method": "closed"})) == {
        "method": "closed",
        "params": {},
    }


SCHEMA = tw.TableSchema(
    [tw.TableColumn("a", "int", constraints=tw.TableColumnConstraints(other=[]))], tw.TableConstraints([])
)


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("t", "text", tw.TextMetadataValue("t")),
        ("http://x", "url", tw.UrlMetadataValue("http://x")),
        ("/p", "path", PathMetadataValue("/p")),
        ("/n", "notebook", tw.NotebookMetadataValue("/n")),
        ("**", "md", tw.MarkdownMetadataValue("**")),
        ({"x": [1]}, "json", tw.JsonMetadataValue({"x": [1]})),
        (3, "int", tw.IntMetadataValue(3)),
        (3, "float", tw.FloatMetadataValue(3.0)),
        (True, "bool", tw.BoolMetadataValue(True)),
        (None, "null", tw.NullMetadataValue()),
        (12.5, "timestamp", tw.TimestampMetadataValue(12.5)),
        ("rid", "dagster_run", tw.RunMetadataValue("rid")),
        ("a/b", "asset", tw.AssetMetadataValue(["a", "b"])),
        ("j", "job", tw.TextMetadataValue("j")),
        ({"job_name": "j", "location_name": "l"}, "job", tw.JobMetadataValue("j", "l")),
        ({"columns": [{"name": "a", "type": "int"}]}, "table_schema", tw.TableSchemaMetadataValue(SCHEMA)),
        (
            {"records": [{"a": 1}], "schema": [{"name": "a", "type": "int"}]},
            "table",
            tw.TableMetadataValue((tw.TableRecord({"a": 1}),), SCHEMA),
        ),
        (
            {"deps_by_column": {"a": [{"asset_key": "x/y", "column_name": "c"}]}},
            "table_column_lineage",
            tw.TableColumnLineageMetadataValue(TableColumnLineage({"a": [TableColumnDep(["x", "y"], "c")]})),
        ),
        (3, "__infer__", tw.IntMetadataValue(3)),
        ([1], "__infer__", tw.JsonMetadataValue([1])),
        (None, "__infer__", tw.NullMetadataValue()),
        ("x", None, tw.TextMetadataValue("x")),
    ],
)
def test_typed_metadata(raw: Any, kind: Any, value: Any) -> None:
    assert typed_value({"raw_value": raw, "type": kind}) == value


@pytest.mark.parametrize(
    ("raw", "kind", "problem"),
    [
        (5, "text", "expected a value of type str, got 5"),
        (True, "int", "expected a value of type int"),
        ("x", "float", "expected a value of type number"),
        (1, "bool", "expected a value of type bool"),
        ({}, "table_schema", "missing 'columns'"),
        ({"a": []}, "table_column_lineage", "missing 'deps_by_column'"),
        (1, "itn", "did you mean 'int'"),
    ],
)
def test_metadata_that_does_not_fit_is_kept_as_it_came(raw: Any, kind: str, problem: str) -> None:
    found, problems = typed_values({"k": {"raw_value": raw, "type": kind}, "n": 4})
    assert found["k"].value == raw
    assert found["n"] == tw.IntMetadataValue(4)
    assert len(problems) == 1
    assert problem in problems[0]
    assert "'k'" in problems[0]


# -- stores of blobs --------------------------------------------------------------------------------------------------


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, text: str, **_kwargs: Any) -> None:
        self.lines.append(text)

    warning = error = info


class Context:
    def __init__(self) -> None:
        self.log = Log()


def message(method: str, **params: Any) -> str:
    return json.dumps({VERSION_FIELD: "0.1", "method": method, "params": params}) + "\n"


class DictReader(PipesBlobStoreMessageReader):
    def __init__(self, chunks: dict[int, str], log_readers: Any = None) -> None:
        super().__init__(interval=0.01, log_readers=log_readers)
        self.chunks = chunks
        self.asked: list[int] = []

    @contextmanager
    def get_params(self) -> Generator[Mapping[str, Any], None, None]:
        yield {"bucket": "b"}

    def download_messages_chunk(self, index: int, params: Mapping[str, Any]) -> str | None:
        assert params == {"bucket": "b"}
        self.asked.append(index)
        return self.chunks.get(index)


class Logs(PipesLogReader):
    def __init__(self, key: str) -> None:
        self.key = key
        self.params: Mapping[str, Any] | None = None
        self.stopped = False
        self.started = threading.Event()

    def start(self, params: Mapping[str, Any], is_session_closed: threading.Event) -> None:
        self.params = params
        self.started.set()

    def stop(self) -> None:
        self.stopped = True

    def is_running(self) -> bool:
        return self.params is not None and not self.stopped

    def target_is_readable(self, params: Mapping[str, Any]) -> bool:
        return self.key in params


def test_chunks_are_fetched_in_order_from_one() -> None:
    chunks = {
        1: message("opened", extras={}) + message("report_custom_message", payload=1),
        2: message("report_custom_message", payload=2) + message("closed"),
    }
    reader = DictReader(chunks)
    handler = PipesMessageHandler(Context(), reader)
    with reader.read_messages(handler) as params:
        assert params == {"bucket": "b"}
    assert handler.get_custom_messages() == (1, 2)
    assert reader.asked[:3] == [1, 2, 3]


def test_chunks_that_come_after_the_session_are_waited_for() -> None:
    reader = DictReader({1: message("opened", extras={})})
    handler = PipesMessageHandler(Context(), reader)
    ask = reader.download_messages_chunk

    def slowly(index: int, params: Mapping[str, Any]) -> str | None:
        if len(reader.asked) > 4:
            reader.chunks.setdefault(2, message("report_custom_message", payload="late") + message("closed"))
        return ask(index, params)

    reader.download_messages_chunk = slowly  # type: ignore[method-assign]
    with reader.read_messages(handler):
        pass
    assert handler.get_custom_messages() == ("late",)


def test_a_process_that_never_spoke_is_not_waited_for() -> None:
    reader = DictReader({})
    handler = PipesMessageHandler(Context(), reader)
    with reader.read_messages(handler):
        pass
    assert not handler.has_messages


def test_log_readers_start_when_their_target_is_known() -> None:
    known, unknown = Logs("job_id"), Logs("never")
    reader = DictReader({1: message("opened", job_id="7") + message("closed")}, [known])
    reader.add_log_reader(unknown)
    context = Context()
    handler = PipesMessageHandler(context, reader)
    with reader.read_messages(handler):
        assert known.started.wait(10)
    assert known.params == {"bucket": "b", "job_id": "7"}
    assert known.stopped
    assert unknown.params is None
    assert any("found no logs to read with Logs" in line for line in context.log.lines)


def test_a_reader_that_raises_is_told_of() -> None:
    context = Context()
    reader = DictReader({})

    def fail(index: int, params: Mapping[str, Any]) -> str | None:
        raise OSError("no bucket")

    reader.download_messages_chunk = fail  # type: ignore[method-assign]
    with reader.read_messages(PipesMessageHandler(context, reader)):
        pass
    assert any("an error in the thread that fetches messages" in line for line in context.log.lines)


def test_a_composite_needs_readers() -> None:
    with pytest.raises(ParameterCheckError):
        PipesCompositeMessageReader([])
