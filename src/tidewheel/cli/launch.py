"""The command ``tidewheel launch``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.home import home_option
from tidewheel.cli.launching import launch_and_report, parse_config, parse_tags
from tidewheel.cli.output import json_option
from tidewheel.cli.targets import target_options
from tidewheel.values.launch import LaunchRequest


@click.command("launch")
@click.argument("job")
@click.option("--partition", help="Key of the partition to run.")
@click.option("-c", "--config", "configs", multiple=True, type=click.Path(dir_okay=False), help="YAML or JSON run config.")
@click.option("--config-json", help="Run config as JSON text.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag of the run.")
@click.option("--location", help="Code location, when several have a job of this name.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for the end of the run.")
@target_options
@home_option
@json_option
def command(
    job: str,
    partition: str | None,
    configs: tuple[str, ...],
    config_json: str | None,
    tags: tuple[str, ...],
    location: str | None,
    wait: bool,
    files: tuple[str, ...],
    modules: tuple[str, ...],
    attribute: str | None,
    working_dir: str | None,
    as_dagster: bool,
    home: Path | None,
    as_json: bool,
) -> None:
    """Launch JOB: through the queue of the server on this home, or in this process where none runs.

    Exit code 0: the run succeeded (or was queued, with --no-wait); 1: it failed or could not be launched.
    """
    request = LaunchRequest(
        job_name=job,
        location=location,
        partition=partition,
        run_config=parse_config(configs, config_json),
        tags=parse_tags(tags),
    )
    target = (files, modules, attribute, working_dir, as_dagster)
    raise SystemExit(launch_and_report(request, target, home=home, wait=wait, as_json=as_json))
