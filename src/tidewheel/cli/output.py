"""How commands show things: tables for people, JSON for programs; the only place of theirs that writes to a terminal.

Whatever goes through here has its secrets masked, but for what says by its name that it has not.
"""

from __future__ import annotations

import datetime
import importlib
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

STATUS_STYLES = {
    "SUCCESS": "green",
    "FAILURE": "red",
    "CANCELED": "yellow",
    "CANCELING": "yellow",
    "STARTED": "cyan",
    "STARTING": "cyan",
    "QUEUED": "blue",
    "SKIPPED": "bright_black",
    "running": "green",
    "stopped": "bright_black",
}


def print_json(value: Any) -> None:
    """The value as indented JSON; secrets in its texts and run configs are masked."""
    # imported here: half of the commands never print JSON, and no help does
    masking = importlib.import_module("tidewheel.runtime.masking")
    _print_json(masking.shown(_plain(value)))


def print_own_secret(value: Any) -> None:
    """As ``print_json``, with a secret that the caller has asked for."""
    _print_json(_plain(value))


def _plain(value: Any) -> Any:
    return json.loads(importlib.import_module("msgspec").json.encode(value))


def _print_json(plain: Any) -> None:
    click.echo(json.dumps(plain, indent=2))


def print_json_line(value: Any) -> None:
    """As ``print_json``, on one line: of what comes one after the other."""
    masking = importlib.import_module("tidewheel.runtime.masking")
    click.echo(json.dumps(masking.shown(_plain(value))))


def say_own_secret(text: str) -> None:
    """A line with nothing but a secret that the caller has asked for."""
    click.echo(text)


def say(text: str, **style: Any) -> None:
    """Something for people; secrets in it are masked."""
    masking = importlib.import_module("tidewheel.runtime.masking")
    click.secho(masking.mask_text(text), **style)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Columns as wide as their contents; statuses in colour where the terminal has any."""
    masking = importlib.import_module("tidewheel.runtime.masking")
    texts = [["" if cell is None else masking.mask_text(str(cell)) for cell in row] for row in rows]
    if not texts:
        click.echo(empty)
        return
    widths = [
        max(len(heading), *(len(row[column]) for row in texts)) for column, heading in enumerate(headings)
    ]
    click.secho("  ".join(h.ljust(w) for h, w in zip(headings, widths, strict=True)).rstrip(), bold=True)
    for row in texts:
        cells = [
            click.style(cell.ljust(width), fg=STATUS_STYLES.get(cell))
            for cell, width in zip(row, widths, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def moment(seconds: float | None) -> str:
    """A moment in the local zone, which is named, to the second; empty for none."""
    if seconds is None:
        return ""
    try:
        local = datetime.datetime.fromtimestamp(seconds, datetime.UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return "after the year 9999" if seconds > 0 else "before the year 1"
    return local.strftime("%Y-%m-%d %H:%M:%S %Z")


def duration(start: float | None, end: float | None) -> str:
    """The time between two moments, short."""
    if start is None or end is None:
        return ""
    seconds = max(0.0, end - start)
    if seconds < 60:
        return f"{seconds:.2f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def note(text: str) -> None:
    """A remark for people: on standard error, so that it does not disturb what programs read."""
    say(text, err=True, fg="bright_black" if sys.stderr.isatty() else None)
