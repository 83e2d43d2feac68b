"""The commands ``tidewheel pool``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import duration, print_json, print_table, say
from tidewheel.errors import InvalidInvocationError
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.deferred import deferred
from tidewheel.values.texts import counted

open_home = deferred("tidewheel.cli.home", "open_home")


@click.group("pool", cls=SuggestingGroup)
def command() -> None:
    """Pools limit how many steps run at once, in all runs together: @asset(pool="db")."""


@command.command("list")
@home_option
@json_option
def list_pools(home: Path | None, as_json: bool) -> None:
    """Every pool with a limit or in use, and the steps that hold or wait for its slots."""
    with open_home(home) as opened:
        pools = opened.ledger.pools.get_all()
        if as_json:
            print_json(pools)
            return
        now = now_s()
        rows = []
        for pool in pools:
            slots = "no limit" if pool.slots is None else str(pool.slots)
            rows.append((pool.name, slots, str(pool.held), str(pool.waiting), "", ""))
            for claim in pool.claims:
                since = claim.held_since or claim.asked_at
                state = "holds" if claim.held_since is not None else "waits"
                rows.append(
                    ("", "", "", "", f"{state} {duration(since, now)}", f"{claim.run_id} {claim.step}")
                )
        headings = ("POOL", "SLOTS", "HELD", "WAITING", "SINCE", "STEP")
        print_table(headings, rows, empty="No pool has a limit or is in use.")


@command.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("slots", type=click.IntRange(0))
@home_option
@json_option
def set_slots(name: str, slots: int, home: Path | None, as_json: bool) -> None:
    """Let at most SLOTS steps of pool NAME run at once."""
    with open_home(home) as opened:
        opened.ledger.pools.set_slots(name, slots, now=now_s())
        _say({"name": name, "slots": slots}, f"pool {name} has {counted(slots, 'slot')}", as_json)


@command.command("unset")
@click.argument("name")
@home_option
@json_option
def unset(name: str, home: Path | None, as_json: bool) -> None:
    """Remove the limit of pool NAME."""
    with open_home(home) as opened:
        opened.ledger.pools.set_slots(name, None, now=now_s())
        _say({"name": name, "slots": None}, f"pool {name} has no limit of its own", as_json)


@command.command("free")
@click.argument("name", required=False)
@click.option("--run", "run_id", help="Only the slots of this run.")
@home_option
@json_option
def free(name: str | None, run_id: str | None, home: Path | None, as_json: bool) -> None:
    """Take slots of pool NAME away from steps that hold them.

    Needed only where a step hangs: the slots of a run that ends, or whose worker dies, are free by themselves.
    """
    if name is None and run_id is None:
        raise InvalidInvocationError("expected the name of a pool or --run RUN_ID, got neither")
    with open_home(home) as opened:
        freed = opened.ledger.pools.free(name, run_id)
        _say({"freed": freed}, f"freed {counted(freed, 'slot')}", as_json)


def _say(value: dict[str, object], text: str, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        say(text)
