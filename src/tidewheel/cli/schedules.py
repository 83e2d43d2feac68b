"""The commands ``tidewheel schedule``."""

from __future__ import annotations

import click

from tidewheel.cli.triggers import (
    change_command,
    list_command,
    pause_command,
    reset_keys_command,
    resume_command,
)
from tidewheel.values.status import TriggerKind


@click.group("schedule")
def command() -> None:
    """List, start and stop schedules."""


command.add_command(list_command(TriggerKind.SCHEDULE))
command.add_command(change_command(TriggerKind.SCHEDULE, "start", True))
command.add_command(change_command(TriggerKind.SCHEDULE, "stop", False))
command.add_command(change_command(TriggerKind.SCHEDULE, "reset", None))
command.add_command(pause_command(TriggerKind.SCHEDULE))
command.add_command(resume_command(TriggerKind.SCHEDULE))
command.add_command(reset_keys_command(TriggerKind.SCHEDULE))
