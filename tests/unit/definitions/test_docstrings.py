"""Descriptions out of docstrings, as users write them."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.definitions.docstrings import description_of


@pytest.mark.parametrize(
    ("docstring", "description"),
    [
        (None, None),
        ("", ""),
        (" one line ", "one line"),
        ("as it is  ", "as it is  "),
        ("\n    Below.\n    More.\n    ", "Below.\nMore."),
        ("First.\n\n    Second.\n      Deeper.\n\n    ", "First.\n\nSecond.\n  Deeper."),
        (" Lead.\n\n      Second.\n    ", "Lead.\n\n     Second."),
        ("   ", ""),
    ],
)
def test_description_of(docstring: str | None, description: str | None) -> None:
    def fn() -> None: ...

    fn.__doc__ = docstring
    assert description_of(fn) == description


def test_every_decorator_uses_it() -> None:
    def fn() -> None:
        """ counts the ships """  # fmt: skip

    made = [tw.asset(fn), tw.op(fn), tw.graph(fn), tw.job(fn), tw.asset_check(asset="a")(fn)]
    specs = [*made[0].specs, *made[4].check_specs]  # type: ignore[attr-defined]
    assert {one.description for one in [*made[1:4], *specs]} == {"counts the ships"}
