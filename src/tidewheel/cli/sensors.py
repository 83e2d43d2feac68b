"""The commands ``tidewheel sensor``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.deferred import deferred
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import print_json
from tidewheel.cli.triggers import (
    change_command,
    list_command,
    pause_command,
    reset_keys_command,
    resume_command,
)
from tidewheel.values.status import TriggerKind

open_home = deferred("tidewheel.cli.home", "open_home")


@click.group("sensor")
def command() -> None:
    """List, start, stop and test sensors."""


command.add_command(list_command(TriggerKind.SENSOR))
command.add_command(change_command(TriggerKind.SENSOR, "start", True))
command.add_command(change_command(TriggerKind.SENSOR, "stop", False))
command.add_command(change_command(TriggerKind.SENSOR, "reset", None))
command.add_command(pause_command(TriggerKind.SENSOR))
command.add_command(resume_command(TriggerKind.SENSOR))
command.add_command(reset_keys_command(TriggerKind.SENSOR))


@command.command("cursor")
@click.argument("name")
@click.option("--set", "value", help="Store this cursor.")
@click.option("--clear", is_flag=True, help="Forget the cursor.")
@home_option
@json_option
def cursor(name: str, value: str | None, clear: bool, home: Path | None, as_json: bool) -> None:
    """Set or clear a sensor's cursor."""
    if (value is None) == (not clear):
        raise click.UsageError("expected --set VALUE or --clear")
    with open_home(home) as opened:
        record = opened.control.set_cursor(name, value)
        if as_json:
            print_json(record)
        else:
            click.echo(f"sensor {name}: cursor is {record.cursor!r}")


@command.command("test")
@click.argument("name")
@click.option("--cursor", "value", help="Evaluate with this cursor instead of the stored one.")
@home_option
@json_option
def test(name: str, value: str | None, home: Path | None, as_json: bool) -> None:
    """Evaluate a sensor once on the running server; nothing is recorded and nothing is launched."""
    with open_home(home) as opened:
        result = opened.control.test_trigger(name, cursor=value)
        if as_json:
            print_json(result)
            return
        for line in result.log:
            click.echo(f"log: {line}")
        if result.error is not None:
            raise click.ClickException(result.error.to_string())
        for request in result.requests:
            where = f" partition {request.partition}" if request.partition else ""
            click.echo(f"would run {request.job_name}{where} run_key={request.run_key!r}")
        for problem in result.request_errors:
            click.echo(f"request {problem.index} is not valid: {problem.message}")
        if not result.requests:
            click.echo(f"would skip: {result.skip_reason or 'nothing was asked for'}")
        for change in result.partition_changes:
            click.echo(
                f"would change partitions {change.name!r}: add {change.add!r}, delete {change.delete!r}"
            )
        for event in result.events:
            click.echo(f"would record {event.type.value} of {event.asset!r}")
        if result.cursor_changed:
            click.echo(f"would store cursor {result.cursor!r}")
