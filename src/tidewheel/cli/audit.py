"""The commands ``tidewheel audit``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table
from tidewheel.runtime.deferred import deferred

open_home = deferred("tidewheel.cli.home", "open_home")
accounts_of = deferred("tidewheel.cli.accounts_access", "accounts_of")

SHOWN_LENGTH = 70


@click.group("audit", cls=SuggestingGroup)
def command() -> None:
    """Show who changed what."""


@command.command("list")
@click.option("--user", help="Only this user's changes.")
@click.option("--operation", help="Only changes of this kind.")
@click.option("--outcome", type=click.Choice(["done", "refused", "failed"]))
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@home_option
@json_option
def list_audit(
    user: str | None,
    operation: str | None,
    outcome: str | None,
    limit: int,
    home: Path | None,
    as_json: bool,
) -> None:
    """The newest entries first: who, with which token, what, and what it was before and after."""
    with open_home(home) as opened:
        entries = accounts_of(opened).audit(user, operation, outcome, limit)
        if as_json:
            print_json(entries)
            return
        rows = [
            (
                moment(entry.at),
                entry.user or "(nobody)",
                entry.token_id or entry.via,
                entry.surface,
                entry.operation,
                entry.outcome,
                json.dumps(entry.what, ensure_ascii=False)[:SHOWN_LENGTH],
            )
            for entry in entries
        ]
        headings = ("AT", "WHO", "BY", "THROUGH", "OPERATION", "OUTCOME", "WHAT")
        print_table(headings, rows, empty="Nothing was changed yet.")
