"""The description that a definition takes from the docstring of its function."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import Any


def description_of(fn: Callable[..., Any]) -> str | None:
    """A function's docstring without its indentation and the blank space around it; None where it has none.

    A text that begins with blank space is shifted as a whole, so that lines indented further than its first one stay so.
    A single line that begins with a letter is left as it is.
    """
    text = fn.__doc__
    if not text:
        return text
    if text[0].isspace():
        return dedent(text).strip()
    first, newline, rest = text.partition("\n")
    return (first + newline + dedent(rest)).strip() if newline else text
