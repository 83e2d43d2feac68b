"""The commands ``tidewheel tick``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import duration, moment, print_json, print_table, say
from tidewheel.cli.parameters import RECORD_ID
from tidewheel.errors import InvalidInvocationError
from tidewheel.runtime.deferred import deferred
from tidewheel.values.ids import trigger_id
from tidewheel.values.inbox import told_of_failed
from tidewheel.values.status import TickStatus

if TYPE_CHECKING:
    from tidewheel.values.records import TickRecord

open_home = deferred("tidewheel.cli.home", "open_home")


@click.group("tick", cls=SuggestingGroup)
def command() -> None:
    """List and show evaluations of schedules and sensors."""


@command.command("list")
@click.argument("trigger", required=False)
@click.option("--status", type=click.Choice([s.value for s in TickStatus], case_sensitive=False))
@click.option("--limit", type=click.IntRange(1, 10_000), default=30, show_default=True)
@home_option
@json_option
def list_ticks(trigger: str | None, status: str | None, limit: int, home: Path | None, as_json: bool) -> None:
    """The newest ticks, of all triggers or of TRIGGER."""
    with open_home(home) as opened:
        wanted = None
        if trigger is not None:
            known = opened.ledger.get_triggers()
            wanted = next(
                (t.trigger_id for t in known if trigger in (t.name, t.trigger_id)), trigger_id("?", trigger)
            )
        statuses = [TickStatus(status.upper())] if status else None
        ticks = opened.ledger.get_ticks(wanted, statuses=statuses, limit=limit)
        if as_json:
            print_json(ticks)
            return
        print_table(
            ("TICK", "TRIGGER", "AT", "STATUS", "RUNS", "TOOK", "WHY"),
            map(_row, ticks),
            empty="No ticks yet.",
        )


@command.command("show")
@click.argument("tick_id", type=RECORD_ID)
@home_option
@json_option
def show(tick_id: int, home: Path | None, as_json: bool) -> None:
    """Everything about one tick."""
    with open_home(home) as opened:
        tick = opened.ledger.get_tick(tick_id)
        if tick is None:
            raise InvalidInvocationError(
                f"expected the id of a tick, got {tick_id}; see 'tidewheel tick list'"
            )
        if as_json:
            print_json(tick)
            return
        say(f"tick {tick.tick_id} of {tick.trigger_id}: {tick.status.value}")
        if tick.scheduled_for is not None:
            say(f"for {moment(tick.scheduled_for)}, attempt {tick.attempt}")
        say(f"evaluated {moment(tick.started_at)}, took {duration(tick.started_at, tick.ended_at)}")
        for run_id in tick.run_ids:
            say(f"run {run_id}")
        for kept in tick.kept_keys:
            say(f"dropped: run key {kept.run_key!r} is taken by run {kept.run_id}")
        for note in tick.set_aside:
            say(note.describe())
        for problem in tick.request_errors:
            key = f" (run key {problem.run_key!r})" if problem.run_key is not None else ""
            say(f"request {problem.index}{key} is not valid: {problem.message}")
        for failed in tick.failed_events:
            then = "set aside" if failed.is_set_aside else f"again at {moment(failed.retry_at)}"
            why = failed.error.headline if failed.error is not None else ""
            say(f"event {failed.event_id} failed (attempt {failed.attempts}, {then}): {why}")
        if tick.skip_reason:
            say(f"{'not asked' if tick.is_unasked else 'skipped'}: {tick.skip_reason}")
        for text in tick.notes:
            say(f"note: {text}")
        if tick.cursor is not None:
            say(f"cursor afterwards: {tick.cursor[:200]}")
        for line in tick.log:
            say(f"log: {line}")
        if tick.error is not None:
            say(tick.error.to_string())


def _row(tick: TickRecord) -> tuple[str | int | None, ...]:
    why = tick.skip_reason or (tick.error.headline if tick.error else "")
    if tick.failed_events and not why:
        why = told_of_failed(tick.failed_events)
    if tick.request_errors:
        why = f"{len(tick.request_errors)} bad request(s): {tick.request_errors[0].message}"
    elif tick.set_aside:
        why = f"{len(tick.set_aside)} request(s) set aside: {tick.set_aside[0].describe()}"
    elif tick.kept_keys:
        why = f"{len(tick.kept_keys)} run key(s) taken, first by run {tick.kept_keys[0].run_id}"
    at = moment(tick.scheduled_for if tick.scheduled_for is not None else tick.started_at)
    took = duration(tick.started_at, tick.ended_at)
    return (tick.tick_id, tick.trigger_id, at, tick.status.value, len(tick.run_ids), took, why[:90])
