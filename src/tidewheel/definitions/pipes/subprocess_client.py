"""Runs a command of the same machine through Pipes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.definitions.pipes.client import PipesClient, PipesClientCompletedInvocation
from tidewheel.definitions.pipes.context_injectors import PipesContextInjector, PipesTempFileContextInjector
from tidewheel.definitions.pipes.failures import PipesExecutionError
from tidewheel.definitions.pipes.message_handler import PREFIX, describe_exception
from tidewheel.definitions.pipes.message_readers import PipesMessageReader, PipesTempFileMessageReader
from tidewheel.definitions.pipes.session import PipesSession, open_pipes_session
from tidewheel.errors import ExecutionInterruptedError, ParameterCheckError


class PipesSubprocessClient(PipesClient):
    """Runs a command as a child process and waits for it.

    Args:
        env: variables of the process, besides those of this process.
        cwd: the folder that it runs in.
        context_injector: how it gets its context; a temporary file by default.
        message_reader: how its messages come back; a temporary file by default.
        forward_termination: whether to stop the process when the run is stopped.
        forward_stdio: whether its standard output and error go to those of the step.
        termination_timeout_seconds: how long a process that was asked to stop may take, before it is killed; None: as
            long as it likes.
    """

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        context_injector: PipesContextInjector | None = None,
        message_reader: PipesMessageReader | None = None,
        forward_termination: bool = True,
        forward_stdio: bool = True,
        termination_timeout_seconds: float | None = 20,
    ) -> None:
        self.env = _env(env)
        self.cwd = cwd
        self.context_injector = context_injector or PipesTempFileContextInjector()
        self.message_reader = message_reader or PipesTempFileMessageReader()
        self.forward_termination = forward_termination
        self.forward_stdio = forward_stdio
        self.termination_timeout_seconds = termination_timeout_seconds

    def run(  # type: ignore[override]
        self,
        *,
        context: Any,
        extras: Mapping[str, Any] | None = None,
        command: str | Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> PipesClientCompletedInvocation:
        """Run a command to its end.

        Args:
            context: the context of the op, asset or check.
            extras: further data for the process, in JSON.
            command: the program and its arguments; a text is the name of a program without arguments.
            env: further variables, before those of the client.
            cwd: the folder, instead of the client's.

        Raises:
            PipesExecutionError: when the process ends with another code than 0.
            ExecutionInterruptedError: when the run is stopped.
        """
        with open_pipes_session(context, self.context_injector, self.message_reader, extras) as session:
            process = subprocess.Popen(
                command,
                cwd=cwd or self.cwd,
                env={**os.environ, **self.env, **_env(env), **session.get_bootstrap_env_vars()},
                stdout=None if self.forward_stdio else subprocess.DEVNULL,
                stderr=None if self.forward_stdio else subprocess.DEVNULL,
            )
            session.report_launched({"extras": {"pid": process.pid}})
            return_code = self._wait(process, context)
        if return_code != 0:
            raise PipesExecutionError(_failure(command, return_code, session), return_code)
        return PipesClientCompletedInvocation(session)

    def _wait(self, process: subprocess.Popen[bytes], context: Any) -> int:
        try:
            return process.wait()
        except (ExecutionInterruptedError, KeyboardInterrupt):
            if self.forward_termination:
                context.log.info(f"{PREFIX} the run was asked to stop: asking the external process to stop")
                self._stop(process, context)
            raise

    def _stop(self, process: subprocess.Popen[bytes], context: Any) -> None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(self.termination_timeout_seconds)
        except subprocess.TimeoutExpired:
            context.log.warning(
                f"{PREFIX} the external process did not stop within {self.termination_timeout_seconds:g} s: killing it"
            )
            process.kill()
            process.wait()


def _env(env: Mapping[str, str] | None) -> dict[str, str]:
    for name, value in (env or {}).items():
        if not isinstance(value, str):
            raise ParameterCheckError(
                f"expected the variable {name!r} as text, got {value!r} ({type(value).__name__}); use str()"
            )
    return dict(env or {})


def _failure(command: str | Sequence[str], return_code: int, session: PipesSession) -> str:
    shown = command if isinstance(command, str) else " ".join(command)
    text = f"expected the external process to end with code 0, got {return_code} from {shown!r}"
    if return_code < 0:
        text += f" (ended by signal {-return_code})"
    told = session.message_handler.external_exception
    return f"{text}: {describe_exception(told, with_stack=False)}" if told else f"{text}; see its output"
