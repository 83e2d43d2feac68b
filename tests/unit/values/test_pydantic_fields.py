"""Our classes as the types of fields of pydantic models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError, create_model

import tidewheel as tw

VALUES = [
    (tw.AssetKey, tw.AssetKey("a")),
    (tw.AssetSpec, tw.AssetSpec("a")),
    (tw.AssetCheckSpec, tw.AssetCheckSpec("c", asset="a")),
    (tw.AssetCheckKey, tw.AssetCheckKey(tw.AssetKey("a"), "c")),
    (tw.RunRequest, tw.RunRequest()),
    (tw.MaterializeResult, tw.MaterializeResult()),
    (tw.Definitions, tw.Definitions()),
    (tw.PartitionsDefinition, tw.StaticPartitionsDefinition(["a"])),
    (tw.DailyPartitionsDefinition, tw.DailyPartitionsDefinition("2024-01-01")),
    (tw.BackfillPolicy, tw.BackfillPolicy.single_run()),
    (tw.RetryPolicy, tw.RetryPolicy()),
    (tw.TableColumn, tw.TableColumn("a")),
    (tw.DataVersion, tw.DataVersion("1")),
]


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=lambda one: getattr(one, "__name__", ""))
def test_a_field_takes_an_instance_and_nothing_else(kind: Any, value: Any) -> None:
    model = create_model("Model", one=(kind, ...), many=(Sequence[kind], ()))
    made = model(one=value, many=[value])
    assert made.one is value and made.many[0] is value
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(object())
