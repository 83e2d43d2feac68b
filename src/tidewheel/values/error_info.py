"""An exception as data, so that it can cross processes and be stored."""

from __future__ import annotations

import traceback
from typing import Optional

import msgspec


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


def error_info(exc: BaseException, *, depth: int = 10) -> ErrorInfo:
    """The exception with its chain of causes (at most ``depth`` of them)."""
    cause = exc.__cause__
    context = None if exc.__suppress_context__ or cause is not None else exc.__context__
    return ErrorInfo(
        cls_name=type(exc).__name__,
        message=str(exc),
        stack=tuple(traceback.format_tb(exc.__traceback__)),
        cause=error_info(cause, depth=depth - 1) if cause is not None and depth > 0 else None,
        context=error_info(context, depth=depth - 1) if context is not None and depth > 0 else None,
    )
