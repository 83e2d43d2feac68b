"""What the commands for schedules and sensors share: list, start, stop, reset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table, say
from tidewheel.cli.pauses import begin_pause, end_pauses, pause_options
from tidewheel.runtime.deferred import deferred
from tidewheel.values.policies import Selection
from tidewheel.values.status import TriggerKind
from tidewheel.values.texts import counted

if TYPE_CHECKING:
    from tidewheel.runtime.control import TriggerView

open_home = deferred("tidewheel.cli.home", "open_home")


def list_command(kind: TriggerKind) -> click.Command:
    """The command ``list`` of one kind."""

    @click.command(
        "list", help=f"List {kind.value.lower()}s, whether they run, and their last and next moments."
    )
    @home_option
    @json_option
    @click.option("--running", "wanted", flag_value="running", help="Only running ones.")
    @click.option("--stopped", "wanted", flag_value="stopped", help="Only stopped ones.")
    def command(home: Path | None, as_json: bool, wanted: str | None) -> None:
        with open_home(home) as opened:
            views = [
                view
                for view in opened.control.get_triggers_view(kind.value)
                if wanted is None or view.is_running == (wanted == "running")
            ]
            if as_json:
                print_json(views)
                return
            opened.note_failed_code()
            empty = f"No {kind.value.lower()}s here."
            if kind is TriggerKind.SCHEDULE:
                print_table(
                    ("NAME", "STATE", "CRON", "LAST TICK", "STATUS", "NEXT"),
                    map(_schedule_row, views),
                    empty=empty,
                )
            else:
                goes_on = ("GOES ON",) if any(map(_pause_end, views)) else ()
                print_table(
                    ("NAME", "STATE", "KIND", "EVERY", "LAST", "STATUS", "BEHIND", "CURSOR", *goes_on),
                    [(*_sensor_row(view), *(_pause_end(view) for _ in goes_on)) for view in views],
                    empty=empty,
                )

    return command


def change_command(kind: TriggerKind, verb: str, running: bool | None) -> click.Command:
    """The command ``start``, ``stop`` or ``reset`` of one kind."""
    done = {"start": "runs now", "stop": "is stopped", "reset": "follows its default in code again"}[verb]

    @click.command(verb, help=f"{verb.capitalize()} a {kind.value.lower()}.")
    @click.argument("name")
    @click.option("--location", help="Needed when several code locations have one of this name.")
    @home_option
    @json_option
    def command(name: str, location: str | None, home: Path | None, as_json: bool) -> None:
        with open_home(home) as opened:
            record = opened.control.set_trigger(name, running, location=location, kind=kind.value)
            if as_json:
                print_json(record)
                return
            say(f"{kind.value.lower()} {record.name} {done}")
            if not opened.is_served:
                say("No server runs on this home; it takes effect when 'tidewheel dev' does.")

    return command


def pause_command(kind: TriggerKind) -> click.Command:
    """The command ``pause`` of one kind."""
    what = kind.value.lower()

    @click.command("pause", help=f"Pause a {what} (NAME may have '*') until it is resumed, or for some time.")
    @click.argument("name")
    @pause_options
    @click.option("--location", help="Only of this code location.")
    @home_option
    @json_option
    def command(
        name: str, location: str | None, home: Path | None, as_json: bool, **pause: str | None
    ) -> None:
        begin_pause(home, as_json, Selection(kind=kind.value, name=name, location=location), **pause)

    return command


def resume_command(kind: TriggerKind) -> click.Command:
    """The command ``resume`` of one kind."""
    what = kind.value.lower()

    @click.command("resume", help=f"End the pause of a {what}: the one that was made with this NAME.")
    @click.argument("name")
    @click.option("--location", help="As the pause was made.")
    @home_option
    @json_option
    def command(name: str, location: str | None, home: Path | None, as_json: bool) -> None:
        end_pauses(home, as_json, None, Selection(kind=kind.value, name=name, location=location))

    return command


def reset_keys_command(kind: TriggerKind) -> click.Command:
    """The command ``reset-keys`` of one kind."""

    @click.command("reset-keys", help="Free run keys, so that what they stand for can be asked for again.")
    @click.argument("name")
    @click.option("--key", "run_key", help="Only this run key.")
    @click.option("--all", "everything", is_flag=True, help="All of its run keys.")
    @click.option("--location", help="Needed when several code locations have one of this name.")
    @home_option
    @json_option
    def command(
        name: str,
        run_key: str | None,
        everything: bool,
        location: str | None,
        home: Path | None,
        as_json: bool,
    ) -> None:
        if (run_key is None) == (not everything):
            raise click.UsageError("expected --key KEY or --all")
        with open_home(home) as opened:
            freed = opened.control.reset_run_keys(name, run_key, location=location, kind=kind.value)
            if as_json:
                print_json({"freed": freed})
            else:
                say(f"{kind.value.lower()} {name}: {counted(freed, 'run key')} freed")

    return command


def _state(view: TriggerView) -> str:
    if not view.is_running:
        return "stopped"
    if view.paused is not None:
        return "paused"
    return "breaker open" if view.breaker is not None else "running"


def _schedule_row(view: TriggerView) -> tuple[str | None, ...]:
    crons = ", ".join(view.crons) + ("" if view.zone == "UTC" else f" {view.zone}")
    return (
        view.name,
        _state(view),
        crons,
        moment(view.last_tick_at),
        view.last_status,
        _pause_end(view) or moment(view.next_tick_at),
    )


def _pause_end(view: TriggerView) -> str:
    """When a pause that holds for it ends; empty without one."""
    if not view.is_running or view.paused is None:
        return ""
    end = view.paused.expires_at
    return f"after {moment(end)}" if end is not None else "when resumed"


def _sensor_row(view: TriggerView) -> tuple[str | None, ...]:
    every = f"{view.minimum_interval_s:g}s" if view.minimum_interval_s is not None else ""
    cursor = (view.cursor or "")[:40]
    return (
        view.name,
        _state(view),
        view.sensor_kind,
        every,
        moment(view.last_tick_at),
        view.last_status,
        _behind(view),
        cursor,
    )


def _behind(view: TriggerView) -> str:
    """How far a listening sensor is behind, and what it has set aside."""
    parts = []
    if view.events_behind:
        parts.append(f"{view.events_behind} events, {view.seconds_behind or 0.0:.0f} s")
    if view.retrying_events:
        parts.append(f"{view.retrying_events} retrying")
    if view.set_aside_events:
        parts.append(f"{view.set_aside_events} set aside")
    return "; ".join(parts)
