"""Resources that assets bring along: which are refused, and which serve a job."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.errors import (
    InvalidConfigError,
    InvalidDefinitionError,
    InvalidInvocationError,
    InvariantViolationError,
)


class Fixed(tw.IOManager):
    def __init__(self) -> None:
        self.written: list[int] = []

    def handle_output(self, context, obj) -> None:
        self.written.append(obj)

    def load_input(self, context) -> int:
        return 5


def asset_with(name: str, **options):
    @tw.asset(name=name, **options)
    def made() -> int:
        return 1

    return made


ONE = tw.ResourceDefinition.hardcoded_resource("one")
OTHER = tw.ResourceDefinition.hardcoded_resource("other")
FILES = Fixed()
DISK = tw.IOManagerDefinition.hardcoded_io_manager(FILES)
OTHER_DISK = tw.IOManagerDefinition.hardcoded_io_manager(Fixed())
OWN_MANAGER = asset_with("own_manager", resource_defs={"io_manager": DISK})
NEEDING_CONFIG = tw.ResourceDefinition(lambda _context: 1, config_schema={"size": int})
FIRST = asset_with("first", resource_defs={"foo": ONE})
SECOND = asset_with("second", resource_defs={"foo": OTHER})
SOURCE = tw.SourceAsset("source", io_manager_def=Fixed())


@tw.asset
def from_source(source: int) -> int:
    return source + 1


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda: tw.materialize([FIRST, SECOND]), InvalidDefinitionError),
        (lambda: tw.materialize([FIRST], resources={"foo": OTHER}), InvalidInvocationError),
        (lambda: tw.with_resources([FIRST], {"foo": OTHER}), InvalidInvocationError),
        (
            lambda: tw.with_resources([tw.SourceAsset("s", resource_defs={"foo": ONE})], {"foo": OTHER}),
            InvalidInvocationError,
        ),
        (lambda: tw.materialize([FIRST, SECOND], selection=["first"]), InvalidDefinitionError),
        (lambda: tw.materialize([OWN_MANAGER, asset_with("plain")]), InvalidDefinitionError),
        (
            lambda: tw.materialize(
                [
                    from_source,
                    tw.SourceAsset("source", io_manager_key="disk", resource_defs={"disk": DISK}),
                    asset_with("kept", io_manager_key="disk", resource_defs={"disk": OTHER_DISK}),
                ]
            ),
            InvalidDefinitionError,
        ),
        (
            lambda: tw.with_resources([asset_with("bare", required_resource_keys={"foo"})], {"bar": ONE}),
            InvalidDefinitionError,
        ),
        (
            lambda: tw.with_resources([tw.SourceAsset("source", io_manager_key="disk")], {}),
            InvalidDefinitionError,
        ),
        (
            lambda: tw.with_resources(
                [asset_with("bare")],
                {"io_manager": tw.ResourceDefinition(lambda _context: 1, required_resource_keys={"inner"})},
            ),
            InvalidDefinitionError,
        ),
        (lambda: tw.with_resources([], {"foo": NEEDING_CONFIG}, {"bar": {"config": {}}}), InvalidConfigError),
        (
            lambda: tw.with_resources([], {"foo": NEEDING_CONFIG}, {"foo": {"size": 1}}),
            InvalidInvocationError,
        ),
        (
            lambda: tw.with_resources([], {"foo": NEEDING_CONFIG}, {"foo": {"config": {"size": "x"}}}),
            InvalidConfigError,
        ),
        (lambda: tw.materialize_to_memory([from_source, SOURCE]), InvariantViolationError),
        (
            lambda: tw.materialize_to_memory(
                [asset_with("kept", io_manager_key="disk")], resources={"disk": Fixed()}
            ),
            InvariantViolationError,
        ),
    ],
)
def test_what_contradicts_itself_is_refused(act, error: type[Exception]) -> None:
    with pytest.raises(error):
        act()


@pytest.mark.parametrize(
    "job",
    [
        lambda: tw.materialize([OWN_MANAGER], resources={"io_manager": OTHER_DISK}),
        lambda: tw.materialize(tw.with_resources([OWN_MANAGER], {"io_manager": OTHER_DISK})),
    ],
)
def test_an_asset_keeps_the_default_io_manager_that_it_brings_along(job) -> None:
    FILES.written.clear()
    job()
    assert FILES.written == [1]


def test_the_io_manager_of_a_source_asset_loads_it() -> None:
    assert tw.materialize([from_source, SOURCE]).output_for_node("from_source") == 6


def test_a_spec_is_loaded_by_the_given_io_manager_also_when_values_are_kept_in_memory() -> None:
    spec = tw.AssetSpec("source").with_io_manager_key("disk")
    result = tw.materialize_to_memory([from_source, spec], resources={"disk": Fixed()})
    assert result.output_for_node("from_source") == 6
