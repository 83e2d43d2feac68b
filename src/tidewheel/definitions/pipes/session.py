"""A Pipes session: the time in which external processes may be started for a step and report to it."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidewheel.definitions.assets.results import MaterializeResult
from tidewheel.definitions.checks.check_results import AssetCheckResult
from tidewheel.definitions.clock import utc_now
from tidewheel.definitions.pipes.context_data import PipesContextData, build_context_data
from tidewheel.definitions.pipes.context_injectors import PipesContextInjector
from tidewheel.definitions.pipes.message_handler import PipesMessageHandler
from tidewheel.definitions.pipes.message_readers import PipesMessageReader
from tidewheel.definitions.pipes.wire import (
    CONTEXT_ARGUMENT,
    CONTEXT_VARIABLE,
    MESSAGES_ARGUMENT,
    MESSAGES_VARIABLE,
    WRITERS_KEY,
    PipesLaunchedData,
    pack,
)

PipesExecutionResult = MaterializeResult | AssetCheckResult
"""What an external process can report: a materialisation or the result of a check."""

_HINT = (
    "results of an external process are not recorded by themselves: return client.run(...).get_results(), or after "
    "open_pipes_session yield from session.get_results()"
)


@dataclass
class PipesSession:
    """What an external process needs to find its context and the place for its messages, and what it has reported."""

    context_data: PipesContextData
    message_handler: PipesMessageHandler
    context_injector_params: Mapping[str, Any]
    message_reader_params: Mapping[str, Any]
    context: Any
    created_at: datetime = field(default_factory=utc_now)

    # -- what the external process gets -----------------------------------------------------------------------

    def get_bootstrap_params(self) -> Mapping[str, Any]:
        """The unpacked parameters by the names of their environment variables."""
        return {
            CONTEXT_VARIABLE: self.context_injector_params,
            MESSAGES_VARIABLE: self.message_reader_params,
        }

    def get_bootstrap_env_vars(self) -> Mapping[str, str]:
        """The environment variables that the process must have."""
        return {name: pack(params) for name, params in self.get_bootstrap_params().items()}

    def get_bootstrap_cli_arguments(self) -> Mapping[str, str]:
        """The same as command line arguments, for processes whose environment cannot be set."""
        return {
            CONTEXT_ARGUMENT: pack(self.context_injector_params),
            MESSAGES_ARGUMENT: pack(self.message_reader_params),
        }

    def get_per_writer_bootstrap_env_vars(self) -> Sequence[Mapping[str, str]]:
        """The environment variables of each process, where there are several (see PipesCompositeMessageReader)."""
        return [
            {CONTEXT_VARIABLE: pack(self.context_injector_params), MESSAGES_VARIABLE: pack(params)}
            for params in self._writers()
        ]

    def get_per_writer_bootstrap_cli_arguments(self) -> Sequence[Mapping[str, str]]:
        """The command line arguments of each process, where there are several."""
        return [
            {CONTEXT_ARGUMENT: pack(self.context_injector_params), MESSAGES_ARGUMENT: pack(params)}
            for params in self._writers()
        ]

    def _writers(self) -> Sequence[Mapping[str, Any]]:
        return self.message_reader_params.get(WRITERS_KEY) or [self.message_reader_params]  # type: ignore[no-any-return]

    @property
    def default_remote_invocation_info(self) -> dict[str, str]:
        """Labels for jobs in other systems, so that they can be found by the run."""
        found = {"dagster/run-id": self.context_data["run_id"]}
        if self.context_data["job_name"]:
            found["dagster/job"] = self.context_data["job_name"]
        return found

    def report_launched(self, launched_payload: PipesLaunchedData) -> None:
        """Tell the message reader what is known of the process once it has been started."""
        self.message_handler.on_launched(launched_payload)

    # -- what it reported -------------------------------------------------------------------------------------

    def get_reported_results(self) -> Sequence[PipesExecutionResult]:
        """What was reported, and nothing else."""
        return self.message_handler.get_reported_results()

    def get_results(
        self, *, implicit_materializations: bool = True, metadata: Mapping[str, Any] | None = None
    ) -> Sequence[PipesExecutionResult]:
        """What was reported, and unless told otherwise a materialisation of each asset of the step that was not.

        Args:
            implicit_materializations: whether a process that ends well has made assets that it says nothing of.
            metadata: added to every materialisation.
        """
        reported = self.get_reported_results()
        results = [_with_metadata(result, metadata) for result in reported]
        if implicit_materializations and self.context.has_assets_def:
            named = {result.asset_key for result in reported if isinstance(result, MaterializeResult)}
            results += [
                MaterializeResult(asset_key=key, metadata=dict(metadata or {}))
                for key in sorted(self.context.selected_asset_keys)
                if key not in named
            ]
        return tuple(results)

    def get_custom_messages(self) -> Sequence[Any]:
        """Payloads of custom messages, in order."""
        return self.message_handler.get_custom_messages()


def _with_metadata(result: PipesExecutionResult, metadata: Mapping[str, Any] | None) -> PipesExecutionResult:
    if not metadata or not isinstance(result, MaterializeResult):
        return result
    return MaterializeResult(
        asset_key=result.asset_key,
        metadata={**metadata, **(result.metadata or {})},
        check_results=result.check_results,
        data_version=result.data_version,
        tags=result.tags,
    )


@contextlib.contextmanager
def open_pipes_session(
    context: Any,
    context_injector: PipesContextInjector,
    message_reader: PipesMessageReader,
    extras: Mapping[str, Any] | None = None,
) -> Generator[PipesSession, None, None]:
    """A session for a step: start the external process inside the ``with``, and give it the session's variables.

    After the ``with``, all messages have been handled: then ``yield from session.get_results()``.

    Args:
        context: the context of the op, asset or check.
        context_injector: how the context gets to the process.
        message_reader: how its messages come back.
        extras: further data for the process, in JSON.
    """
    data = build_context_data(context, extras)
    context.op_execution_context.set_requires_typed_event_stream(error_message=_HINT)
    handler = PipesMessageHandler(context, message_reader)
    try:
        with (
            context_injector.inject_context(data) as injected,
            message_reader.read_messages(handler) as reading,
        ):
            yield PipesSession(
                context_data=data,
                message_handler=handler,
                context_injector_params=injected,
                message_reader_params=reading,
                context=context,
            )
    finally:
        _warn_of_silence(handler, context_injector, message_reader)


def _warn_of_silence(
    handler: PipesMessageHandler, injector: PipesContextInjector, reader: PipesMessageReader
) -> None:
    if not handler.has_messages:
        handler.warn(
            "no message came from the external process; its own output may tell why "
            f"({injector.no_messages_debug_text()}; {reader.no_messages_debug_text()})"
        )
    elif not handler.received_closed_message:
        handler.warn(
            "the external process ended without closing its side, so messages that it held back may be missing; use "
            "open_dagster_pipes() in a with statement there, or call close() before the end"
        )
