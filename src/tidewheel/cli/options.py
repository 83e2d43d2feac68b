"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tidewheel.errors import InvalidInvocationError

F = TypeVar("F", bound=Callable[..., Any])

TargetOptions = tuple[tuple[str, ...], tuple[str, ...], str | None, str | None, bool]
"""Files, modules, attribute, working folder, whether to run as Dagster code."""

SERVER = "tidewheel.server"
"""Where a command's context keeps the server that it is to work on."""


def _keep_server(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value:
        context.meta[SERVER] = value


def chosen_server() -> str | None:
    """The server (address or profile) that the present command was given."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(SERVER)


local_home_option = click.option(
    "--home",
    envvar="TIDEWHEEL_HOME",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that holds the state. [env: TIDEWHEEL_HOME]",
)
server_option = click.option(
    "--server",
    envvar="TIDEWHEEL_SERVER",
    metavar="URL",
    expose_value=False,
    callback=_keep_server,
    help="Work on a server elsewhere: its address, or a profile of 'tidewheel login'. [env: TIDEWHEEL_SERVER]",
)


def home_option(command: F) -> F:
    """The options that say which home, or which server, a command works on."""
    return local_home_option(server_option(command))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def target_options(command: F) -> F:
    """The options that name code."""
    options = [
        click.option(
            "-f",
            "--python-file",
            "files",
            multiple=True,
            type=click.Path(dir_okay=False),
            help="File with definitions.",
        ),
        click.option("-m", "--module-name", "modules", multiple=True, help="Module with definitions."),
        click.option(
            "-a", "--attribute", help="Name in the file or module, if not everything in it is wanted."
        ),
        click.option(
            "-d",
            "--working-directory",
            "working_dir",
            type=click.Path(file_okay=False),
            help="Where imports start.",
        ),
        click.option("--as-dagster", is_flag=True, help="Run code that says 'import dagster', unchanged."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def parse_tags(texts: tuple[str, ...]) -> dict[str, str]:
    """Tags of ``KEY=VALUE`` texts.

    Raises:
        InvalidInvocationError: when one has no ``=``.
    """
    tags = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise InvalidInvocationError(f"expected --tag KEY=VALUE, got {text!r}")
        tags[key] = value
    return tags
