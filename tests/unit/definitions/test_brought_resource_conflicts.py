"""Resources that assets bring along: which are refused, and which serve a job."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.errors import InvalidDefinitionError, InvalidInvocationError, InvariantViolationError


class Fixed(tw.IOManager):
    def handle_output(self, context, obj) -> None:
        pass

    def load_input(self, context) -> int:
        return 5


def asset_with(name: str, **options):
    @tw.asset(name=name, **options)
    def made() -> int:
        return 1

    return made


ONE = tw.ResourceDefinition.hardcoded_resource("one")
OTHER = tw.ResourceDefinition.hardcoded_resource("other")
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


def test_the_io_manager_of_a_source_asset_loads_it() -> None:
    assert tw.materialize([from_source, SOURCE]).output_for_node("from_source") == 6


def test_a_spec_is_loaded_by_the_given_io_manager_also_when_values_are_kept_in_memory() -> None:
    spec = tw.AssetSpec("source").with_io_manager_key("disk")
    result = tw.materialize_to_memory([from_source, spec], resources={"disk": Fixed()})
    assert result.output_for_node("from_source") == 6
