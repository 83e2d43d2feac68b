"""The command ``tidewheel why``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, say
from tidewheel.cli.runs import find_run
from tidewheel.runtime.deferred import deferred
from tidewheel.values.conditions import REQUEST
from tidewheel.values.texts import counted

if TYPE_CHECKING:
    from tidewheel.logic.conditions.explain import Explanation
    from tidewheel.runtime.conditions.condition_views import OwedView, RequestView, StandingView, WhyAnswer

open_home = deferred("tidewheel.cli.home", "open_home")

TRUE, FALSE = "✓", "✗"


@click.command("why")
@click.argument("target")
@click.option("--partition", help="Ask about this partition only.")
@click.option("--run", "run_id", help="How this run came about, however long ago.")
@home_option
@json_option
def command(target: str, partition: str | None, run_id: str | None, home: Path | None, as_json: bool) -> None:
    """Why TARGET (an asset, or a check as ASSET:CHECK) was or was not run.

    Shows its condition with what is true and false now, since when, and what it waits for; then the latest requests,
    each with what caused it and the runs that it became.
    """
    with open_home(home) as opened:
        found = None if run_id is None else find_run(opened, run_id).run_id
        answer = opened.control.why(target, partition, found)
    if as_json:
        print_json(answer)
        return
    for line in describe(answer):
        say(line)


def describe(answer: WhyAnswer) -> Iterator[str]:
    """The answer as lines for people: how it stands and what it waits for, what else is known, then the condition's tree."""
    where = f" [{answer.partition}]" if answer.partition else ""
    yield f"{answer.kind} {answer.target}{where}: {answer.condition or 'no condition'}"
    yield from _now(answer)
    if answer.sensor:
        state = "running" if answer.sensor_is_running else "stopped"
        last = f", last evaluated {moment(answer.last_evaluated_at)}" if answer.last_evaluated_at else ""
        yield f"looked after by {answer.sensor} ({state}{last})"
    if answer.standing is not None:
        yield _standing(answer.standing)
    for asker in answer.asked_by:
        yield f"asked for by {asker}"
    for note in answer.notes:
        yield f"note: {note}"
    for owed in answer.owed:
        yield _owed(owed)
    for request in answer.requests:
        yield ""
        yield from _request(request)
    if answer.now is not None and answer.now.tree is not None and not answer.now.error:
        yield ""
        yield "its condition now:"
        yield from _tree(answer.now.tree, "  ")


def _now(answer: WhyAnswer) -> Iterator[str]:
    now = answer.now
    if now is None:
        return
    if now.error:
        yield f"cannot be evaluated: {now.error}"
    elif now.tree is not None:
        yield "now: " + ("it asks for a run" if now.is_requested else "it asks for nothing")
        for wish in now.waits_for:
            yield f"waits for {wish}"
        if now.next_change is not None:
            yield f"time alone can change this at {moment(now.next_change)}"


def _standing(found: StandingView) -> str:
    by = f" by run {found.made_by}" if found.made_by else ""
    made = f"made{by} at {moment(found.made_at)}" if found.made_at is not None else "never made"
    if found.reported_at is not None:
        what = "as failed" if found.state == "failed" else "as begun"
        text = f"{made}; reported from outside {what} at {moment(found.reported_at)}"
        return text + (f": {found.error}" if found.error else "")
    if not found.run_id:
        return made
    ended = f" at {moment(found.run_ended_at)}" if found.run_ended_at is not None else ""
    if found.state == "in progress":
        return f"{made}; run {found.run_id} is to make it"
    text = f"{made}; run {found.run_id}, which was to make it, {_ENDS[found.state]}{ended}"
    return text + (f": {found.error}" if found.error else "")


_ENDS = {"failed": "failed", "cancelled": "was cancelled"}


def _tree(one: Explanation, indent: str) -> Iterator[str]:
    mark = click.style(TRUE, fg="green") if one.is_true else click.style(FALSE, fg="red")
    name = one.label or one.name
    about = f"  {one.description}" if one.description and not one.children else ""
    count = f"  {one.true_count} of {one.asked_count}" if one.asked_count > 1 else ""
    since = f"  since {moment(one.since)}" if one.since is not None else ""
    yield f"{indent}{mark} {name}  ({one.subject.name}){about}{count}{since}"
    for child in one.children:
        yield from _tree(child, indent + "  ")


def _owed(owed: OwedView) -> str:
    where = f" [{owed.partition}]" if owed.partition else ""
    text = f"owed{where} since {moment(owed.requested_at)}: {owed.state}"
    if owed.failures:
        text += f", failed {counted(owed.failures, 'time')} in a row: {owed.error}"
    if owed.next_try_at is not None:
        text += f"; next try at {moment(owed.next_try_at)}"
    return text


def _request(request: RequestView) -> Iterator[str]:
    if request.error is not None:
        yield f"evaluation {request.evaluation_id} at {moment(request.at)} failed: {request.error}"
        return
    what = f" of {request.requested} partitions" if request.partitions else ""
    yield f"requested{what} by evaluation {request.evaluation_id} at {moment(request.at)}"
    for cause in request.causes:
        if cause.type == REQUEST:
            yield f"  because {cause.subject} was requested at {moment(cause.at)}"
            continue
        event = f"event {cause.event_id}, " if cause.event_id is not None else ""
        where = f" [{cause.partition}]" if cause.partition else ""
        by = f" by run {cause.run_id[:13]}" if cause.run_id else ""
        what = cause.type or ("an update" if event else "a tick")
        yield f"  because of {event}{what} of {cause.subject}{where} at {moment(cause.at)}{by}"
    for run in request.runs:
        yield f"  run {run.run_id}: {run.status or 'deleted'}"
    for backfill_id in request.backfill_ids:
        yield f"  backfill {backfill_id}"
