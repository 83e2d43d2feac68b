"""The commands ``tidewheel backfill``."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidewheel.cli.backfill_view import HEADINGS, Speed, facts, failed_line, progress_line, row, subject
from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option, parse_tags
from tidewheel.cli.output import note, print_json, print_json_line, print_table, say
from tidewheel.errors import BackfillNotFoundError, InvalidInvocationError, RunConflict, did_you_mean
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.deferred import deferred
from tidewheel.values.backfills import BackfillFilter, BackfillRecord, BackfillStatus
from tidewheel.values.launch import BackfillOutcome, BackfillRequest
from tidewheel.values.records import RunFilter, RunRecord
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import BACKFILL
from tidewheel.values.texts import counted

if TYPE_CHECKING:
    from tidewheel.cli.home import OpenHome

open_home = deferred("tidewheel.cli.home", "open_home")

PAUSE_S = 0.25
SHOWN_FAILURES = 5
LISTED_FAILURES = 100
"""Failed runs that are named in JSON."""
MATCHED = 1_000
"""Newest backfills among which a shortened id is looked for."""


@click.group("backfill", cls=SuggestingGroup)
def command() -> None:
    """Launch, list, show, watch, cancel, resume and retry backfills."""


@command.command("launch")
@click.argument("assets", nargs=-1)
@click.option("--job", "job_name", help="Run this partitioned job, instead of making assets.")
@click.option("--select", "selection", help="A selection of assets, such as 'orders+' or 'group:sales'.")
@click.option("--partition", "keys", multiple=True, metavar="KEY", help="A partition. [repeatable]")
@click.option(
    "--range", "ranges", multiple=True, metavar="FIRST..LAST", help="Partitions from, to. [repeatable]"
)
@click.option("--missing", "only", flag_value="missing", help="Only partitions that were never made.")
@click.option("--failed", "only", flag_value="failed", help="Only partitions whose newest attempt failed.")
@click.option(
    "--per-run", type=click.IntRange(min=0), help="Partitions per run at most; 0: all neighbours in one."
)
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag of the runs. [repeatable]")
@click.option("--config-json", help="Run config of all runs, as JSON text.")
@click.option("--title", help="What people see in lists.")
@click.option("--location", help="Code location, when several have a job of this name.")
@click.option("--wait/--no-wait", default=False, show_default=True, help="Watch it until it ends.")
@home_option
@json_option
def launch(
    assets: tuple[str, ...],
    job_name: str | None,
    selection: str | None,
    keys: tuple[str, ...],
    ranges: tuple[str, ...],
    only: str | None,
    per_run: int | None,
    tags: tuple[str, ...],
    config_json: str | None,
    title: str | None,
    location: str | None,
    wait: bool,
    home: Path | None,
    as_json: bool,
) -> None:
    """Make partitions of ASSETS (or of what --select or --job names), those needed first.

    Without --partition and --range: all partitions. Exit code 0: it was queued (with --wait: everything was made).
    """
    request = BackfillRequest(
        job_name=job_name,
        location=location,
        selection=selection,
        assets=assets or None,
        partitions=keys,
        ranges=tuple(_range(text) for text in ranges),
        only=only,  # type: ignore[arg-type]  # the two flags
        run_config=_config(config_json),
        tags=parse_tags(tags),
        max_partitions_per_run=per_run,
        title=title,
    )
    with open_home(home) as opened:
        record = _made(opened, opened.control.launch_backfill(request))
        if wait:
            raise SystemExit(_watch(opened, record, as_json))
        _say(record, as_json, f"makes {counted(record.counts.wanted, 'partition')} of {subject(record)}")


@command.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in BackfillStatus], case_sensitive=False),
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=30, show_default=True)
@home_option
@json_option
def list_backfills(statuses: tuple[str, ...], limit: int, home: Path | None, as_json: bool) -> None:
    """The newest backfills first."""
    filters = BackfillFilter(statuses=tuple(BackfillStatus(s.upper()) for s in statuses) or None)
    with open_home(home) as opened:
        records = opened.ledger.backfills.get_many(filters, limit=limit)
        if as_json:
            print_json([_shown(record) for record in records])
            return
        now = now_s()
        empty = "No backfill is in this state." if statuses else "No backfills yet."
        rows = (row(each, _runs(opened, each) if each.is_live else {}, now) for each in records)
        print_table(HEADINGS, rows, empty=empty)


@command.command("show")
@click.argument("backfill_id")
@home_option
@json_option
def show(backfill_id: str, home: Path | None, as_json: bool) -> None:
    """One backfill: progress, runs, what was left out and why. BACKFILL_ID may be shortened."""
    with open_home(home) as opened:
        record = find_backfill(opened, backfill_id)
        runs = _runs(opened, record)
        if as_json:
            failed = [
                {"run_id": run.run_id, "assets": run.assets, "partitions": run.partition_text}
                for run in _failed_runs(opened, record)
            ]
            print_json(_shown(record) | {"runs": runs, "failed_runs": failed})
            return
        say(f"backfill {record.backfill_id}")
        for label, value in facts(record, runs, now_s()):
            if value:
                say(f"{label:<12} {value}")
        for problem in record.problems:
            say(f"{'problem':<12} {problem}")
        for line in what_failed(opened, record):
            say(line)


@command.command("watch")
@click.argument("backfill_id")
@home_option
@json_option
def watch(backfill_id: str, home: Path | None, as_json: bool) -> None:
    """Follow a backfill's progress until it ends. Exit code 0: everything was made."""
    with open_home(home) as opened:
        raise SystemExit(_watch(opened, find_backfill(opened, backfill_id), as_json))


@command.command("cancel")
@click.argument("backfill_id")
@home_option
@json_option
def cancel(backfill_id: str, home: Path | None, as_json: bool) -> None:
    """Make no more runs of a backfill; queued ones are cancelled, others asked to stop."""
    with open_home(home) as opened:
        record = find_backfill(opened, backfill_id)
        stopped = opened.control.cancel_backfill(record.backfill_id)
        if stopped is None:
            raise RunConflict(
                f"expected a backfill that has not ended, got {record.backfill_id}, which is {record.status.value}"
            )
        _say(stopped, as_json, "is being cancelled")


@command.command("resume")
@click.argument("backfill_id")
@home_option
@json_option
def resume(backfill_id: str, home: Path | None, as_json: bool) -> None:
    """Go on with a cancelled or broken backfill."""
    with open_home(home) as opened:
        record = find_backfill(opened, backfill_id)
        _say(_made(opened, opened.control.resume_backfill(record.backfill_id)), as_json, "goes on")


@command.command("retry")
@click.argument("backfill_id")
@click.option("--all", "everything", is_flag=True, help="Make everything again, not only what was not made.")
@home_option
@json_option
def retry(backfill_id: str, everything: bool, home: Path | None, as_json: bool) -> None:
    """A new backfill for what an ended one did not make."""
    with open_home(home) as opened:
        record = find_backfill(opened, backfill_id)
        new = _made(opened, opened.control.retry_backfill(record.backfill_id, everything))
        _say(
            new,
            as_json,
            f"makes {counted(new.counts.wanted, 'partition')} that {record.backfill_id} did not make",
        )


def find_backfill(opened: OpenHome, backfill_id: str) -> BackfillRecord:
    """The backfill of an id or of the beginning or end of one.

    Raises:
        BackfillNotFoundError: when there is none, or several fit.
    """
    found = opened.ledger.backfills.get(backfill_id)
    if found is not None:
        return found
    known = opened.ledger.backfills.get_many(limit=MATCHED)
    fits = [
        each
        for each in known
        if each.backfill_id.startswith(backfill_id) or each.backfill_id.endswith(backfill_id)
    ]
    if len(fits) == 1:
        return fits[0]
    got = (
        f"{len(fits)} that fit"
        if fits
        else f"none; {did_you_mean(backfill_id, [e.backfill_id for e in known])}"
    )
    raise BackfillNotFoundError(f"expected one backfill with id {backfill_id!r}, got {got}")


def _made(opened: OpenHome, outcome: BackfillOutcome) -> BackfillRecord:
    if outcome.backfill_id is None:
        raise InvalidInvocationError(outcome.message)
    record = opened.ledger.backfills.get(outcome.backfill_id)
    assert record is not None
    return record


def _runs(opened: OpenHome, record: BackfillRecord) -> dict[str, int]:
    """How many runs a backfill has, by status."""
    counts = opened.ledger.backfills.get_run_counts(record.backfill_id)
    return {each.status.value: each.count for each in counts}


def _say(record: BackfillRecord, as_json: bool, what: str) -> None:
    if as_json:
        print_json(_shown(record))
    else:
        say(f"backfill {record.backfill_id} {what}; tidewheel backfill watch {record.backfill_id}")


def _shown(record: BackfillRecord) -> dict[str, Any]:
    """A backfill for programs: without sets of partitions, which are bytes."""
    fields, counts = record.fields, record.counts
    return {
        "backfill_id": record.backfill_id,
        "status": record.status.value,
        "title": fields.title,
        "job_name": fields.job_name,
        "assets": [part.name for part in fields.parts] if fields.is_of_assets else [],
        "counts": {
            name: getattr(counts, name)
            for name in ("wanted", "waiting", "in_progress", "done", "failed", "cancelled", "left_out")
        },
        "created_at": record.created_at,
        "ended_at": record.ended_at,
        "attempt": record.attempt,
        "parent_id": fields.parent_id,
        "tags": fields.tags,
        "problems": list(record.problems),
        "error": record.error.headline if record.error else None,
    }


def _watch(opened: OpenHome, record: BackfillRecord, as_json: bool) -> int:
    """Show the progress until the end; the exit code."""
    if sys.stdout.isatty() and not as_json:
        record = _watch_bar(opened, record)
    else:
        record = _watch_lines(opened, record, as_json)
    for problem in record.problems[-10:]:
        note(problem)
    if not as_json:
        for line in what_failed(opened, record):
            say(line)
    return 0 if record.status is BackfillStatus.COMPLETED_SUCCESS else 1


def what_failed(opened: OpenHome, record: BackfillRecord) -> list[str]:
    """The newest failed runs of a backfill, what to look at, and how to make the rest; nothing when all went well."""
    if not (record.counts.failed or record.counts.cancelled or record.counts.left_out):
        return []
    lines = [failed_line(run) for run in _failed_runs(opened, record)[:SHOWN_FAILURES]]
    if record.is_live:
        return lines
    return [*lines, f"{'next':<12} tidewheel backfill retry {record.backfill_id}"]


def _failed_runs(opened: OpenHome, record: BackfillRecord) -> list[RunRecord]:
    wanted = RunFilter(tags={BACKFILL: (record.backfill_id,)}, statuses=(RunStatus.FAILURE,))
    return opened.ledger.get_runs(wanted, limit=LISTED_FAILURES)


def _watch_lines(opened: OpenHome, record: BackfillRecord, as_json: bool) -> BackfillRecord:
    speed, last = Speed(), None
    while True:
        speed.note(now_s(), record.counts)
        if (record.counts, record.status) != last:
            last = (record.counts, record.status)
            left_s = speed.left_s(record.counts)
            if as_json:
                print_json_line(_shown(record) | {"left_s": left_s})
            else:
                say(progress_line(record, _runs(opened, record), left_s))
        if not record.is_live:
            return record
        time.sleep(PAUSE_S)
        record = opened.ledger.backfills.get(record.backfill_id) or record


def _watch_bar(opened: OpenHome, record: BackfillRecord) -> BackfillRecord:
    # only for people at a terminal; it takes longer to import than most commands take
    progress_module = importlib.import_module("rich.progress")
    speed = Speed()
    columns = (
        progress_module.TextColumn("{task.description}"),
        progress_module.BarColumn(),
        progress_module.MofNCompleteColumn(),
        progress_module.TextColumn("{task.fields[words]}"),
    )
    with progress_module.Progress(*columns) as bar:
        task = bar.add_task(record.backfill_id, total=record.counts.wanted, words="")
        while True:
            speed.note(now_s(), record.counts)
            left_s = speed.left_s(record.counts)
            words = progress_line(record, _runs(opened, record), left_s).partition(": ")[2]
            bar.update(task, completed=record.counts.ended, words=words)
            if not record.is_live:
                return record
            time.sleep(PAUSE_S)
            record = opened.ledger.backfills.get(record.backfill_id) or record


def _range(text: str) -> tuple[str, str]:
    first, dots, last = text.partition("..")
    if not (first and dots and last):
        raise click.BadParameter(f"expected FIRST..LAST, got {text!r}", param_hint="--range")
    return first, last


def _config(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise click.BadParameter(f"expected JSON, got {text!r}: {exc}", param_hint="--config-json") from exc
    if not isinstance(value, dict):
        raise click.BadParameter(f"expected a JSON object, got {text!r}", param_hint="--config-json")
    return value
