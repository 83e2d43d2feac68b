"""What users see of a recorded error: message with the class in front, stack, causes."""

from __future__ import annotations

from typing import Optional

import msgspec

from tidewheel.values.error_info import ErrorInfo

SHOWN_NAMES: dict[str, str] = {}
"""Names of error classes, as code that comes from elsewhere knows them, by ours; filled by whoever runs such code."""


class ErrorView(msgspec.Struct, frozen=True):
    """A recorded error. ``message`` is ``Class: text`` and ends with a line break, as tracebacks print it."""

    message: str
    stack: list[str] = []
    cls_name: Optional[str] = None
    cause: Optional[ErrorView] = None
    context: Optional[ErrorView] = None

    def to_string(self) -> str:
        """The whole error as text, causes last."""
        text = self.message
        if self.stack:
            text += "\nStack Trace:\n" + "".join(self.stack)
        if self.cause is not None:
            text += "\nThe above exception was caused by the following exception:\n" + self.cause.to_string()
        if self.context is not None:
            text += "\nThe above exception occurred while this one was handled:\n" + self.context.to_string()
        return text

    def to_exception_message_only(self) -> ErrorView:
        """The same without stack and causes."""
        return ErrorView(self.message, [], self.cls_name)

    def __str__(self) -> str:
        return self.to_string()


def error_view(info: ErrorInfo | None) -> ErrorView | None:
    """The view of a stored error."""
    if info is None:
        return None
    name = SHOWN_NAMES.get(info.cls_name, info.cls_name)
    text = f"{name}: {info.message}" if info.message else name
    return ErrorView(
        text.rstrip("\n") + "\n",
        list(info.stack),
        name,
        error_view(info.cause),
        error_view(info.context),
    )


def stored_error(view: ErrorView | None) -> ErrorInfo | None:
    """The stored form of a view; the inverse of :func:`error_view`."""
    if view is None:
        return None
    name = view.cls_name or "Error"
    text = view.message.rstrip("\n").removeprefix(name).removeprefix(": ")
    ours = {shown: own for own, shown in SHOWN_NAMES.items()}
    return ErrorInfo(
        cls_name=ours.get(name, name),
        message=text,
        stack=tuple(view.stack),
        cause=stored_error(view.cause),
        context=stored_error(view.context),
    )
