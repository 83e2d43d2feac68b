"""Shows a server's activities in the terminal, one line each."""

from __future__ import annotations

import click
import msgspec

from tidewheel.cli.output import moment
from tidewheel.runtime.protocol import Activity

COLOURS = {
    "SUCCESS": "green",
    "PASSED": "green",
    "LOADED": "green",
    "FAILURE": "red",
    "FAILED": "red",
    "DIED": "red",
    "CANCELED": "yellow",
    "RETRY": "yellow",
    "SKIPPED": "bright_black",
    "STARTED": "cyan",
}
ID_LENGTH = 8


class ActivityPrinter:
    """Prints activities; the same skip of the same trigger is printed once in a row."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last_skip: dict[str, str] = {}

    def show(self, activity: Activity) -> None:
        """Print one activity."""
        if self._as_json:
            click.echo(msgspec.json.encode(activity).decode())
            return
        if activity.kind == "tick":
            if activity.status == "SKIPPED" and self._last_skip.get(activity.name) == activity.text:
                return
            self._last_skip[activity.name] = activity.text if activity.status == "SKIPPED" else ""
        click.echo(line_of(activity))


def line_of(activity: Activity) -> str:
    """The activity as one line."""
    head = activity.status.split(" ")[0]
    status = click.style(f"{activity.status:<9}", fg=COLOURS.get(head))
    name = activity.name
    if activity.partition:
        name += f"[{activity.partition}]"
    run = f" run {activity.run_id[-ID_LENGTH:]}" if activity.run_id and activity.kind == "run" else ""
    text = f"  {activity.text}" if activity.text else ""
    return f"{moment(activity.timestamp)[11:]}  {activity.kind:<15} {status} {name}{run}{text}"
