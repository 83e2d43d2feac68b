"""What definitions take from the sections of a docstring."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.definitions.docstring_sections import documented
from tidewheel.definitions.ops.types import usable_as_runtime_type

GOOGLE = """Load it.

Args:
    a (int): the first
        and more
    b: the second

Returns:
    dict[str, int]: the numbers,
        by name
"""
NUMPY = """Load it.

Parameters
----------
a : int
    the first
b
    the second

Returns
-------
int
    the number

Notes
-----
None.
"""
FIELDS = """Load it.

:param int a: the first
:param b: the second
:returns: the number
:rtype: int
"""


@pytest.mark.parametrize(
    ("text", "first", "result"),
    [
        (GOOGLE, "the first\nand more", "the numbers,\nby name"),
        (NUMPY, "the first", "the number"),
        (FIELDS, "the first", "the number"),
    ],
)
def test_the_three_styles(text: str, first: str, result: str) -> None:
    def load() -> None: ...

    load.__doc__ = text
    assert documented(load) == ({"a": first, "b": "the second"}, result)


@pytest.mark.parametrize(
    ("section", "result"),
    [
        ("Returns:\n    A list of pairs: name, value", "A list of pairs: name, value"),
        ("Yields:\n    int: one by one", "one by one"),
        ("Returns:\n    None", "None"),
        ("Returns:\n    kept\n\nNote:\n    not this", "kept"),
        ("Returns: on the same line", None),
        ("Args:\n    a - without a colon\n\nReturns:\n    int: lost with it", None),
        ("Returns\n-------\nonly a type", ""),
    ],
)
def test_what_counts_as_the_result(section: str, result: str | None) -> None:
    def load() -> None: ...

    load.__doc__ = f"Load it.\n\n{section}\n"
    assert documented(load).result == result


def test_an_asset_is_described_by_what_its_function_returns() -> None:
    @tw.asset
    def numbers(upstream: int) -> None:
        """Load them.

        Args:
            upstream: where from

        Returns:
            int: the numbers
        """

    @tw.asset(description="given")
    def other() -> None:
        """Load them.

        Returns:
            int: the numbers
        """

    @tw.multi_asset(outs={"x": tw.AssetOut(), "y": tw.AssetOut(description="own")})
    def several() -> tuple[int, int]:
        """Load both.

        Returns:
            tuple: both
        """
        return 1, 2

    assert [spec.description for spec in numbers.specs] == ["the numbers"]
    assert numbers.op.ins["upstream"].description == "where from"
    assert [spec.description for spec in other.specs] == ["given"]
    assert [spec.description for spec in several.specs] == ["Load both.\n\nReturns:\n    tuple: both", "own"]


def test_a_graph_asset_is_described_by_the_op_that_gives_it() -> None:
    @tw.op
    def last() -> int:
        """Do it.

        Returns:
            int: the last
        """
        return 1

    @tw.graph_asset
    def made():
        """A graph."""
        return last()

    @tw.op
    def silent() -> int:
        return 1

    @tw.graph_asset
    def told():
        """A graph."""
        return silent()

    assert [one.description for definition in (made, told) for one in definition.specs] == [
        "the last",
        "A graph.",
    ]


def test_a_config_class_describes_its_schema_and_a_type_nothing() -> None:
    class Settings(tw.Config):
        """How to load."""

        limit: int = 1

    class Plain(Settings): ...

    assert Settings.to_config_schema().description == "How to load."
    assert Plain.to_config_schema().description is None

    @usable_as_runtime_type
    class Row:
        """A row."""

    @tw.op
    def rows() -> Row:
        return Row()

    assert rows.output_defs[0].dagster_type.description is None
