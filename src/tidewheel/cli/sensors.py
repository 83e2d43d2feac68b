"""The commands ``tidewheel sensor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table, say
from tidewheel.cli.parameters import RECORD_ID
from tidewheel.cli.triggers import (
    change_command,
    list_command,
    pause_command,
    reset_keys_command,
    resume_command,
)
from tidewheel.errors import InvalidInvocationError
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.deferred import deferred
from tidewheel.values.status import TriggerKind

if TYPE_CHECKING:
    from tidewheel.storage.ports.ledger import LedgerPort

open_home = deferred("tidewheel.cli.home", "open_home")


@click.group("sensor", cls=SuggestingGroup)
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
            say(f"sensor {name}: cursor is {record.cursor!r}")


@command.command("failed")
@click.argument("name", required=False)
@home_option
@json_option
def failed(name: str | None, home: Path | None, as_json: bool) -> None:
    """Events whose evaluation raised: those that are tried again, and those set aside."""
    with open_home(home) as opened:
        ids = _ids_of(opened.ledger, name) if name is not None else None
        found = [
            one for one in opened.ledger.inbox.get_redeliveries() if ids is None or one.trigger_id in ids
        ]
        if as_json:
            print_json(found)
            return
        print_table(
            ("SENSOR", "EVENT", "ATTEMPTS", "LAST", "NEXT", "ERROR"),
            (
                (
                    one.trigger_id,
                    str(one.event_id),
                    str(one.attempts),
                    moment(one.failed_at),
                    "set aside" if one.is_set_aside else moment(one.retry_at),
                    one.error.headline if one.error is not None else "",
                )
                for one in found
            ),
            empty="No event has failed.",
        )


@command.command("retry")
@click.argument("name")
@click.argument("event_id", type=RECORD_ID)
@click.option("--forget", is_flag=True, help="Give the event up instead.")
@home_option
def retry(name: str, event_id: int, forget: bool, home: Path | None) -> None:
    """Hand an event that failed over once more, with all its retries before it."""
    with open_home(home) as opened:
        inbox = opened.ledger.inbox
        ids = _ids_of(opened.ledger, name)
        known = [
            one for one in inbox.get_redeliveries() if one.trigger_id in ids and one.event_id == event_id
        ]
        if not known:
            raise InvalidInvocationError(
                f"expected an event that failed at {name!r}, got {event_id}; see 'tidewheel sensor failed {name}'"
            )
        for one in known:
            if forget:
                inbox.forget_redelivery(one.trigger_id, event_id)
            else:
                inbox.hand_over_again(one.trigger_id, event_id, now=now_s())
            say(f"event {event_id} of {one.trigger_id} {'is given up' if forget else 'is tried again'}")


def _ids_of(ledger: LedgerPort, name: str) -> set[str]:
    return {one.trigger_id for one in ledger.get_triggers() if name in (one.name, one.trigger_id)}


@command.command("test")
@click.argument("name")
@click.option("--cursor", "value", help="Evaluate with this cursor instead of the stored one.")
@home_option
@json_option
def test(name: str, value: str | None, home: Path | None, as_json: bool) -> None:
    """Evaluate a sensor once on the running server; nothing is recorded and nothing is launched.

    A sensor that listens (to assets, runs, webhooks, files) is handed the events that wait for it.
    """
    with open_home(home) as opened:
        result = opened.control.test_trigger(name, cursor=value)
        if as_json:
            print_json(result)
            return
        for line in result.log:
            say(f"log: {line}")
        if result.error is not None:
            raise click.ClickException(result.error.to_string())
        for request in result.requests:
            where = f" partition {request.partition}" if request.partition else ""
            say(f"would run {request.job_name}{where} run_key={request.run_key!r}")
        for problem in result.request_errors:
            say(f"request {problem.index} is not valid: {problem.message}")
        for event_id, error in result.failed_events:
            say(f"would fail on event {event_id}: {error.headline}")
        if not result.requests and not result.failed_events:
            say(f"would skip: {result.skip_reason or 'nothing was asked for'}")
        for change in result.partition_changes:
            say(f"would change partitions {change.name!r}: add {change.add!r}, delete {change.delete!r}")
        for event in result.events:
            say(f"would record {event.type.value} of {event.asset!r}")
        if result.cursor_changed:
            say(f"would store cursor {result.cursor!r}")
