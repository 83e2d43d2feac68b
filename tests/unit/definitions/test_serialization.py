from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tidewheel as tw
from tidewheel.definitions.assets.code_references import (
    CodeReferencesMetadataValue,
    LocalFileCodeReference,
    UrlCodeReference,
)
from tidewheel.definitions.assets.freshness import FreshnessPolicy
from tidewheel.definitions.loading.serialization import deserialize_value, serialize_value
from tidewheel.definitions.triggers.selectors import AssetJobKey
from tidewheel.errors import NotSupportedError
from tidewheel.values.events import EventType
from tidewheel.values.metadata import TableColumnDep

KEYS = st.builds(tw.AssetKey, st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | KEYS
    | st.sampled_from(tw.RunStatus)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | KEYS | st.integers(), inner, max_size=3)
        | st.sets(st.text() | KEYS, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_values_survive(value: Any) -> None:
    assert deserialize_value(serialize_value(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        tw.AssetCheckKey(tw.AssetKey(["a", "b"]), "c"),
        AssetJobKey(job_name="j"),
        tw.RunRequest(
            run_key="k",
            run_config={"ops": {"o": {"config": {"x": 1}}}},
            tags={"a": "b"},
            asset_selection=[tw.AssetKey("a")],
        ),
        tw.SkipReason("no"),
        tw.AutomationCondition.eager(),
        tw.AutomationCondition.on_cron("@daily").with_label("x") & ~tw.AutomationCondition.in_progress(),
        tw.RetryPolicy(max_retries=3, delay=1.5, backoff=tw.Backoff.EXPONENTIAL, jitter=tw.Jitter.FULL),
        tw.BackfillPolicy.single_run(),
        tw.DataVersion("v"),
        tw.PartitionKeyRange("a", "b"),
        tw.MultiPartitionKey({"a": "1", "b": "2"}),
        FreshnessPolicy.time_window(timedelta(hours=2), timedelta(hours=1)),
        FreshnessPolicy.cron("@daily", timedelta(hours=2), "Europe/Berlin"),
        timedelta(seconds=1.5),
        tw.MetadataValue.int(3),
        tw.MetadataValue.json({"a": [1, {"b": None}]}),
        tw.MetadataValue.null(),
        tw.MetadataValue.asset(tw.AssetKey(["a", "b"])),
        tw.MetadataValue.table_schema(tw.TableSchema([tw.TableColumn("a", tags={"x": "y"})])),
        tw.MetadataValue.column_lineage(tw.TableColumnLineage({"a": [TableColumnDep(["x"], "c")]})),
        CodeReferencesMetadataValue(
            code_references=[LocalFileCodeReference(file_path="/x", line_number=1), UrlCodeReference(url="u")]
        ),
        tw.AssetMaterialization("a", metadata={"n": 1}, partition="p", tags={"t": "u"}),
        tw.AssetObservation("a", description="d"),
        tw.AssetCheckResult(
            passed=False, check_name="c", severity=tw.AssetCheckSeverity.WARN, metadata={"n": 1}
        ),
        EventType.RUN_SUCCESS,
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_the_api_survive(value: Any) -> None:
    text = serialize_value(value)
    assert json.loads(text)
    found = deserialize_value(text, as_type=type(value))
    assert found == value
    assert type(found) is type(value)


def test_the_form_of_a_key() -> None:
    assert serialize_value(tw.AssetKey(["a", "b"])) == '{"__class__": "AssetKey", "path": ["a", "b"]}'
    assert serialize_value({"b": 1, "a": 2}, sort_keys=True, indent=None) == '{"a": 2, "b": 1}'


class Own:
    pass


def test_other_values_are_refused() -> None:
    for value in (Own(), {"a": [Own()]}, b"bytes"):
        with pytest.raises(NotSupportedError, match="plain data or a value of the public API"):
            serialize_value(value)
    with pytest.raises(NotSupportedError, match="the class 'Own'"):
        deserialize_value('{"__class__": "Own"}')
    with pytest.raises(NotSupportedError, match="'Other'"):
        deserialize_value('{"__enum__": "Other.A"}')


def test_the_expected_type() -> None:
    with pytest.raises(TypeError, match="expected a value of type AssetKey, got"):
        deserialize_value('{"a": 1}', tw.AssetKey)
    with pytest.raises(ValueError):
        deserialize_value("xx")
