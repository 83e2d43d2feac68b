"""What ``launch`` and ``materialize`` share: hand a request to the server, or execute it here, and report."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import click
import yaml

from tidewheel.cli.home import OpenHome, OpenServer, open_home
from tidewheel.cli.lost_runs import end_lost_runs, is_process_alive
from tidewheel.cli.options import TargetOptions, chosen_server, parse_tags
from tidewheel.cli.output import STATUS_STYLES, duration, note, print_json, say
from tidewheel.cli.runs import echo_event, echo_line, find_run
from tidewheel.cli.targets import resolve_targets
from tidewheel.errors import InvalidInvocationError, RunConflict
from tidewheel.logic.planning.reexecution import build_retry_request
from tidewheel.runtime.clock import now_s
from tidewheel.values.events import Event, EventType
from tidewheel.values.launch import LaunchOutcome, LaunchRequest
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus

WAIT_PAUSE_S = 0.1
EXIT_OK = 0
EXIT_FAILED = 1
SHOWN_EVENTS = frozenset(
    {
        EventType.ASSET_MATERIALIZATION,
        EventType.ASSET_CHECK_EVALUATION,
        EventType.STEP_FAILURE,
        EventType.STEP_UP_FOR_RETRY,
        EventType.RUN_FAILURE,
        EventType.RUN_SUCCESS,
        EventType.RUN_CANCELED,
    }
)


def parse_config(files: tuple[str, ...], text: str | None) -> dict[str, Any]:
    """Run config from files (later ones add to earlier ones) and a JSON text.

    Raises:
        InvalidInvocationError: when one cannot be read or is not a mapping.
    """
    config: dict[str, Any] = {}
    sources = [(name, Path(name)) for name in files]
    for name, path in sources:
        if name.lstrip().startswith("{"):
            raise InvalidInvocationError(
                f"expected the name of a file in --config, got {name!r}; give JSON itself with --config-json"
            )
        try:
            loaded = yaml.safe_load(path.read_text())
        except (OSError, yaml.YAMLError) as exc:
            raise InvalidInvocationError(f"expected run config in {name!r}, got: {exc}") from exc
        config = _merged(config, _mapping(loaded, name))
    if text is not None:
        try:
            loaded = json.loads(text)
        except json.JSONDecodeError as exc:
            raise InvalidInvocationError(f"expected JSON in --config-json, got: {exc}") from exc
        config = _merged(config, _mapping(loaded, "--config-json"))
    return config


def launch_and_report(
    what: dict[str, Any],
    options: tuple[tuple[str, ...], str | None, tuple[str, ...]],
    target: TargetOptions,
    *,
    home: Path | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Launch through the server of the home, or execute here; the exit code.

    ``what``: fields of a ``LaunchRequest``; ``options``: config files, config as JSON text, tags.
    """
    configs, config_json, tags = options
    request = LaunchRequest(**what, run_config=parse_config(configs, config_json), tags=parse_tags(tags))
    return _launch(request, target, home=home, wait=wait, as_json=as_json)


def retry_and_report(
    run_id: str, target: TargetOptions, *, from_failure: bool, home: Path | None, wait: bool, as_json: bool
) -> int:
    """Run a past run again, through the server of the home or here; the exit code.

    Raises:
        RunConflict: when the run has not ended, or nothing of it has failed.
    """
    with open_home(home) as opened:
        if not opened.is_served:
            end_lost_runs(opened.ledger, is_alive=is_process_alive, now=now_s())
        run, folder = find_run(opened, run_id), home
        if isinstance(opened, OpenServer):
            outcome = opened.control.retry(run.run_id, from_failure=from_failure)
            return _through_server(opened, outcome, wait=wait, as_json=as_json)
    if not run.is_finished:
        raise RunConflict(f"expected a run that has ended, got {run.run_id} which is {run.status.value}")
    if from_failure and run.status is RunStatus.SUCCESS:
        raise RunConflict(
            f"expected a run that failed or was cancelled, got {run.run_id} which succeeded; use --all-steps"
        )
    request = build_retry_request(run, from_failure=from_failure)
    return _launch(request, target, home=folder, wait=wait, as_json=as_json)


def _launch(
    request: LaunchRequest, target: TargetOptions, *, home: Path | None, wait: bool, as_json: bool
) -> int:
    if chosen_server() is not None or (home is not None and home.is_dir()):
        with open_home(home) as opened:
            if opened.is_served:
                _say_that_code_is_the_servers(target)
                outcome = opened.control.launch(request)
                return _through_server(opened, outcome, wait=wait, as_json=as_json)
    targets = resolve_targets(*target, folder=Path.cwd())
    if len(targets) != 1:
        raise InvalidInvocationError(
            "expected one file or module to execute (no server runs on this home), got "
            f"{len(targets) or 'none'}; pass -f FILE or -m MODULE"
        )
    if home is None:
        home = Path(tempfile.mkdtemp(prefix="tidewheel-"))
        note(f"No home was given: results go to {home}. Keep them together with --home DIR.")
    home.mkdir(parents=True, exist_ok=True)
    # user code's side is only needed when this process executes: imported late, because it is heavy
    local_run = importlib.import_module("tidewheel.cli.local_run")
    name, code = next(iter(targets.items()))
    with open_home(home) as opened:
        with _own_output() as output:

            def show(event: Event) -> None:
                if event.type in SHOWN_EVENTS and not as_json:
                    echo_line(event, output)

            result = local_run.execute_here(opened, name, code, request, show=show)
        if isinstance(result, LaunchOutcome):
            return _refused(result, as_json)
        return _report(opened, result, as_json)


def _say_that_code_is_the_servers(target: TargetOptions) -> None:
    """A file that does not exist is refused; one that does is said to be left unread."""
    files, modules = target[0], target[1]
    if files or modules:
        resolve_targets(*target, folder=Path.cwd())
        note(
            f"A server runs on this home: it launches with the code that it serves, {', '.join(files + modules)} "
            "is not read. To use that, give another --home."
        )


def _through_server(opened: OpenHome, outcome: LaunchOutcome, *, wait: bool, as_json: bool) -> int:
    if outcome.run_id is None:
        return _refused(outcome, as_json)
    if not wait:
        if as_json:
            print_json(outcome)
        else:
            say(f"run {outcome.run_id} is queued; follow it with 'tidewheel run logs -f {outcome.run_id}'")
        return EXIT_OK
    if not as_json:
        note(f"run {outcome.run_id}")
    try:
        return _report(opened, _wait(opened, outcome.run_id, as_json=as_json), as_json)
    except KeyboardInterrupt:
        note(f"the run goes on; 'tidewheel run cancel {outcome.run_id}' stops it")
        raise


def _wait(opened: OpenHome, run_id: str, *, as_json: bool) -> RunRecord:
    """The run when it has ended; what it reports is shown meanwhile."""
    after = 0
    while True:
        run = opened.ledger.get_run(run_id)
        if run is None:
            raise InvalidInvocationError(f"run {run_id} was deleted while it was waited for")
        if not as_json:
            after = _show_new(opened, run, after)
        if run.is_finished:
            return run
        time.sleep(WAIT_PAUSE_S)


def _show_new(opened: OpenHome, run: RunRecord, after: int) -> int:
    for stored in opened.ledger.get_run_log(run.run_id, after=after):
        after = stored.id
        if stored.event.type in SHOWN_EVENTS:
            echo_event(stored)
    return after


def _own_output() -> IO[str]:
    """Standard output under a number of its own: while a step runs, what goes to the usual one is captured for it."""
    try:
        number = os.dup(sys.stdout.fileno())
    except (OSError, ValueError):
        number = os.open(os.devnull, os.O_WRONLY)  # nobody listens
    return os.fdopen(number, "w", buffering=1)


def _report(opened: OpenHome, run: RunRecord, as_json: bool) -> int:
    if as_json:
        print_json(run)
    else:
        status = click.style(run.status.value, fg=STATUS_STYLES.get(run.status.value))
        say(f"run {run.run_id}: {status} in {duration(run.started_at, run.ended_at)}")
        if run.status is not RunStatus.SUCCESS:
            hint = f" --home {opened.home}" if not opened.is_served else ""
            say(f"see 'tidewheel run logs {run.run_id}{hint}'")
    return EXIT_OK if run.status is RunStatus.SUCCESS else EXIT_FAILED


def _refused(outcome: LaunchOutcome, as_json: bool) -> int:
    if as_json:
        print_json(outcome)
    else:
        say(f"tidewheel: {outcome.message}", err=True)
        if outcome.error is not None and outcome.kind == "user_code":
            say(outcome.error.to_string(), err=True)
    return EXIT_FAILED


def _mapping(loaded: Any, where: str) -> dict[str, Any]:
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise InvalidInvocationError(
            f"expected a mapping as run config in {where!r}, got {type(loaded).__name__}"
        )
    return loaded


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    result = dict(first)
    for key, value in second.items():
        both = isinstance(result.get(key), dict) and isinstance(value, dict)
        result[key] = _merged(result[key], value) if both else value
    return result
