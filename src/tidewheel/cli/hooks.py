"""The commands ``tidewheel hook``: what was sent to webhook sensors (and seen by file sensors), and replays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table, say
from tidewheel.cli.parameters import RECORD_ID
from tidewheel.runtime.deferred import deferred
from tidewheel.values.inbox import HOOK_PREFIX, hook_source
from tidewheel.values.texts import counted

if TYPE_CHECKING:
    from tidewheel.runtime.views.push_views import DeliveryState, DeliveryView

open_home = deferred("tidewheel.cli.home", "open_home")
deliveries_of = deferred("tidewheel.cli.deliveries_access", "deliveries_of")
find_delivery = deferred("tidewheel.cli.deliveries_access", "find_delivery")

STATES = ("waiting", "handed_over", "retrying", "dead")
SHOWN_BODY = 2_000


@click.group("hook", cls=SuggestingGroup)
def command() -> None:
    """List, show and replay deliveries to webhook and file sensors."""


@command.command("list")
@click.argument("hook", required=False)
@click.option("--state", type=click.Choice(STATES), help="Only those with this state at some sensor.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=30, show_default=True)
@home_option
@json_option
def list_deliveries(
    hook: str | None, state: str | None, limit: int, home: Path | None, as_json: bool
) -> None:
    """The newest deliveries, of all sources or of HOOK; dead letters with --state dead."""
    with open_home(home) as opened:
        source = None if hook is None else (hook if ":" in hook else hook_source(hook))
        views = deliveries_of(opened).get_all(source, state, limit)
        if as_json:
            print_json(views)
            return
        print_table(
            ("ID", "SOURCE", "DELIVERY", "RECEIVED", "BYTES", "STATE"),
            map(_row, views),
            empty="No deliveries.",
        )


@command.command("show")
@click.argument("delivery_id", type=RECORD_ID, metavar="ID")
@home_option
@json_option
def show(delivery_id: int, home: Path | None, as_json: bool) -> None:
    """Everything about one delivery: headers, body, and what became of it."""
    with open_home(home) as opened:
        found = find_delivery(opened, delivery_id)
        delivery, states = found.delivery, found.states
        if as_json:
            print_json({"delivery": delivery, "states": states})
            return
        say(f"delivery {delivery.id} of {delivery.source}: {delivery.delivery_id}")
        say(f"received {moment(delivery.received_at)}, {len(delivery.body)} bytes")
        for state in states:
            say(_sentence(state))
        for name, value in sorted(delivery.headers.items()):
            say(f"  {name}: {value}")
        text = delivery.body.decode(errors="replace")
        say(text[:SHOWN_BODY] + ("..." if len(text) > SHOWN_BODY else ""))


@command.command("replay")
@click.argument("delivery_id", type=RECORD_ID, metavar="ID")
@click.option("--sensor", help="Only to this sensor.")
@home_option
@json_option
def replay(delivery_id: int, sensor: str | None, home: Path | None, as_json: bool) -> None:
    """Hand a stored delivery over once more, with all its retries before it."""
    with open_home(home) as opened:
        asked = deliveries_of(opened).replay(delivery_id, sensor)
        if as_json:
            print_json(asked)
            return
        for one in asked:
            say(f"delivery {delivery_id} is handed to {one.trigger_id} again")
        if not asked:
            say(f"delivery {delivery_id} still waits: it is handed over anyway")


def _row(view: DeliveryView) -> tuple[str, ...]:
    delivery = view.delivery
    states = ", ".join(f"{one.sensor}: {one.state}" for one in view.states) or "no sensor takes it"
    return (
        str(delivery.id),
        delivery.source.removeprefix(HOOK_PREFIX),
        delivery.delivery_id[:60],
        moment(delivery.received_at),
        str(len(delivery.body)),
        states,
    )


def _sentence(state: DeliveryState) -> str:
    text = f"{state.sensor}: {state.state}"
    if state.attempts:
        text += f", {counted(state.attempts, 'failed attempt')}"
    if state.retry_at is not None:
        text += f", next at {moment(state.retry_at)}"
    return text + (f": {state.error}" if state.error else "")
