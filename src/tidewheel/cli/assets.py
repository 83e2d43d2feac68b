"""The commands ``tidewheel asset``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table, say
from tidewheel.errors import InvalidSubsetError, did_you_mean
from tidewheel.runtime.deferred import deferred
from tidewheel.values.events import EventType, Materialization
from tidewheel.values.records import EventFilter

if TYPE_CHECKING:
    from tidewheel.cli.home import OpenHome
    from tidewheel.logic.graph.specs import CheckNode
    from tidewheel.values.records import CheckState

failures = deferred("tidewheel.cli.failures", "failures")
logs_command = deferred("tidewheel.cli.runs", "logs_command")
open_home = deferred("tidewheel.cli.home", "open_home")
load_nodes = deferred("tidewheel.cli.asset_nodes", "load_nodes")


@click.group("asset", cls=SuggestingGroup)
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
        state = opened.ledger.get_asset_states([key]).get(key)
        states = opened.ledger.get_check_states([key])
        if as_json:
            print_json({"asset": node, "checks": checks, "check_states": states, "materializations": recent})
            return
        say(f"asset {node.key} ({node.kind}, group {node.group})")
        if node.description:
            say(node.description.strip())
        if node.deps:
            say("needs " + ", ".join(dep.asset for dep in node.deps))
        if not recent and node.kind == "materializable":
            say("never made")
        if state is not None and state.last_failed_run_id is not None:
            _say_failure(opened, state.last_failed_run_id)
        for check in checks:
            _say_check(check, states)
        for stored in recent:
            event = stored.event
            where = f" [{event.partition}]" if event.partition else ""
            say(f"{moment(event.timestamp)}{where} by run {event.run_id}")
            if isinstance(event.payload, Materialization):
                for label, value in event.payload.metadata.items():
                    say(f"    {label}: {value.value}")


def _say_failure(opened: OpenHome, run_id: str) -> None:
    run = opened.ledger.get_run(run_id)
    if run is None:
        return
    say(f"run {run_id}, which was to make it, failed at {moment(run.ended_at)}", fg="red")
    for failed in failures(opened.ledger.get_run_log(run_id)):
        say(f"    {failed}")
    say(f"next: {logs_command(opened, run_id)}")


def _say_check(check: CheckNode, states: Mapping[str, CheckState]) -> None:
    state = states.get(f"{check.asset}:{check.name}")
    said = "never ran" if state is None else "passed" if state.passed else f"failed ({state.severity})"
    say(f"check {check.name}: {said}" + (" [blocking]" if check.blocking else ""))
