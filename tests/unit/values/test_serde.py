"""Values of subclasses of plain kinds are written as their kind; anything else is refused with its name."""

from __future__ import annotations

import msgspec
import pytest

from tidewheel.values.serde import DEPTH_MAX, decode, encode, from_json, to_json, unwritable


class Ratio(float):
    """A float of a numerical library."""


class Label(str):
    """A text of a numerical library."""

    def __str__(self) -> str:
        return "shown otherwise"


class Raw(bytes):
    """Bytes of a library."""


@pytest.mark.parametrize(("value", "plain"), [(Ratio(0.5), 0.5), (Label("a"), "a"), (Raw(b"x"), b"x")])
def test_subclasses_are_written_as_their_kind(value: object, plain: object) -> None:
    assert decode(encode({"deep": [value]}), dict) == {"deep": [plain]}


def test_subclasses_in_json() -> None:
    assert from_json(to_json([Ratio(2.5), Label("b")]), list) == [2.5, "b"]


def test_other_objects_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="Unwritable"):
        encode([Unwritable()])


def test_structs_keep_their_fields() -> None:
    assert decode(encode(Pair(left=Ratio(1.0), right="r")), Pair) == Pair(left=1.0, right="r")


class Unwritable:
    """Nothing that can be written."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two values."""

    left: float
    right: str


def nested(levels: int) -> object:
    data: object = "x"
    for number in range(levels):
        data = [data] if number % 2 else {"a": data}
    return data


def test_what_is_nested_too_deeply_is_unwritable() -> None:
    assert unwritable(nested(DEPTH_MAX)) is None
    assert unwritable({"beside": "y" * 1_000}) is None
    for levels in (DEPTH_MAX + 1, 900, 100_000):
        assert "nested" in str(unwritable(nested(levels)))
