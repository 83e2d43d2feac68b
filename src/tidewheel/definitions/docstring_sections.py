"""What a docstring says of a function's parameters and of what it returns, in the usual styles."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

_PARAMETERS = ("Args", "Arguments", "Attributes", "Parameters", "Params")
_RESULTS = ("Returns", "Yields")
_ENTRIES = (*_PARAMETERS, "Raises", "Except", "Exceptions")
_TITLE = re.compile(rf"({'|'.join((*_ENTRIES, *_RESULTS, 'Example', 'Examples'))}):[ \t]*$")
_TYPED_RESULT = re.compile(r"\S+:(?=\s|$)|[^:]*\]:")
_FIELD_PARAMETERS = {"param", "parameter", "arg", "argument", "attribute", "key", "keyword"}
_FIELD_RESULTS = {"return", "returns", "yield", "yields"}
_FIELD_TYPES = {"type", "rtype"}


class Documented(NamedTuple):
    """What is said: of each parameter, and of the result (None: nothing)."""

    parameters: Mapping[str, str]
    result: str | None


class _Found(NamedTuple):
    entries: int
    parameters: dict[str, str]
    results: list[str]


class _NotThisStyleError(Exception):
    """The text does not follow the style all through, so it counts as none of it."""


def documented(fn: Callable[..., Any]) -> Documented:
    """What a function's docstring says, read in the style that finds the most: fields, titles with a colon, underlined titles."""
    best = _Found(0, {}, [])
    text = inspect.cleandoc(fn.__doc__ or "")
    if "\n" not in text:
        return Documented({}, None)
    for read in (_fields, _titled, _underlined):
        try:
            found = read(text)
        except _NotThisStyleError:
            continue
        if found.entries > best.entries:
            best = found
    return Documented(best.parameters, best.results[0] if best.results else None)


def _fields(text: str) -> _Found:
    """``:param x: ...``, ``:returns: ...``."""
    entries, parameters, results = 0, {}, []
    start = re.search(r"^:", text, re.MULTILINE)
    for part in re.split(r"^(?=:)", text[start.start() :], flags=re.MULTILINE) if start else ():
        if not part:
            continue
        field, colon, rest = part.lstrip(":").partition(":")
        words = field.split()
        if not colon or not words:
            raise _NotThisStyleError
        if words[0] in _FIELD_TYPES:
            continue
        entries += 1
        said = _joined(rest)
        if words[0] in _FIELD_PARAMETERS and len(words) > 1:
            parameters[words[-1]] = said
        elif words[0] in _FIELD_RESULTS:
            results.append(said)
    return _Found(entries, parameters, results)


def _titled(text: str) -> _Found:
    """``Args:`` with an indented ``name (type): ...`` each, ``Returns:`` with an indented text."""
    entries, parameters, results = 0, {}, []
    for title, body in _titled_sections(text).items():
        if title in _RESULTS:
            entries += 1
            results.append(_without_type(inspect.cleandoc("\n".join(body))))
        elif title in _ENTRIES:
            for name, said in _titled_entries(body):
                entries += 1
                if title in _PARAMETERS:
                    parameters[name] = said
        else:
            entries += 1
    return _Found(entries, parameters, results)


def _titled_sections(text: str) -> dict[str, list[str]]:
    """The indented lines below each title; of two sections with one title the later one counts."""
    sections: dict[str, list[str]] = {}
    body: list[str] | None = None
    for line in text.splitlines():
        if found := _TITLE.match(line):
            body = sections[found[1]] = []
        elif body is not None and line and not line[0].isspace():
            body = None
        elif body is not None:
            body.append(line)
    return sections


def _titled_entries(body: list[str]) -> Iterator[tuple[str, str]]:
    indent = next((len(line) - len(line.lstrip()) for line in body if line.strip()), None)
    if indent is None:
        raise _NotThisStyleError
    parts: list[list[str]] = []
    for line in body:
        if line.strip() and len(line) - len(line.lstrip()) == indent:
            parts.append([])
        if parts:
            parts[-1].append(line)
    for part in parts:
        name, colon, rest = "\n".join(part).strip().partition(":")
        if not colon:
            raise _NotThisStyleError
        yield re.sub(r"\s+\(.*\)$", "", name, flags=re.DOTALL), _joined(rest)


def _without_type(text: str) -> str:
    """``int: the number`` → ``the number``."""
    if _TYPED_RESULT.match(text):
        return _joined(text.partition(":")[2])
    return text


def _underlined(text: str) -> _Found:
    """``Parameters`` and ``Returns`` above a line of dashes, with ``name : type`` each and an indented text."""
    entries, parameters, results = 0, {}, []
    for title, body in _underlined_sections(text):
        if title not in _PARAMETERS and title not in (*_RESULTS, "Return", "Yield"):
            entries += 1
            continue
        for head, said in _underlined_entries(body):
            entries += 1
            if title in _PARAMETERS:
                parameters[head.partition(":")[0].strip()] = said
            else:
                results.append(said)
    return _Found(entries, parameters, results)


def _underlined_sections(text: str) -> list[tuple[str, list[str]]]:
    lines = text.splitlines()
    sections: list[tuple[str, list[str]]] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.strip() and re.fullmatch(r"-{2,}\s*", following):
            sections.append((line.strip(), []))
        elif sections and not re.fullmatch(r"-{2,}\s*", line):
            sections[-1][1].append(line)
    return sections


def _underlined_entries(body: list[str]) -> Iterator[tuple[str, str]]:
    head: str | None = None
    said: list[str] = []
    for line in body:
        if line.strip() and not line[0].isspace():
            if head is not None:
                yield head, inspect.cleandoc("\n".join(said))
            head, said = line, []
        else:
            said.append(line)
    if head is not None:
        yield head, inspect.cleandoc("\n".join(said))


def _joined(text: str) -> str:
    """A text whose first line stands behind a name: the lines after it lose their common indentation."""
    first, newline, rest = text.strip(" ").partition("\n")
    return (first + newline + inspect.cleandoc(rest)).strip("\n") if newline else first
