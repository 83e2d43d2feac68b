"""The commands ``tidewheel pause`` and ``tidewheel resume``, and what pausing one trigger shares with them."""

from __future__ import annotations

import datetime
import getpass
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table, say
from tidewheel.cli.parameters import RECORD_ID
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.deferred import deferred
from tidewheel.values.policies import Missed, Selection

if TYPE_CHECKING:
    from tidewheel.values.policies import PauseRecord

open_home = deferred("tidewheel.cli.home", "open_home")
F = TypeVar("F", bound=Callable[..., Any])
UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def pause_options(command: F) -> F:
    """The options of every pause."""
    options = [
        click.option("--reason", default="", help="Why; shown to everybody."),
        click.option("--for", "for_", metavar="TIME", help="How long, such as 30m, 2h or 1d."),
        click.option("--until", metavar="MOMENT", help="Until when: an ISO time, local if it names no zone."),
        click.option(
            "--missed",
            type=click.Choice(["catch_up", "skip"]),
            help="What becomes of missed ticks and events. [default: each trigger's policy]",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def begin_pause(
    home: Path | None,
    as_json: bool,
    selection: Selection,
    *,
    reason: str | None,
    for_: str | None,
    until: str | None,
    missed: str | None,
) -> None:
    """Pause and say so."""
    if for_ is not None and until is not None:
        raise click.UsageError("expected --for or --until, got both")
    expires_at = now_s() + parse_duration(for_) if for_ is not None else None
    if until is not None:
        expires_at = parse_moment(until)
    with open_home(home) as opened:
        record = opened.control.pause(
            selection, reason or "", getpass.getuser(), expires_at, cast("Missed | None", missed)
        )
        if as_json:
            print_json(record)
            return
        end = f"until {moment(expires_at)}" if expires_at is not None else "until resumed"
        say(f"pause {record.pause_id}: {selection.describe()} {end}")


def end_pauses(home: Path | None, as_json: bool, pause_id: int | None, selection: Selection | None) -> None:
    """Resume and say so."""
    with open_home(home) as opened:
        ended: list[PauseRecord] = opened.control.resume(pause_id, selection)
        if as_json:
            print_json(ended)
            return
        for record in ended:
            say(f"pause {record.pause_id} is over: {record.selection.describe()}")
        if not ended:
            say("No pause of that kind holds; see 'tidewheel pause --list'.")


LONGEST_S = 100 * 366 * 86_400.0


def parse_duration(text: str) -> float:
    """Seconds of a text such as ``90s``, ``30m``, ``2h``, ``1d``.

    Raises:
        click.UsageError: when it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip())
    if found is None or float(found[1]) <= 0:
        raise click.UsageError(f"expected a time such as 30m, 2h or 1d, got {text!r}")
    seconds = float(found[1]) * UNITS_S[found[2]]
    if seconds > LONGEST_S:
        raise click.UsageError(
            f"expected at most 100 years, got {text!r}; leave it out to pause until resumed"
        )
    return seconds


def parse_moment(text: str) -> float:
    """Seconds since the epoch of an ISO text.

    Raises:
        click.UsageError: when it is none.
    """
    try:
        return datetime.datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise click.UsageError(f"expected a moment such as 2026-12-24T18:00, got {text!r}") from None


def _selection(
    everything: bool, name: str | None, tags: tuple[str, ...], location: str | None, kind: str | None
) -> Selection:
    pairs = dict(pair.partition("=")[::2] for pair in tags)
    selection = Selection(kind=kind.upper() if kind else None, name=name, location=location, tags=pairs)
    if everything == (selection != Selection()):
        raise click.UsageError("expected --all, or a selection by --name, --tag, --location or --kind")
    return selection


def selection_options(command: F) -> F:
    """The options that select triggers."""
    options = [
        click.option("--all", "everything", is_flag=True, help="Every schedule and sensor."),
        click.option("--name", help="By name; may have '*'."),
        click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="By tag; may be repeated."),
        click.option("--location", help="By code location."),
        click.option(
            "--kind", type=click.Choice(["schedule", "sensor"], case_sensitive=False), help="Only one kind."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command("pause")
@selection_options
@pause_options
@click.option("--list", "shows", is_flag=True, help="Show the pauses that hold.")
@home_option
@json_option
def command(
    everything: bool,
    name: str | None,
    tags: tuple[str, ...],
    location: str | None,
    kind: str | None,
    shows: bool,
    home: Path | None,
    as_json: bool,
    **pause: str | None,
) -> None:
    """Pause triggers: everything (--all) or a selection. Runs that were asked for already go on."""
    if shows:
        _show(home, as_json)
        return
    begin_pause(home, as_json, _selection(everything, name, tags, location, kind), **pause)


def _show(home: Path | None, as_json: bool) -> None:
    with open_home(home) as opened:
        pauses = opened.control.get_pauses()
        if as_json:
            print_json(pauses)
            return
        print_table(
            ("PAUSE", "OF", "SINCE", "UNTIL", "BY", "MISSED", "REASON"),
            [
                (
                    one.pause_id,
                    one.selection.describe(),
                    moment(one.created_at),
                    moment(one.expires_at) or "resumed",
                    one.by,
                    one.missed or "by policy",
                    one.reason,
                )
                for one in pauses
            ],
            empty="Nothing is paused.",
        )


@click.command("resume")
@click.argument("pause_id", type=RECORD_ID, required=False)
@selection_options
@home_option
@json_option
def resume_command(
    pause_id: int | None,
    everything: bool,
    name: str | None,
    tags: tuple[str, ...],
    location: str | None,
    kind: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """End pause PAUSE_ID, those that were made with this selection, or every pause (--all)."""
    selects = any((everything, name, tags, location, kind))
    if selects == (pause_id is not None):
        raise click.UsageError(
            "expected the number of a pause (see 'tidewheel pause --list'), the selection it was made with, or --all, "
            f"got {'both' if selects else 'neither'}"
        )
    selection = _selection(everything, name, tags, location, kind) if selects else None
    end_pauses(home, as_json, pause_id, None if everything else selection)
