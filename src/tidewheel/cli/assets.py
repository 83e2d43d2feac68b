"""The commands ``tidewheel asset``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.deferred import deferred
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table, say
from tidewheel.errors import InvalidSubsetError, did_you_mean
from tidewheel.values.events import EventType, Materialization
from tidewheel.values.records import EventFilter

open_home = deferred("tidewheel.cli.home", "open_home")
load_nodes = deferred("tidewheel.cli.asset_nodes", "load_nodes")


@click.group("asset")
def command() -> None:
    """List and show assets."""


@command.command("list")
@click.option("--group", help="Only assets of this group.")
@home_option
@json_option
def list_assets(group: str | None, home: Path | None, as_json: bool) -> None:
    """All assets, when each was made last, and how many of its partitions."""
    with open_home(home) as opened:
        nodes = [node for node, _ in load_nodes(opened).values() if group is None or node.group == group]
        keys = [node.key for node in nodes]
        states = opened.ledger.get_asset_states(keys)
        made = opened.ledger.count_partitions(keys)
        rows = []
        for node in nodes:
            state = states.get(node.key)
            count = made.get(node.key, 0) if node.partitions is not None else None
            rows.append(
                {
                    "key": node.key,
                    "group": node.group,
                    "kind": node.kind,
                    "deps": [dep.asset for dep in node.deps],
                    "last_materialized_at": state.last_materialization_at if state else None,
                    "last_run_id": state.last_materialization_run_id if state else None,
                    "partitions_materialized": count,
                }
            )
        if as_json:
            print_json(rows)
            return
        opened.note_failed_code()
        headings = ("ASSET", "GROUP", "KIND", "LAST MADE", "PARTITIONS", "NEEDS")
        print_table(
            headings,
            [
                (
                    row["key"],
                    row["group"],
                    row["kind"],
                    moment(row["last_materialized_at"]) or "never",
                    row["partitions_materialized"],
                    ", ".join(row["deps"]),
                )
                for row in rows
            ],
            empty="No assets here.",
        )


@command.command("show")
@click.argument("key")
@home_option
@json_option
def show(key: str, home: Path | None, as_json: bool) -> None:
    """One asset: what it is, what it needs, its newest materialisations and its checks."""
    with open_home(home) as opened:
        nodes = load_nodes(opened)
        if key not in nodes:
            raise InvalidSubsetError(f"expected the key of an asset, got {key!r}; {did_you_mean(key, nodes)}")
        node, checks = nodes[key]
        recent = opened.ledger.get_events(
            EventFilter(types=(EventType.ASSET_MATERIALIZATION.value,), assets=(key,)),
            limit=10,
            ascending=False,
        )
        states = opened.ledger.get_check_states([key])
        if as_json:
            print_json({"asset": node, "checks": checks, "check_states": states, "materializations": recent})
            return
        say(f"asset {node.key} ({node.kind}, group {node.group})")
        if node.description:
            say(node.description.strip())
        if node.deps:
            say("needs " + ", ".join(dep.asset for dep in node.deps))
        for check in checks:
            state = states.get(f"{key}:{check.name}")
            said = (
                "never ran" if state is None else "passed" if state.passed else f"failed ({state.severity})"
            )
            say(f"check {check.name}: {said}" + (" [blocking]" if check.blocking else ""))
        for stored in recent:
            event = stored.event
            where = f" [{event.partition}]" if event.partition else ""
            say(f"{moment(event.timestamp)}{where} by run {event.run_id}")
            if isinstance(event.payload, Materialization):
                for label, value in event.payload.metadata.items():
                    say(f"    {label}: {value.value}")
