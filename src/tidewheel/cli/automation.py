"""The commands ``tidewheel automation``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table, say
from tidewheel.errors import InvalidInvocationError, did_you_mean
from tidewheel.runtime.deferred import deferred
from tidewheel.values.conditions import HoldStatus

open_home = deferred("tidewheel.cli.home", "open_home")


@click.group("automation", cls=SuggestingGroup)
def command() -> None:
    """What conditions look after, and what they would ask for."""


@command.command("list")
@home_option
@json_option
def list_sensors(home: Path | None, as_json: bool) -> None:
    """The automation sensors, what fails in them, and what waits for a yes."""
    with open_home(home) as opened:
        views = opened.control.get_automation()
    if as_json:
        print_json(views)
        return
    print_table(
        ("SENSOR", "LOCATION", "STATE", "TARGETS", "LAST EVALUATED", "NEXT LOOK"),
        [
            (
                one.name,
                one.location,
                "running" if one.is_running else "stopped",
                one.targets,
                moment(one.last_evaluated_at),
                moment(one.next_look_at) or ("when something happens" if one.is_running else ""),
            )
            for one in views
        ],
        empty="No assets here have conditions.",
    )
    for view in views:
        for target, error in view.errors.items():
            say(f"{target} cannot be evaluated: {error}")
        for held in view.held:
            say(f"{held.target}: {held.count} partitions, {held.status.lower()}")


@command.command("plan")
@click.argument("sensor", required=False)
@home_option
@json_option
def plan(sensor: str | None, home: Path | None, as_json: bool) -> None:
    """What conditions would ask for if they were evaluated now, by sensor. Nothing is started.

    For a sensor that is stopped this is what starting it would do.
    """
    with open_home(home) as opened:
        plans = opened.control.plan_automation(sensor)
    if as_json:
        print_json(plans)
        return
    for one in plans:
        state = "running" if one.is_running else "stopped"
        first = ", never evaluated yet" if one.is_first else ""
        say(f"{one.sensor} of {one.location} ({state}{first})", bold=True)
        for work in one.work:
            names = ", ".join(work.targets[:8]) + (
                f" and {len(work.targets) - 8} more" if len(work.targets) > 8 else ""
            )
            where = f" [{work.partition}]" if work.partition else ""
            if work.kind == "held":
                say(f"  would wait for a yes: {work.count} partitions of {names}")
            elif work.kind == "backfill":
                say(f"  would start a backfill of {work.count} partitions of {names}")
            else:
                say(f"  would run {names}{where}")
        for target, error in one.errors.items():
            say(f"  {target} cannot be evaluated: {error}")
        if not one.work and not one.errors:
            say("  would ask for nothing")
    if not plans:
        say("No assets here have conditions.")


@command.command("approve")
@click.argument("target")
@home_option
@json_option
def approve(target: str, home: Path | None, as_json: bool) -> None:
    """Let the first request of TARGET go ahead."""
    _answer(target, HoldStatus.APPROVED, home, as_json)


@command.command("decline")
@click.argument("target")
@home_option
@json_option
def decline(target: str, home: Path | None, as_json: bool) -> None:
    """Leave the first request of TARGET undone; later requests of other partitions are not touched."""
    _answer(target, HoldStatus.DECLINED, home, as_json)


def _answer(target: str, status: HoldStatus, home: Path | None, as_json: bool) -> None:
    with open_home(home) as opened:
        held = opened.ledger.conditions.get_held()
        mine = next((one for one in held if one.name == target), None)
        changed = mine and opened.ledger.conditions.answer_held(mine.kind, mine.name, status)
        if changed is None:
            known = [one.name for one in held]
            raise InvalidInvocationError(
                f"expected a target whose first request waits for a yes, got {target!r}; "
                + did_you_mean(target, known)
            )
    if as_json:
        print_json({"target": changed.name, "kind": changed.kind, "count": changed.count, "status": status})
    else:
        say(f"{changed.name}: {changed.count} partitions {status.value.lower()}")
