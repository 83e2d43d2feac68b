"""Parts of a selection as people type it: between two of them a comma means ``or``."""

from __future__ import annotations


def selection_parts(text: str) -> list[str]:
    """The parts of a selection, each in a form of its own; commas in quotes or brackets are left alone.

    A text with nothing but commas is one part, for the parser to refuse.
    """
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
    return [part.strip() for part in parts if part.strip()] or [text]
