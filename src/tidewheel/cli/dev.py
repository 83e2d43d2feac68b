"""The command ``tidewheel dev``: a server with its code locations, in one terminal."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.options import local_home_option, target_options
from tidewheel.runtime.deferred import deferred

serve = deferred("tidewheel.cli.serving", "serve")

DEFAULT_PORT = 3000


@click.command("dev")
@target_options
@local_home_option
@click.option(
    "--port", type=click.IntRange(0, 65535), help=f"HTTP port; a free one when {DEFAULT_PORT} is taken."
)
@click.option("--host", help="Address to listen on; 127.0.0.1 if the settings name none.")
@click.option("--read-only", is_flag=True, help="Refuse every change that people ask for.")
@click.option("--quiet", is_flag=True, help="Do not show what happens.")
@click.option("--json", "as_json", is_flag=True, help="Show what happens as JSON lines.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="warning")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="Of the server's log and, as json, of its processes' logs; text if the settings name none.",
)
def command(
    files: tuple[str, ...],
    modules: tuple[str, ...],
    attribute: str | None,
    working_dir: str | None,
    as_dagster: bool,
    home: Path | None,
    port: int | None,
    host: str | None,
    read_only: bool,
    quiet: bool,
    as_json: bool,
    log_level: str,
    log_format: str | None,
) -> None:
    """Run definitions: schedules and sensors tick, runs are queued and executed. Ends with Ctrl-C.

    Code is loaded again when one of its files changes. State lives in --home (or TIDEWHEEL_HOME); where neither is given,
    in a temporary folder that is removed at the end.
    """
    serve(
        (files, modules, attribute, working_dir, as_dagster),
        home=home,
        host=host,
        port=port,
        quiet=quiet,
        as_json=as_json,
        log_level=log_level,
        log_format=log_format,
        read_only=read_only,
    )
