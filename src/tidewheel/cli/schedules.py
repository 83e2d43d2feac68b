"""The commands ``tidewheel schedule``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import print_json, print_table
from tidewheel.cli.triggers import (
    change_command,
    list_command,
    pause_command,
    reset_keys_command,
    resume_command,
)
from tidewheel.runtime.deferred import deferred
from tidewheel.values.status import TriggerKind

open_home = deferred("tidewheel.cli.home", "open_home")
preview_schedule = deferred("tidewheel.cli.previewing", "preview_schedule")


@click.group("schedule", cls=SuggestingGroup)
def command() -> None:
    """List, start and stop schedules."""


command.add_command(list_command(TriggerKind.SCHEDULE))
command.add_command(change_command(TriggerKind.SCHEDULE, "start", True))
command.add_command(change_command(TriggerKind.SCHEDULE, "stop", False))
command.add_command(change_command(TriggerKind.SCHEDULE, "reset", None))
command.add_command(pause_command(TriggerKind.SCHEDULE))
command.add_command(resume_command(TriggerKind.SCHEDULE))
command.add_command(reset_keys_command(TriggerKind.SCHEDULE))


@command.command("preview")
@click.argument("name")
@click.option("--count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--after", metavar="MOMENT", help="From when on: an ISO time; now if not given.")
@click.option("--location", help="Needed when several code locations have one of this name.")
@home_option
@json_option
def preview(
    name: str, count: int, after: str | None, location: str | None, home: Path | None, as_json: bool
) -> None:
    """Show when a schedule will tick, in its own zone, with what clock changes do to it. Nothing is run."""
    with open_home(home) as opened:
        zone, ticks = preview_schedule(opened.control, name, location, after, count)
        if as_json:
            print_json({"name": name, "zone": zone, "ticks": ticks})
            return
        empty = "It never ticks again."
        if zone == "UTC":
            print_table(
                ("TICK IN UTC", "NOTES"), [(tick.utc, "; ".join(tick.notes)) for tick in ticks], empty=empty
            )
            return
        rows = [(tick.local, tick.utc, "; ".join(tick.notes)) for tick in ticks]
        print_table((f"TICK IN {zone}", "IN UTC", "NOTES"), rows, empty=empty)
