"""Selections as people type them on a command line."""

from __future__ import annotations

from typing import overload


@overload
def union_of_commas(text: str) -> str: ...
@overload
def union_of_commas(text: None) -> None: ...
def union_of_commas(text: str | None) -> str | None:
    """The selection with ``or`` where it has a comma between two parts; commas in quotes or brackets are left alone."""
    if text is None or "," not in text:
        return text
    parts = [""]
    depth, quote = 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += letter
    named = [part.strip() for part in parts if part.strip()]
    return named[0] if len(named) == 1 else " or ".join(f"({part})" for part in named)
