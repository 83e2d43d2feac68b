"""Values under the habits of named tuples, and fields that need not be given."""

from __future__ import annotations

from typing import Optional

import pytest
from pydantic import Field

import tidewheel as tw


@pytest.mark.parametrize(
    ("value", "changes"),
    [
        (tw.AssetSpec("a", group_name="g"), {"group_name": "other", "key": tw.AssetKey("b")}),
        (tw.AssetDep("a"), {"asset_key": tw.AssetKey("b")}),
        (tw.AssetCheckSpec("c", asset="a"), {"name": "d"}),
        (tw.RunRequest(run_key="k"), {"run_key": "other", "tags": {"a": "b"}}),
        (tw.MaterializeResult(asset_key="a"), {"asset_key": tw.AssetKey("b")}),
        (tw.SkipReason("no"), {"skip_message": "never"}),
    ],
)
def test_a_copy_has_the_new_attributes_and_leaves_the_old_value(value, changes: dict) -> None:
    before = {name: getattr(value, name) for name in changes}
    copy = value._replace(**changes)
    assert {name: getattr(copy, name) for name in changes} == changes
    assert {name: getattr(value, name) for name in changes} == before
    with pytest.raises(TypeError, match="no_such"):
        value._replace(no_such=1)


class Given(tw.Config):
    first: Optional[str] = ...
    second: Optional[str] = Field(default=..., description="text")
    third: int = 3


def test_fields_that_may_be_none_need_not_be_given() -> None:
    assert (Given().first, Given(second="x").second, Given().third) == (None, "x", 3)


@pytest.mark.parametrize("pairs", [{"p": {"p", "?"}}, {"?": "p"}])
def test_a_static_mapping_with_unknown_keys_is_a_value_error(pairs: dict) -> None:
    keys = tw.StaticPartitionsDefinition(["p"])
    mapping = tw.StaticPartitionMapping(pairs)
    with pytest.raises(ValueError, match=r"\?"):
        mapping.get_downstream_partitions_for_partitions(keys.empty_subset(), keys, keys)
    with pytest.raises(ValueError, match=r"\?"):
        mapping.get_upstream_mapped_partitions_result_for_partitions(keys.empty_subset(), keys, keys)
