"""The command ``tidewheel launch``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.options import home_option, json_option, target_options
from tidewheel.runtime.deferred import deferred

launch_and_report = deferred("tidewheel.cli.launching", "launch_and_report")


@click.command("launch")
@click.argument("job")
@click.option("--partition", help="Key of the partition to run.")
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
    request = {
        "job_name": job,
        "location": location,
        "partition": partition,
    }
    target = (files, modules, attribute, working_dir, as_dagster)
    raise SystemExit(
        launch_and_report(
            request, (configs, config_json, tags), target, home=home, wait=wait, as_json=as_json
        )
    )
