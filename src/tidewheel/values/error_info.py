"""An exception as data, so that it can cross processes and be stored."""

from __future__ import annotations

import traceback
from typing import Optional

import msgspec

from tidewheel.values.texts import storable_text

MAX_MESSAGE_CHARS = 100_000
"""What is longer is data, not a message: it would slow down everybody who looks at the error."""


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An exception's class, message, formatted stack and cause.

    ``context``: the exception that was being handled when this one was raised, where it is not the cause.
    """

    cls_name: str
    message: str
    stack: tuple[str, ...] = ()
    cause: Optional[ErrorInfo] = None
    context: Optional[ErrorInfo] = None

    def to_string(self) -> str:
        """The whole error as text, causes last."""
        text = f"{self.cls_name}: {self.message}\n" + "".join(self.stack)
        if self.cause is not None:
            text += "\nThe above exception was caused by:\n" + self.cause.to_string()
        if self.context is not None:
            text += "\nIt was raised while this one was handled:\n" + self.context.to_string()
        return text

    @property
    def headline(self) -> str:
        """``Class: first line of the message`` of the innermost cause, which is the user's own error."""
        inner = self
        while inner.cause is not None:
            inner = inner.cause
        first = inner.message.strip().splitlines()[0] if inner.message.strip() else ""
        return f"{inner.cls_name}: {first}" if first else inner.cls_name


def error_text(exc: BaseException) -> str:
    """The exception's message, cut where it is very long; never raises, whatever the exception's own class does."""
    try:
        text = str(exc)
        if len(text) > MAX_MESSAGE_CHARS:
            half = MAX_MESSAGE_CHARS // 2
            text = f"{text[:half]}... ({len(text)} characters in all) ...{text[-half:]}"
        return storable_text(text)
    except Exception as own:  # noqa: BLE001 - a boundary: user code, which may raise anything
        return f"(its message cannot be shown: asking for it raised {type(own).__name__})"


def said_error(exc: BaseException) -> ErrorInfo:
    """An error that we raise on purpose: its words. Where our own code raised it is nobody's business."""
    return ErrorInfo(cls_name=type(exc).__name__, message=error_text(exc))


def error_info(exc: BaseException, *, depth: int = 10) -> ErrorInfo:
    """The exception with its chain of causes (at most ``depth`` of them)."""
    cause = exc.__cause__
    context = None if exc.__suppress_context__ or cause is not None else exc.__context__
    return ErrorInfo(
        cls_name=type(exc).__name__,
        message=error_text(exc),
        stack=tuple(traceback.format_tb(exc.__traceback__)),
        cause=error_info(cause, depth=depth - 1) if cause is not None and depth > 0 else None,
        context=error_info(context, depth=depth - 1) if context is not None and depth > 0 else None,
    )
