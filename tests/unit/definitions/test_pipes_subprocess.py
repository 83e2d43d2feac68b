"""Real child processes that speak the protocol by themselves, with nothing but the standard library."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.pipes.client import PipesClientCompletedInvocation
from tidewheel.definitions.pipes.context_injectors import PipesEnvContextInjector, PipesFileContextInjector
from tidewheel.definitions.pipes.failures import PipesError, PipesExecutionError
from tidewheel.definitions.pipes.message_readers import (
    PipesCompositeMessageReader,
    PipesFileMessageReader,
    PipesTempFileMessageReader,
)
from tidewheel.definitions.pipes.session import PipesSession, open_pipes_session
from tidewheel.definitions.pipes.subprocess_client import PipesSubprocessClient
from tidewheel.definitions.resources.pythonic_resources import is_resource_annotation
from tidewheel.errors import ExecutionInterruptedError, InvalidInvocationError, ParameterCheckError
from tidewheel.worker.runs.in_process import materialize

PEER = """
import base64, json, os, sys, zlib

def found(name):
    return json.loads(zlib.decompress(base64.b64decode(os.environ[name])))

where = found("DAGSTER_PIPES_CONTEXT")
context = where["data"] if "data" in where else json.load(open(where["path"]))
params = found("DAGSTER_PIPES_MESSAGES")
out = open(params["path"], "a")

def line(text):
    out.write(text)
    out.flush()

def send(method, **params):
    line(json.dumps({"__dagster_pipes_version": "0.1", "method": method, "params": params}) + "\\n")

def made(key="pa", **metadata):
    send("report_asset_materialization", asset_key=key, metadata=metadata, data_version=None)

send("opened", extras={})
"""


@pytest.fixture
def peer(tmp_path: Path) -> Callable[[str], list[str]]:
    """Makes a command of a script body."""

    def make(body: str, *, closes: bool = True) -> list[str]:
        script = tmp_path / f"peer{len(list(tmp_path.iterdir()))}.py"
        script.write_text(PEER + body + ("\nsend('closed')\n" if closes else ""))
        return [sys.executable, str(script)]

    return make


class Outcome:
    def __init__(self, result: Any, instance: tw.Instance) -> None:
        self.success = result.success
        events = instance.all_logs(result.run_id)
        self.logs = [(entry.level, entry.user_message) for entry in events if not entry.is_dagster_event]
        self.made = {
            event.asset_key.to_user_string(): {
                label: value.value
                for label, value in event.step_materialization_data.materialization.metadata.items()
            }
            for event in result.get_asset_materialization_events()
        }
        self.checks = [
            (one.check_name, one.passed, one.severity.value) for one in result.get_asset_check_evaluations()
        ]
        failures = result.get_step_failure_events()
        self.error = failures[0].event_specific_data.error.to_string() if failures else ""

    def warnings(self) -> str:
        return "\n".join(text for level, text in self.logs if level >= logging.WARNING)


def run(*assets: Any, **kwargs: Any) -> Outcome:
    with tw.Instance.ephemeral() as instance:
        return Outcome(materialize(assets, instance=instance, raise_on_error=False, **kwargs), instance)


def asset_that_runs(command: list[str], client: Any = None, **options: Any) -> Any:
    finish = options.pop("finish", lambda invocation: invocation.get_results())
    extras = options.pop("extras", None)

    @tw.asset(name="pa", **options)
    def pa(context: tw.AssetExecutionContext) -> Any:
        return finish(
            (client or PipesSubprocessClient()).run(context=context, command=command, extras=extras)
        )

    return pa


# -- the context ------------------------------------------------------------------------------------------------------


def test_the_process_is_told_what_it_is_for(peer: Any) -> None:
    command = peer("send('report_custom_message', payload=context)")
    got: list[Any] = []

    def finish(invocation: PipesClientCompletedInvocation) -> Any:
        got.extend(invocation.get_custom_messages())
        return invocation.get_results()

    assert run(asset_that_runs(command, code_version="v1", extras={"e": [1]}, finish=finish)).success
    (told,) = got
    assert told.pop("run_id")
    assert told.pop("job_name")
    assert told == {
        "asset_keys": ["pa"],
        "code_version_by_asset_key": {"pa": "v1"},
        "provenance_by_asset_key": {"pa": None},
        "partition_key": None,
        "partition_key_range": None,
        "partition_time_window": None,
        "retry_number": 0,
        "extras": {"e": [1]},
    }


DAY = {"start": "2024-01-02T00:00:00+00:00", "end": "2024-01-03T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("definition", "key", "window"),
    [
        (tw.DailyPartitionsDefinition("2024-01-01"), "2024-01-02", DAY),
        (tw.StaticPartitionsDefinition(["a", "b"]), "b", None),
        (
            tw.MultiPartitionsDefinition(
                {"d": tw.DailyPartitionsDefinition("2024-01-01"), "s": tw.StaticPartitionsDefinition(["a"])}
            ),
            "2024-01-02|a",
            DAY,
        ),
    ],
)
def test_the_process_is_told_its_partition(peer: Any, definition: Any, key: str, window: Any) -> None:
    got: list[Any] = []
    command = peer("send('report_custom_message', payload=context)")
    finish = lambda inv: (got.extend(inv.get_custom_messages()), inv.get_results())[1]  # noqa: E731
    assert run(asset_that_runs(command, partitions_def=definition, finish=finish), partition_key=key).success
    assert got[0]["partition_key"] == key
    assert got[0]["partition_key_range"] == {"start": key, "end": key}
    assert got[0]["partition_time_window"] == window


def test_a_range_of_partitions(peer: Any) -> None:
    got: list[Any] = []
    command = peer("send('report_custom_message', payload=context)")
    finish = lambda inv: (got.extend(inv.get_custom_messages()), inv.get_results())[1]  # noqa: E731
    made = asset_that_runs(
        command,
        partitions_def=tw.DailyPartitionsDefinition("2024-01-01"),
        backfill_policy=tw.BackfillPolicy.single_run(),
        finish=finish,
    )
    tags = {
        "dagster/asset_partition_range_start": "2024-01-02",
        "dagster/asset_partition_range_end": "2024-01-04",
    }
    assert run(made, tags=tags).success
    assert got[0]["partition_key"] is None
    assert got[0]["partition_key_range"] == {"start": "2024-01-02", "end": "2024-01-04"}
    assert got[0]["partition_time_window"] == {
        "start": "2024-01-02T00:00:00+00:00",
        "end": "2024-01-05T00:00:00+00:00",
    }


def test_an_op_has_no_asset_keys(peer: Any) -> None:
    got: list[Any] = []

    @tw.op
    def one(context: tw.OpExecutionContext) -> None:
        invocation = PipesSubprocessClient().run(
            context=context, command=peer("send('report_custom_message', payload=context)")
        )
        got.extend(invocation.get_custom_messages())
        assert invocation.get_results() == ()

    @tw.job
    def alone() -> None:
        one()

    alone.execute_in_process(raise_on_error=False)
    assert got[0]["asset_keys"] is None
    assert got[0]["job_name"] == "alone"


def test_only_contexts_of_steps_are_taken() -> None:
    with pytest.raises(InvalidInvocationError, match="context of an op"):
        PipesSubprocessClient().run(context=object(), command=["true"])


@pytest.mark.parametrize("kind", ["env", "file"])
def test_other_ways_for_the_context(peer: Any, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "context.json"
    injector = PipesEnvContextInjector() if kind == "env" else PipesFileContextInjector(str(path))
    client = PipesSubprocessClient(context_injector=injector)
    outcome = run(asset_that_runs(peer("made(keys=str(context['asset_keys']))"), client))
    assert outcome.made == {"pa": {"keys": "['pa']"}}
    assert not path.exists()


# -- what comes back --------------------------------------------------------------------------------------------------


def test_materialisations_and_checks(peer: Any) -> None:
    body = """
made(rows=5)
send("report_asset_check", asset_key="pa", check_name="good", passed=False, severity="WARN", metadata={"n": 1})
"""
    specs = [tw.AssetCheckSpec("good", asset="pa")]
    for finish in (lambda i: i.get_results(), lambda i: i.get_materialize_result()):
        outcome = run(asset_that_runs(peer(body), check_specs=specs, finish=finish))
        assert outcome.success, outcome.error
        assert outcome.made == {"pa": {"rows": 5}}
        assert outcome.checks == [("good", False, "WARN")]


def test_what_is_not_reported_counts_as_made(peer: Any) -> None:
    command = peer("made('b', n=1)")

    @tw.multi_asset(specs=[tw.AssetSpec("a"), tw.AssetSpec("b")])
    def both(context: tw.AssetExecutionContext) -> Any:
        yield from PipesSubprocessClient().run(context=context, command=command).get_results()

    assert run(both).made == {"a": {}, "b": {"n": 1}}


def test_without_implicit_materialisation_one_is_missed(peer: Any) -> None:
    finish = lambda i: i.get_materialize_result(implicit_materialization=False)  # noqa: E731
    outcome = run(asset_that_runs(peer(""), finish=finish))
    assert "expected the external process to report a materialisation" in outcome.error


def test_without_implicit_materialisation_nothing_is_made(peer: Any) -> None:
    finish = lambda i: i.get_results(implicit_materializations=False)  # noqa: E731
    outcome = run(asset_that_runs(peer(""), finish=finish))
    assert not outcome.success
    assert outcome.made == {}


def test_results_that_are_not_returned_are_an_error(peer: Any) -> None:
    outcome = run(asset_that_runs(peer("made()"), finish=lambda _invocation: None))
    assert not outcome.success
    assert "get_results()" in outcome.error


def test_one_materialisation_is_expected_to_be_one(peer: Any) -> None:
    @tw.multi_asset(specs=[tw.AssetSpec("a"), tw.AssetSpec("b")])
    def both(context: tw.AssetExecutionContext) -> Any:
        return PipesSubprocessClient().run(context=context, command=peer("")).get_materialize_result()

    assert "expected one materialisation, got 2 (['a', 'b'])" in run(both).error


def test_a_check_runs_elsewhere(peer: Any) -> None:
    body = "send('report_asset_check', asset_key='zz', check_name='c', passed=True, severity='ERROR', metadata={})"

    @tw.asset_check(asset="zz")
    def c(context: tw.AssetCheckExecutionContext) -> tw.AssetCheckResult:
        invocation = PipesSubprocessClient().run(context=context, command=peer(body))
        return invocation.get_asset_check_result()

    @tw.asset
    def zz() -> None: ...

    assert run(zz, c).checks == [("c", True, "ERROR")]


def test_data_versions_are_kept(peer: Any) -> None:
    body = "send('report_asset_materialization', asset_key='pa', metadata={}, data_version='v7')"
    with tw.Instance.ephemeral() as instance:
        result = materialize([asset_that_runs(peer(body))], instance=instance)
        (event,) = result.get_asset_materialization_events()
        assert event.step_materialization_data.materialization.tags["dagster/data_version"] == "v7"


def test_logs_and_custom_messages(peer: Any) -> None:
    got: list[Any] = []
    body = """
send("log", message="one", level="DEBUG")
send("log", message="two", level="CRITICAL")
send("log", message="odd", level="SHOUT")
send("report_custom_message", payload={"a": 1})
send("report_custom_message", payload=None)
"""
    finish = lambda inv: (got.extend(inv.get_custom_messages()), inv.get_results())[1]  # noqa: E731
    outcome = run(asset_that_runs(peer(body), finish=finish))
    assert (logging.DEBUG, "one") in outcome.logs
    assert (logging.CRITICAL, "two") in outcome.logs
    assert (logging.INFO, "odd") in outcome.logs
    assert "expected a log level" in outcome.warnings()
    assert got == [{"a": 1}, None]


def test_streams_sent_as_messages_are_printed(peer: Any, capsys: Any) -> None:
    body = """
send("log_external_stream", stream="stdout", text="to out\\n", extras={})
send("log_external_stream", stream="stderr", text="to err\\n", extras={})
assert params["include_stdio_in_messages"] is True
"""
    reader = PipesTempFileMessageReader(include_stdio_in_messages=True)
    outcome = run(asset_that_runs(peer(body), PipesSubprocessClient(message_reader=reader)))
    assert outcome.success, outcome.error
    printed = capsys.readouterr()
    assert "to out" in printed.out
    assert "to err" in printed.err


@pytest.mark.parametrize("forwards", [True, False])
def test_standard_streams_are_those_of_the_step(peer: Any, capfd: Any, forwards: bool) -> None:
    outcome = run(asset_that_runs(peer("print('hello')"), PipesSubprocessClient(forward_stdio=forwards)))
    assert outcome.success
    assert ("hello" in capfd.readouterr().out) is forwards


# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_failing_process_fails_the_step(peer: Any) -> None:
    outcome = run(asset_that_runs(peer("sys.exit(3)")))
    assert "expected the external process to end with code 0, got 3" in outcome.error
    assert outcome.made == {}


def test_the_exception_of_the_process_is_told(peer: Any) -> None:
    body = """
send("closed", exception={"name": "ValueError", "message": "boom", "stack": ["at line 1"], "cause": None,
                          "context": {"name": "KeyError", "message": "'x'", "stack": []}})
sys.exit(1)
"""
    outcome = run(asset_that_runs(peer(body)))
    assert "ValueError: boom" in outcome.error
    assert "at line 1" in outcome.warnings()
    assert "(context) KeyError" in outcome.warnings()


def test_a_signal_is_named(peer: Any) -> None:
    outcome = run(asset_that_runs(peer("os.kill(os.getpid(), 9)")))
    assert "ended by signal 9" in outcome.error


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        ("line('{not json\\n')", "no message"),
        ('line(\'{"__dagster_pipes_version": "0.1"}\\n\')', "expected a message with a method"),
        ('line(\'{"__dagster_pipes_version": "0.1", "method": "log", "params": 3}\\n\')', "as an object"),
        ("send('dance', step=1)", "unknown kind 'dance'"),
        ("send('log')", "missing 'level'"),
        ("send('report_asset_check', asset_key='pa', check_name='c', passed='yes', metadata={})", "passed"),
        ("send('report_asset_check', asset_key='pa', check_name='c', passed=True, severity='BAD')", "BAD"),
        ("send('report_asset_materialization', asset_key=None)", "expected an asset key"),
    ],
)
def test_messages_that_make_no_sense_do_not_stop_those_after(peer: Any, body: str, warning: str) -> None:
    outcome = run(asset_that_runs(peer(f"{body}\nmade(after=1)")))
    assert outcome.made == {"pa": {"after": 1}}
    assert warning in outcome.warnings()


def test_metadata_of_unknown_types_is_kept_and_warned_of(peer: Any) -> None:
    outcome = run(asset_that_runs(peer("made(x={'raw_value': 5, 'type': 'itn'})")))
    assert outcome.made == {"pa": {"x": 5}}
    assert "did you mean 'int'" in outcome.warnings()


def test_lines_that_are_no_messages_are_printed(peer: Any, capsys: Any) -> None:
    outcome = run(asset_that_runs(peer("line('plain text\\n[1]\\n')\nmade(n=1)")))
    assert outcome.made == {"pa": {"n": 1}}
    assert "plain text\n[1]\n" in capsys.readouterr().out


def test_a_line_without_an_end_counts(peer: Any) -> None:
    body = "line(json.dumps({'__dagster_pipes_version': '0.1', 'method': 'closed', 'params': {}}))"
    outcome = run(asset_that_runs(peer(f"made(n=1)\n{body}", closes=False)))
    assert outcome.made == {"pa": {"n": 1}}
    assert outcome.warnings() == ""


def test_silence_is_warned_of(peer: Any) -> None:
    outcome = run(asset_that_runs([sys.executable, "-c", "pass"]))
    assert outcome.success
    assert "no message came from the external process" in outcome.warnings()
    outcome = run(asset_that_runs(peer("", closes=False)))
    assert "without closing its side" in outcome.warnings()


def test_an_asset_that_is_not_of_the_step_is_an_error(peer: Any) -> None:
    outcome = run(asset_that_runs(peer("made('other')")))
    assert not outcome.success
    assert "other" in outcome.error


def test_results_of_an_op_of_another_count(peer: Any) -> None:
    @tw.asset_check(asset="zz")
    def c(context: tw.AssetCheckExecutionContext) -> tw.AssetCheckResult:
        with pytest.raises(PipesError, match="got 0 check results and 0 materialisations"):
            PipesSubprocessClient().run(context=context, command=peer("")).get_asset_check_result()
        return tw.AssetCheckResult(passed=True)

    @tw.asset
    def zz() -> None: ...

    assert run(zz, c).checks == [("c", True, "ERROR")]


def test_variables_are_texts() -> None:
    with pytest.raises(ParameterCheckError, match="'N' as text"):
        PipesSubprocessClient(env={"N": 1})  # type: ignore[dict-item]


def test_environment_and_folder(peer: Any, tmp_path: Path) -> None:
    command = peer("made(a=os.environ['A'], b=os.environ['B'], cwd=os.getcwd())")

    @tw.asset
    def pa(context: tw.AssetExecutionContext) -> Any:
        client = PipesSubprocessClient(env={"A": "client", "B": "client"}, cwd="/")
        return client.run(
            context=context, command=command, env={"B": "call"}, cwd=str(tmp_path)
        ).get_results()

    assert run(pa).made == {"pa": {"a": "client", "b": "call", "cwd": str(tmp_path)}}


# -- stopping ---------------------------------------------------------------------------------------------------------

WAITS = """
import signal, time
send("log", message=f"pid {os.getpid()}", level="INFO")
signal.signal(signal.SIGINT, lambda *_: %s)
while True:
    time.sleep(0.01)
"""


class LogOfContext:
    """Notes messages, and interrupts the main thread when the process says that it is there."""

    def __init__(self, interrupts: bool = True) -> None:
        self.messages: list[str] = []
        self.interrupts = interrupts

    def log(self, _level: int, message: str) -> None:
        self.messages.append(message)
        if self.interrupts and message.startswith("pid "):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)  # type: ignore[arg-type]

    def info(self, message: str) -> None:
        self.log(logging.INFO, message)

    warning = error = info


class ContextByHand:
    has_assets_def = has_partition_key = has_partition_key_range = False
    run_id, job_name, retry_number = "r", "j", 0

    def __init__(self) -> None:
        self.log = LogOfContext()
        self.op_execution_context = self

    def set_requires_typed_event_stream(self, *, error_message: str) -> None: ...


@pytest.mark.parametrize(("reaction", "killed"), [("sys.exit(0)", False), ("None", True)])
def test_a_stopped_run_stops_the_process(peer: Any, reaction: str, killed: bool) -> None:
    def interrupt(*_: object) -> None:
        raise ExecutionInterruptedError("stop")

    context = ContextByHand()
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        client = PipesSubprocessClient(termination_timeout_seconds=0.2 if killed else 20)
        with pytest.raises(ExecutionInterruptedError):
            client.run(context=context, command=peer(WAITS % reaction))
    finally:
        signal.signal(signal.SIGUSR1, before)
    pid = int(next(one for one in context.log.messages if one.startswith("pid ")).split()[1])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert any("killing it" in one for one in context.log.messages) is killed


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_a_session_of_ones_own(peer: Any, tmp_path: Path) -> None:
    seen: list[PipesSession] = []
    messages = tmp_path / "messages"

    @tw.asset
    def pa(context: tw.AssetExecutionContext) -> Any:
        reader = PipesFileMessageReader(str(messages))
        with open_pipes_session(context, PipesEnvContextInjector(), reader, extras={"k": 1}) as session:
            seen.append(session)
            subprocess.run(
                peer("made(n=context['extras']['k'])"),
                env={**os.environ, **session.get_bootstrap_env_vars()},
                check=True,
            )
        yield from session.get_results(metadata={"all": 2})

    assert run(pa).made == {"pa": {"all": 2, "n": 1}}
    assert not messages.exists()
    assert set(seen[0].get_bootstrap_cli_arguments()) == {
        "--dagster-pipes-context",
        "--dagster-pipes-messages",
    }
    assert seen[0].get_bootstrap_params()["DAGSTER_PIPES_MESSAGES"]["path"] == str(messages)
    assert set(seen[0].default_remote_invocation_info) == {"dagster/run-id", "dagster/job"}


def test_several_processes_of_one_session(peer: Any) -> None:
    commands = [peer("made('a', n=1)"), peer("made('b', n=2)")]

    @tw.multi_asset(specs=[tw.AssetSpec("a"), tw.AssetSpec("b")])
    def both(context: tw.AssetExecutionContext) -> Any:
        reader = PipesCompositeMessageReader([PipesTempFileMessageReader(), PipesTempFileMessageReader()])
        with open_pipes_session(context, PipesEnvContextInjector(), reader) as session:
            for command, variables in zip(commands, session.get_per_writer_bootstrap_env_vars(), strict=True):
                subprocess.run(command, env={**os.environ, **variables}, check=True)
        yield from session.get_results()

    outcome = run(both)
    assert outcome.made == {"a": {"n": 1}, "b": {"n": 2}}
    assert outcome.warnings() == ""


def test_metadata_of_a_client_goes_with_each_materialisation(peer: Any) -> None:
    @tw.asset
    def pa(context: tw.AssetExecutionContext) -> Any:
        with open_pipes_session(context, PipesEnvContextInjector(), PipesTempFileMessageReader()) as session:
            subprocess.run(
                peer("made(n=1)"), env={**os.environ, **session.get_bootstrap_env_vars()}, check=True
            )
        return PipesClientCompletedInvocation(session, metadata={"job": "x"}).get_materialize_result()

    assert run(pa).made == {"pa": {"job": "x", "n": 1}}


def test_errors_inside_a_session_come_out() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        open_pipes_session(ContextByHand(), PipesEnvContextInjector(), PipesTempFileMessageReader()),
    ):
        raise ZeroDivisionError


def test_many_messages_arrive_in_order(peer: Any) -> None:
    got: list[Any] = []
    body = (
        "for n in range(5000): out.write(json.dumps({'__dagster_pipes_version': '0.1', 'method': "
        "'report_custom_message', 'params': {'payload': n}}) + '\\n')"
    )
    finish = lambda inv: (got.extend(inv.get_custom_messages()), inv.get_results())[1]  # noqa: E731
    assert run(asset_that_runs(peer(body), finish=finish)).success
    assert got == list(range(5000))


def test_the_failure_carries_the_code() -> None:
    with pytest.raises(PipesExecutionError) as caught:
        PipesSubprocessClient().run(context=ContextByHand(), command=[sys.executable, "-c", "exit(4)"])
    assert caught.value.return_code == 4
    assert json.dumps(str(caught.value))


def test_a_client_is_a_resource(peer: Any) -> None:
    @tw.asset
    def pa(context: tw.AssetExecutionContext, client: PipesSubprocessClient) -> Any:
        return client.run(context=context, command=peer("made(n=1)")).get_results()

    assert run(pa, resources={"client": PipesSubprocessClient()}).made == {"pa": {"n": 1}}
