"""The command ``tidewheel materialize``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.options import home_option, json_option, target_options
from tidewheel.errors import InvalidInvocationError
from tidewheel.runtime.deferred import deferred

launch_and_report = deferred("tidewheel.cli.launching", "launch_and_report")

RANGE_SEPARATOR = "..."


@click.command("materialize")
@click.argument("selections", nargs=-1, metavar="[SELECTION]...")
@click.option("--select", "select", help="Selection of assets (same as an argument).")
@click.option("--partition", help="Key of the partition to materialize.")
@click.option("--partition-range", help="First and last key, inclusive: A...B")
@click.option(
    "-c",
    "--config",
    "configs",
    multiple=True,
    type=click.Path(dir_okay=False),
    help="YAML or JSON run config.",
)
@click.option("--config-json", help="Run config as JSON text.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag of the run.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for the end of the run.")
@target_options
@home_option
@json_option
def command(
    selections: tuple[str, ...],
    select: str | None,
    partition: str | None,
    partition_range: str | None,
    configs: tuple[str, ...],
    config_json: str | None,
    tags: tuple[str, ...],
    wait: bool,
    files: tuple[str, ...],
    modules: tuple[str, ...],
    attribute: str | None,
    working_dir: str | None,
    as_dagster: bool,
    home: Path | None,
    as_json: bool,
) -> None:
    """Materialize the assets of each SELECTION (default: all): on the server of this home, or in this process.

    SELECTION is an asset selection: a key, 'key+' with what follows, 'group:name', '*'; a comma in it means "or".
    """
    if partition_range is not None and RANGE_SEPARATOR not in partition_range:
        raise InvalidInvocationError(f"expected --partition-range FIRST...LAST, got {partition_range!r}")
    bounds = partition_range.split(RANGE_SEPARATOR, 1) if partition_range else None
    request = {
        "selection": ",".join([*selections, *([select] if select else [])]) or "*",
        "partition": partition,
        "partition_range": (bounds[0], bounds[1]) if bounds else None,
    }
    target = (files, modules, attribute, working_dir, as_dagster)
    raise SystemExit(
        launch_and_report(
            request, (configs, config_json, tags), target, home=home, wait=wait, as_json=as_json
        )
    )
