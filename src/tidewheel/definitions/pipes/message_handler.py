"""Takes the messages of an external process: logs go to the step's log, results and custom messages are kept."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tidewheel.definitions.assets.data_version import DataVersion
from tidewheel.definitions.assets.results import MaterializeResult
from tidewheel.definitions.checks.check_results import AssetCheckResult, AssetCheckSeverity
from tidewheel.definitions.pipes.typed_values import typed_values
from tidewheel.definitions.pipes.wire import PipesLaunchedData, PipesMessage
from tidewheel.errors import TidewheelError
from tidewheel.values.keys import AssetKey

PREFIX = "[pipes]"


class MessageSource(Protocol):
    """What the handler needs of the reader that feeds it."""

    @property
    def expected_writer_count(self) -> int:
        """How many processes will write."""
        ...

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:
        """The external process was started."""

    def on_opened(self, opened_payload: Mapping[str, Any]) -> None:
        """The external process has begun to write."""


class PipesMessageHandler:
    """What has come from the external process(es) of one session.

    Messages may be handed over from any thread, one at a time. A message that makes no sense is warned of and left
    out; those after it count.
    """

    def __init__(self, context: Any, message_reader: MessageSource) -> None:
        self._context = context
        self._reader = message_reader
        self._results: list[MaterializeResult[Any] | AssetCheckResult] = []
        self._custom: list[Any] = []
        self._opened = 0
        self._closed = 0
        self.external_exception: Mapping[str, Any] | None = None
        """The exception with which the external process closed its side, if it told one."""
        self._methods: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "opened": self._take_opened,
            "closed": self._take_closed,
            "log": self._take_log,
            "log_external_stream": self._take_stream,
            "report_asset_materialization": self._take_materialization,
            "report_asset_check": self._take_check,
            "report_custom_message": self._take_custom,
        }

    # -- what has come --------------------------------------------------------------------------------------

    @property
    def received_opened_message(self) -> bool:
        """Whether every expected writer has said that it is there."""
        return self._opened >= self._reader.expected_writer_count

    @property
    def received_closed_message(self) -> bool:
        """Whether every expected writer has said that it is done."""
        return self._closed >= self._reader.expected_writer_count

    @property
    def has_messages(self) -> bool:
        """Whether any message has come."""
        return bool(self._opened or self._closed or self._results or self._custom)

    def get_reported_results(self) -> Sequence[MaterializeResult[Any] | AssetCheckResult]:
        """Materialisations and checks, in the order in which they were reported."""
        return tuple(self._results)

    def get_custom_messages(self) -> Sequence[Any]:
        """Payloads of custom messages, in order."""
        return tuple(self._custom)

    # -- taking messages ------------------------------------------------------------------------------------

    def handle_message(self, message: PipesMessage | Mapping[str, Any]) -> None:
        """Take one message."""
        method, params = message["method"], message.get("params") or {}
        take = self._methods.get(method)
        if take is None:
            self.warn(f"left out a message of the unknown kind {method!r}: {params!r}")
            return
        if self._closed and self.received_closed_message and method not in ("closed", "log_external_stream"):
            self.warn(f"a message came after the process had said that it was done: {method!r}")
        try:
            take(params)
        except (KeyError, TypeError, ValueError, TidewheelError) as exc:
            what = f"missing {exc}" if isinstance(exc, KeyError) else str(exc)
            self.warn(f"left out a message {method!r} that cannot be understood ({what}): {params!r}")

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:
        """Pass on to the reader that the process was started."""
        self._reader.on_launched(launched_payload)

    def warn(self, text: str) -> None:
        """Put a warning into the step's log."""
        self._context.log.warning(f"{PREFIX} {text}")

    def report_pipes_framework_exception(self, origin: str, exc_info: Any) -> None:
        """Put an error of the protocol's own machinery into the step's log; the step goes on."""
        self._context.log.error(f"{PREFIX} an error in {origin}", exc_info=exc_info)

    def _take_opened(self, params: Mapping[str, Any]) -> None:
        self._opened += 1
        self._context.log.info(f"{PREFIX} the external process has opened its side")
        self._reader.on_opened(params)

    def _take_closed(self, params: Mapping[str, Any]) -> None:
        self._closed += 1
        exception = params.get("exception")
        if exception:
            self.external_exception = exception
            self._context.log.error(f"{PREFIX} the external process raised {describe_exception(exception)}")

    def _take_log(self, params: Mapping[str, Any]) -> None:
        name = str(params["level"]).upper()
        level = logging.getLevelNamesMapping().get(name)
        if level is None:
            self.warn(f"expected a log level such as INFO, got {params['level']!r}; logged as INFO")
        self._context.log.log(level if level is not None else logging.INFO, params["message"])

    def _take_stream(self, params: Mapping[str, Any]) -> None:
        stream = sys.stderr if params["stream"] == "stderr" else sys.stdout
        stream.write(params["text"])
        stream.flush()

    def _take_materialization(self, params: Mapping[str, Any]) -> None:
        key = _asset_key(params["asset_key"])
        version = params.get("data_version")
        metadata = self._metadata(params)
        self._results.append(
            MaterializeResult(
                asset_key=key,
                metadata=metadata,
                data_version=DataVersion(version) if version is not None else None,
            )
        )

    def _take_check(self, params: Mapping[str, Any]) -> None:
        self._results.append(
            AssetCheckResult(
                asset_key=_asset_key(params["asset_key"]),
                check_name=params["check_name"],
                passed=params["passed"],
                severity=AssetCheckSeverity(params.get("severity") or "ERROR"),
                metadata=self._metadata(params),
            )
        )

    def _take_custom(self, params: Mapping[str, Any]) -> None:
        self._custom.append(params["payload"])

    def _metadata(self, params: Mapping[str, Any]) -> dict[str, Any]:
        found, problems = typed_values(params.get("metadata"))
        for problem in problems:
            self.warn(f"{problem}; kept as it came")
        return dict(found)


def _asset_key(text: Any) -> AssetKey:
    if not isinstance(text, str) or not text:
        raise ValueError(f"expected an asset key as text, got {text!r}")
    return AssetKey.from_escaped_user_string(text)


def describe_exception(exception: Mapping[str, Any], *, with_stack: bool = True) -> str:
    """An exception of the other side as text: its name and message, perhaps its stack and those of its causes."""
    name, message = str(exception.get("name") or "an exception"), str(exception.get("message") or "").strip()
    # Python sides send "module.Name: text" as the message, others the text alone
    lines = [message if name in message else f"{name}: {message}"]
    if not with_stack:
        return lines[0]
    lines += [str(line).rstrip() for line in exception.get("stack") or ()]
    for relation in ("cause", "context"):
        inner = exception.get(relation)
        if isinstance(inner, Mapping):
            lines.append(f"({relation}) {describe_exception(inner)}")
            break
    return "\n".join(lines)
