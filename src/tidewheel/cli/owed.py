"""The commands ``tidewheel owed``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table, say
from tidewheel.errors import InvalidInvocationError, did_you_mean
from tidewheel.runtime.deferred import deferred
from tidewheel.values.conditions import OwedStatus

open_home = deferred("tidewheel.cli.home", "open_home")


@click.group("owed", cls=SuggestingGroup)
def command() -> None:
    """What conditions asked for and is not made yet (``keep_up_to_date``)."""


@command.command("list")
@click.argument("asset", required=False)
@home_option
@json_option
def list_owed(asset: str | None, home: Path | None, as_json: bool) -> None:
    """Everything owed, or what is owed of ASSET."""
    with open_home(home) as opened:
        rows = opened.ledger.owed.get_all(asset)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("TARGET", "PARTITION", "SINCE", "STATUS", "FAILURES", "LAST", "ERROR"),
        [
            (
                row.name,
                row.partition,
                moment(row.requested_at),
                row.status.value.lower(),
                row.failures,
                moment(row.failed_at or None),
                row.error[:80],
            )
            for row in rows
        ],
        empty="Nothing is owed.",
    )


@command.command("waive")
@click.argument("asset")
@click.option("--partition", default="", help="This partition; without it an unpartitioned asset, or all.")
@home_option
@json_option
def waive(asset: str, partition: str, home: Path | None, as_json: bool) -> None:
    """Stop asking for ASSET until one of its inputs or its code changes."""
    _answer(asset, partition, OwedStatus.WAIVED, home, as_json)


@command.command("retry")
@click.argument("asset")
@click.option("--partition", default="", help="This partition; without it an unpartitioned asset, or all.")
@home_option
@json_option
def retry(asset: str, partition: str, home: Path | None, as_json: bool) -> None:
    """Ask for ASSET again at once: failures are forgotten, and so is that it was waived."""
    _answer(asset, partition, OwedStatus.OWED, home, as_json)


def _answer(asset: str, partition: str, status: OwedStatus, home: Path | None, as_json: bool) -> None:
    with open_home(home) as opened:
        rows = [
            row for row in opened.ledger.owed.get_all(asset) if not partition or row.partition == partition
        ]
        if not rows:
            known = {row.name for row in opened.ledger.owed.get_all()}
            where = f" partition {partition!r}" if partition else ""
            raise InvalidInvocationError(
                f"expected something owed, got {asset!r}{where}; {did_you_mean(asset, known)}"
            )
        changed = [opened.ledger.owed.answer(row.kind, row.name, row.partition, status) for row in rows]
    if as_json:
        print_json([row for row in changed if row is not None])
        return
    for row in changed:
        if row is not None:
            where = f" [{row.partition}]" if row.partition else ""
            say(f"{row.name}{where}: {'waived' if status is OwedStatus.WAIVED else 'owed again'}")
