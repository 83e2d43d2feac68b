"""The commands ``tidewheel run``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
from msgspec import to_builtins

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option, parse_tags, target_options
from tidewheel.cli.output import (
    STATUS_STYLES,
    duration,
    moment,
    note,
    print_json,
    print_json_line,
    print_table,
    say,
)
from tidewheel.errors import InvalidInvocationError, RunConflict, RunNotFoundError
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.deferred import deferred
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, StoredEvent
from tidewheel.values.records import RunFilter, RunRecord
from tidewheel.values.run_titles import IMPLICIT_ASSET_JOB, run_title
from tidewheel.values.status import RunOrigin, RunStatus
from tidewheel.values.tags import EVALUATION_ID

if TYPE_CHECKING:
    from tidewheel.cli.home import OpenHome
    from tidewheel.runtime.captured_output import OutputPart

failures = deferred("tidewheel.cli.failures", "failures")
open_home = deferred("tidewheel.cli.home", "open_home")
retry_and_report = deferred("tidewheel.cli.launching", "retry_and_report")

FOLLOW_PAUSE_S = 0.25


@click.group("run", cls=SuggestingGroup)
def command() -> None:
    """List and show runs, read their logs, cancel, repeat and prioritise them."""


@command.command("list")
@click.option("--job", help="Only runs of this job.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([s.value for s in RunStatus], case_sensitive=False),
)
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Only runs with this tag.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=30, show_default=True)
@home_option
@json_option
def list_runs(
    job: str | None,
    statuses: tuple[str, ...],
    tags: tuple[str, ...],
    limit: int,
    home: Path | None,
    as_json: bool,
) -> None:
    """The newest runs first."""
    filters = RunFilter(
        job_name=job,
        statuses=tuple(RunStatus(s.upper()) for s in statuses) or None,
        tags={key: (value,) for key, value in parse_tags(tags).items()},
    )
    with open_home(home) as opened:
        runs = opened.ledger.get_runs(filters, limit=limit)
        queued = [run.run_id for run in runs if run.status is RunStatus.QUEUED]
        waits = opened.control.wait_reasons(queued) if queued else {}
        if as_json:
            print_json([to_builtins(run) | {"waits": waits.get(run.run_id)} for run in runs])
            return
        headings = ["RUN", "JOB", "PARTITION", "STATUS", "CREATED", "TOOK", "BY"]
        rows = [_row(run) for run in runs]
        if waits:
            headings.append("WAITS")
            rows = [[*row, waits.get(run.run_id)] for row, run in zip(rows, runs, strict=True)]
        empty = "No run matches." if job or statuses or tags else "No runs yet."
        print_table(headings, rows, empty=empty)


@command.command("show")
@click.argument("run_id")
@home_option
@json_option
def show(run_id: str, home: Path | None, as_json: bool) -> None:
    """One run: status, times, why it waits or failed. RUN_ID may be shortened."""
    with open_home(home) as opened:
        run = find_run(opened, run_id)
        waits = opened.control.wait_reasons([run.run_id]) if run.status is RunStatus.QUEUED else {}
        if as_json:
            print_json(to_builtins(run) | {"waits": waits.get(run.run_id)})
            return
        say(f"run {run.run_id}")
        for label, value in _facts(run, waits.get(run.run_id)):
            if value:
                say(f"{label:<12} {value}")
        if run.status is RunStatus.FAILURE:
            for failed in failures(opened.ledger.get_run_log(run.run_id)):
                say(f"{'failed':<12} {failed}")
            say(f"{'next':<12} {logs_command(opened, run.run_id)}")


@command.command("logs")
@click.argument("run_id")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run ends.")
@home_option
@json_option
def logs(run_id: str, follow: bool, home: Path | None, as_json: bool) -> None:
    """What a run reported, in order. RUN_ID may be shortened."""
    with open_home(home) as opened:
        run = find_run(opened, run_id)
        after = 0
        while True:
            ended = run.is_finished
            for stored in opened.ledger.get_run_log(run.run_id, after=after):
                after = stored.id
                if as_json:
                    print_json(stored)
                else:
                    echo_event(stored)
            if ended or not follow:
                return
            time.sleep(FOLLOW_PAUSE_S)
            run = opened.ledger.get_run(run.run_id) or run


@command.command("output")
@click.argument("run_id")
@click.option("--step", help="Only what this step (or what shared its process) wrote.")
@home_option
@json_option
def output(run_id: str, step: str | None, home: Path | None, as_json: bool) -> None:
    """What a run's steps printed, standard error on standard error. RUN_ID may be shortened."""
    with open_home(home) as opened:
        run = find_run(opened, run_id)
        names = [
            name
            for name in opened.output_names(run.run_id)
            if step is None or step == name.key or step in name.steps
        ]
        if not names:
            what = "a run whose steps printed" if step is None else f"a run whose step {step!r} printed"
            raise InvalidInvocationError(
                f"expected {what}, got {run.run_id}: nothing was captured; see 'tidewheel run logs {run.run_id}'"
            )
        for name in names:
            if not as_json and len(names) > 1:
                note(f"--- {', '.join(name.steps) or name.key}")
            for part in _parts(opened, run.run_id, name.key):
                if as_json:
                    print_json_line({**to_builtins(part), "steps": name.steps})
                    continue
                say(part.stdout or "", nl=False)
                say(part.stderr or "", nl=False, err=True)


def _parts(opened: OpenHome, run_id: str, key: str) -> Iterator[OutputPart]:
    cursor = None
    while not (part := opened.read_output(run_id, key, cursor)).is_empty:
        yield part
        cursor = part.cursor


@command.command("cancel")
@click.argument("run_id")
@home_option
@json_option
def cancel(run_id: str, home: Path | None, as_json: bool) -> None:
    """Stop a run: at once when it is queued, after its clean-up when it executes."""
    with open_home(home) as opened:
        run = find_run(opened, run_id)
        record = opened.control.cancel(run.run_id)
        if record is None:
            raise RunConflict(
                f"expected a run that has not ended, got {run.run_id} which is {run.status.value}"
            )
        if as_json:
            print_json(record)
        else:
            say(f"run {record.run_id} is {record.status.value}")


@command.command("retry")
@click.argument("run_id")
@click.option(
    "--from-failure/--all-steps",
    default=True,
    show_default=True,
    help="Only what has not succeeded, or everything again.",
)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for the end of the run.")
@target_options
@home_option
@json_option
def retry(
    run_id: str,
    from_failure: bool,
    wait: bool,
    files: tuple[str, ...],
    modules: tuple[str, ...],
    attribute: str | None,
    working_dir: str | None,
    as_dagster: bool,
    home: Path | None,
    as_json: bool,
) -> None:
    """Run a run again, as a new one: through the server of the home, or in this process where none runs.

    Exit code 0: the new run succeeded (or was queued, with --no-wait); 1: it failed or could not be launched.
    """
    target = (files, modules, attribute, working_dir, as_dagster)
    raise SystemExit(
        retry_and_report(run_id, target, from_failure=from_failure, home=home, wait=wait, as_json=as_json)
    )


@command.command("prioritise", context_settings={"ignore_unknown_options": True})
@click.argument("run_id")
@click.argument("priority", type=click.IntRange(-(2**31), 2**31 - 1))
@home_option
@json_option
def prioritise(run_id: str, priority: int, home: Path | None, as_json: bool) -> None:
    """Give a queued run another PRIORITY: higher ones start first, 0 is usual."""
    with open_home(home) as opened:
        run = find_run(opened, run_id)
        changed = opened.ledger.set_run_priority(run.run_id, priority, now=now_s())
        if changed is None:
            raise RunConflict(f"expected a run that is queued, got {run.run_id} which is {run.status.value}")
        if as_json:
            print_json(changed)
        else:
            say(f"run {changed.run_id} has priority {changed.priority}")


def find_run(opened: OpenHome, run_id: str) -> RunRecord:
    """The run of an id, or of the beginning or the end of one.

    Raises:
        RunNotFoundError: when there is none, or several begin so.
    """
    run = opened.ledger.get_run(run_id)
    if run is not None:
        return run
    matches = [
        r
        for r in opened.ledger.get_runs(None, limit=10_000)
        if r.run_id.startswith(run_id) or r.run_id.endswith(run_id)
    ]
    if len(matches) == 1:
        return matches[0]
    got = f"{len(matches)} runs that begin or end so" if matches else "none"
    raise RunNotFoundError(f"expected one run with id {run_id!r}, got {got}; see 'tidewheel run list'")


def logs_command(opened: OpenHome, run_id: str) -> str:
    """The command that shows all of a run's log."""
    return f"tidewheel run logs {run_id}" + ("" if opened.is_served else f" --home {opened.home}")


def echo_event(stored: StoredEvent) -> None:
    """A stored event as one line; errors below it."""
    echo_line(stored.event)


def echo_line(event: Event, file: IO[str] | None = None) -> None:
    """An event as one line, errors below it; to standard output if no file is given."""
    where = event.step_key or ""
    what = event.asset or ""
    if event.partition:
        what += f"[{event.partition}]"
    line = f"{moment(event.timestamp)}  {event.type.name:<26} {where:<24} {what} {event.message}".rstrip()
    failed = event.type.name.endswith("FAILURE")
    say(line, fg="red" if failed else None, file=file)
    error = getattr(event.payload, "error", None)
    if isinstance(error, ErrorInfo) and getattr(event.payload, "first_step", None) is not None:
        say(f"    {event.payload.first_step}: {error.headline}", file=file)  # type: ignore[union-attr]
    elif isinstance(error, ErrorInfo):
        say("    " + error.to_string().rstrip().replace("\n", "\n    "), file=file)


def _row(run: RunRecord) -> list[str | None]:
    by = (run.trigger_id or "").rpartition("/")[2] or (
        "retry" if run.retry_number else "hand" if run.origin is RunOrigin.MANUAL else run.origin.value
    )
    return [
        run.run_id,
        run_title(run.job_name, run.assets, run.checks),
        run.partition_text,
        run.status.value,
        moment(run.created_at),
        duration(run.started_at, run.ended_at),
        by,
    ]


def _why_command(run: RunRecord) -> str | None:
    """How to ask for the events behind a run that a condition asked for."""
    if EVALUATION_ID not in run.tags or not run.assets:
        return None
    return f"tidewheel why {run.assets[0]} --run {run.run_id}"


def _facts(run: RunRecord, waits_for: str | None) -> list[tuple[str, str | None]]:
    return [
        ("job", None if run.job_name == IMPLICIT_ASSET_JOB else run.job_name),
        ("location", run.location),
        ("status", click.style(run.status.value, fg=STATUS_STYLES.get(run.status.value))),
        ("waits", waits_for),
        ("reason", run.failure_reason),
        ("partition", run.partition_text),
        ("priority", str(run.priority) if run.priority else None),
        ("origin", run.origin.value),
        ("comes after", ", ".join(run.after)),
        ("assets", ", ".join(run.assets or ())),
        ("asked by", run.trigger_id),
        ("why", _why_command(run)),
        ("run key", run.run_key),
        ("created", moment(run.created_at)),
        ("started", moment(run.started_at)),
        ("ended", moment(run.ended_at)),
        ("took", duration(run.started_at, run.ended_at)),
        ("retry of", run.parent_run_id),
        ("attempt", str(run.retry_number + 1) if run.retry_number else None),
        ("tags", ", ".join(f"{k}={v}" for k, v in sorted(run.tags.items()))),
    ]
