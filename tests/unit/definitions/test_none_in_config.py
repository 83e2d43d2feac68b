"""None in config classes: kept where it says something, and fields that are known by an alias."""

from __future__ import annotations

from typing import Any, Optional

import pytest
from pydantic import Field

import tidewheel as tw


class Settings(tw.Config):
    required: Optional[int]
    limit: Optional[int] = 5
    unset: Optional[str] = None


class Plugin(tw.PermissiveConfig):
    selection: Optional[list[str]] = Field(alias="_select")


class Store(tw.ConfigurableResource):
    limit: Optional[int] = 5


def plain(config: tw.Config) -> Any:
    return tw.RunConfig(ops={"one": config}).to_config_dict()["ops"]["one"]["config"]


def given_to_an_op(kind: type[tw.Config], config: Any) -> Any:
    @tw.op
    def one(config: kind) -> Any:  # type: ignore[valid-type]
        return config

    @tw.job
    def job() -> None:
        one()

    return job.execute_in_process(run_config={"ops": {"one": {"config": config}}}).output_for_node("one")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Settings(required=None), {"required": None, "limit": 5}),
        (Settings(required=1, limit=None, unset=None), {"required": 1, "limit": None}),
        (Plugin(_select=None, more=None), {"_select": None, "more": None}),
    ],
)
def test_none_is_left_out_only_where_it_is_the_default(config: tw.Config, expected: Any) -> None:
    assert plain(config) == expected
    assert given_to_an_op(type(config), plain(config)) == config


def test_a_resource_keeps_a_none_that_replaces_a_default() -> None:
    @tw.asset
    def limit(store: Store) -> Any:
        return store.limit

    assert tw.materialize([limit], resources={"store": Store(limit=None)}).output_for_node("limit") is None


def test_a_field_with_an_alias_in_a_class_that_takes_more() -> None:
    assert given_to_an_op(Plugin, {"_select": ["a"]}).selection == ["a"]
    assert given_to_an_op(Plugin, {"selection": ["a"]}).selection == ["a"]
    assert Plugin(selection=["a"]).selection is None
