"""Reads selections from text: the short form of one key, and the form with attributes.

Short form: one slash-joined key or ``*``, with ``+`` before or after it for each level of dependencies and ``*`` for
all of them (``++a``, ``a+``, ``*a``). Attribute form: ``key:``, ``group:``, ``tag:``, ``owner:``, ``kind:`` with a value
(in quotes, if it holds other characters than letters, digits and ``_ - . /``; ``*`` in keys; ``<null>`` for "has none"),
``and``, ``or``, ``not``, parentheses, ``sinks(...)``, ``roots(...)``, and ``+`` for all levels or ``2+`` / ``+2`` for some.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol

from tidewheel.errors import CheckError, InvalidAssetSelectionError
from tidewheel.values.keys import AssetKey

_SHORT = re.compile(r"(?P<up>\*|\++)?(?P<key>[A-Za-z0-9_.\-/]+)(?P<down>\*|\++)?\Z")
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<quoted>"[^"\\\r\n]*")
  | (?P<null><null>)
  | (?P<traverse>\d*\+\d*)
  | (?P<word>\**[A-Za-z0-9_\-./@][A-Za-z0-9_*\-./@]*)
  | (?P<symbol>[():=*,])
    )""",
    re.VERBOSE,
)
_ATTRIBUTES = ("key", "group", "tag", "owner", "kind")
_KEY_VALUE = re.compile(r"[A-Za-z0-9_*./\-]+\Z")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.\-/]+\Z")
_ELSEWHERE = ("status", "column", "column_tag", "table_name", "changed_in_branch")
_HINT = 'write for example: key:"a/b"+ or group:"g" and not kind:"sql"'


class SelectionMaker(Protocol):
    """Makes selections of the words that the parser finds; they are joined with ``|``, ``&`` and ``-``."""

    def everything(self) -> Any:
        """``*``."""

    def key(self, key: AssetKey) -> Any:
        """One key."""

    def matching(self, pattern: str) -> Any:
        """``key:pattern``."""

    def group(self, name: str | None) -> Any:
        """``group:name``."""

    def owner(self, name: str | None) -> Any:
        """``owner:name``."""

    def kind(self, name: str | None) -> Any:
        """``kind:name``."""

    def tag(self, key: str, value: str) -> Any:
        """``tag:key=value``."""

    def upstream(self, base: Any, levels: int | None) -> Any:
        """``+base``; None: all levels."""

    def downstream(self, base: Any, levels: int | None) -> Any:
        """``base+``; None: all levels."""

    def sinks(self, base: Any) -> Any:
        """``sinks(base)``."""

    def roots(self, base: Any) -> Any:
        """``roots(base)``."""


def parse_selection(text: str, make: SelectionMaker) -> Any:
    """The selection that a text means, as ``make`` makes it.

    Raises:
        InvalidAssetSelectionError: when it cannot be understood; the message says where.
        NotImplementedError: for attributes that only the web page knows.
    """
    stripped = text.strip()
    if stripped == "*":
        return make.everything()
    short = _SHORT.match(stripped)
    if short is not None:
        return _short_form(short, make)
    return _Parser(text, make).parse()


def _short_form(found: re.Match[str], make: SelectionMaker) -> Any:
    base = make.key(AssetKey.from_user_string(found["key"]))
    parts: list[Any] = []
    if found["up"]:
        parts.append(make.upstream(base, None if found["up"] == "*" else len(found["up"])))
    if found["down"]:
        parts.append(make.downstream(base, None if found["down"] == "*" else len(found["down"])))
    if not parts:
        return base
    return parts[0] if len(parts) == 1 else parts[0] | parts[1]


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class _Parser:
    """Recursive descent: ``or`` binds weaker than ``and``, ``and`` weaker than ``not``, ``not`` weaker than ``+``."""

    def __init__(self, text: str, make: SelectionMaker) -> None:
        self._text = text
        self._make = make
        self._tokens = self._read(text)
        self._at = 0

    def parse(self) -> Any:
        """The whole text."""
        if not self._tokens:
            raise self._error("a selection", None)
        found = self._or()
        if self._peek() is not None:
            raise self._error("'and', 'or' or the end", self._peek())
        return found

    def _read(self, text: str) -> list[_Token]:
        tokens, at = [], 0
        end = len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._error(
                    "a word, a quoted text or an operator", _Token("", text[at : at + 10], at, at + 1)
                )
            kind = match.lastgroup
            tokens.append(_Token(kind, match[kind], match.start(kind), match.end(kind)))
            at = match.end()
        return tokens

    def _peek(self, ahead: int = 0) -> _Token | None:
        index = self._at + ahead
        return self._tokens[index] if index < len(self._tokens) else None

    def _next(self) -> _Token | None:
        token = self._peek()
        self._at += 1
        return token

    def _is_word(self, *words: str) -> bool:
        token = self._peek()
        return (
            token is not None
            and token.kind == "word"
            and token.text.lower() in words
            and token.text
            in (
                token.text.lower(),
                token.text.upper(),
            )
        )

    def _is_symbol(self, symbol: str) -> bool:
        token = self._peek()
        return token is not None and token.kind == "symbol" and token.text == symbol

    def _or(self) -> Any:
        left = self._and()
        while self._is_word("or"):
            self._next()
            left = left | self._and()
        return left

    def _and(self) -> Any:
        left = self._not()
        while self._is_word("and"):
            self._next()
            left = left & self._not()
        return left

    def _not(self) -> Any:
        if self._is_word("not"):
            self._next()
            return self._make.everything() - self._not()
        return self._traversal()

    def _traversal(self) -> Any:
        up = self._traverse_token(before=True)
        base = self._primary()
        down = self._traverse_token(before=False)
        parts: list[Any] = []
        if up is not None:
            parts.append(self._make.upstream(base, up.depth))
        if down is not None:
            parts.append(self._make.downstream(base, down.depth))
        if not parts:
            return base
        return parts[0] if len(parts) == 1 else parts[0] | parts[1]

    def _traverse_token(self, *, before: bool) -> _Levels | None:
        token = self._peek()
        if token is None or token.kind != "traverse":
            return None
        left, right = token.text.split("+")
        if (right and before) or (left and not before):
            raise self._error("levels before '+' upstream and after it downstream", token)
        self._next()
        number = left if before else right
        return _Levels(int(number) if number else None)

    def _primary(self) -> Any:
        token = self._next()
        if token is None:
            raise self._error("a selection", None)
        if token.kind == "symbol" and token.text == "(":
            inner = self._or()
            self._expect(")")
            return inner
        if token.kind in ("symbol", "word") and token.text == "*":
            return self._make.everything()
        if token.kind == "word" and token.text in ("sinks", "roots") and self._is_symbol("("):
            self._next()
            inner = self._or()
            self._expect(")")
            return self._make.sinks(inner) if token.text == "sinks" else self._make.roots(inner)
        if token.kind == "word" and self._is_symbol(":"):
            self._next()
            return self._attribute(token)
        raise self._error(
            f"an attribute ({', '.join(name + ':' for name in _ATTRIBUTES)}), '(' or '*'", token
        )

    def _attribute(self, name: _Token) -> Any:
        if name.text in _ELSEWHERE:
            raise NotImplementedError(
                f"{name.text}: is known to the web page only; select by key, group, tag, ..."
            )
        if name.text == "code_location":
            raise CheckError(
                "code_location: expected a selection within this code, got another location's; drop it"
            )
        if name.text not in _ATTRIBUTES:
            raise self._error(f"one of {', '.join(_ATTRIBUTES)}", name)
        if name.text == "tag":
            return self._tag()
        value = self._value(_KEY_VALUE if name.text == "key" else _PLAIN_VALUE)
        if name.text == "key":
            if value is None:
                raise self._error("a key", name)
            return self._make.matching(value)
        if name.text == "group":
            return self._make.group(value)
        if name.text == "owner":
            return self._make.owner(value)
        return self._make.kind(value)

    def _tag(self) -> Any:
        key = self._value(_PLAIN_VALUE)
        value: str | None = ""
        if self._is_symbol("="):
            self._next()
            value = self._value(_PLAIN_VALUE)
        return self._make.tag(key if key is not None else "<null>", value or "")

    def _value(self, allowed: re.Pattern[str]) -> str | None:
        """The value after a colon; None for ``<null>``."""
        token = self._next()
        if token is None:
            raise self._error("a value", None)
        if token.kind == "null":
            return None
        if token.kind == "quoted":
            return token.text[1:-1]
        if token.kind == "word" and allowed.match(token.text) and token.text != "*":
            return token.text
        raise self._error("a value, in quotes if it holds special characters", token)

    def _expect(self, symbol: str) -> None:
        token = self._next()
        if token is None or token.kind != "symbol" or token.text != symbol:
            raise self._error(f"{symbol!r}", token)

    def _error(self, expected: str, token: _Token | None) -> InvalidAssetSelectionError:
        where = f"{token.text!r} at position {token.start + 1}" if token is not None else "the end"
        return InvalidAssetSelectionError(
            f"selection {self._text!r}: expected {expected}, got {where}; {_HINT}"
        )


class _Levels(NamedTuple):
    """How many levels; None: all."""

    depth: int | None
