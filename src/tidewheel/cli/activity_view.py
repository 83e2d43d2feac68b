"""Shows a server's activities in the terminal, one line each."""

from __future__ import annotations

import queue
import threading

import click
import msgspec

from tidewheel.cli.output import moment, say
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

MAX_WAITING = 10_000


class ActivityPrinter:
    """Prints activities; the same skip of the same trigger is printed once in a row.

    A thread of its own writes: a terminal that is stopped (Ctrl-S) or a pipe that nobody reads must not stop the server.
    What does not fit into the queue is left out, and the number of lines left out is said. What comes before ``begin``
    waits for it.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last_skip: dict[str, str] = {}
        self._waiting: queue.Queue[str | None] = queue.Queue(MAX_WAITING)
        self._left_out = 0
        self._thread: threading.Thread | None = None

    def begin(self, head: str | None = None) -> None:
        """Print from now on: a line to begin with, then what waits and what comes."""
        self._thread = threading.Thread(target=self._write, args=(head,), name="tidewheel-print", daemon=True)
        self._thread.start()

    def show(self, activity: Activity) -> None:
        """Print one activity, soon."""
        if not self._as_json and activity.kind == "tick":
            if activity.status == "SKIPPED" and self._last_skip.get(activity.name) == activity.text:
                return
            self._last_skip[activity.name] = activity.text if activity.status == "SKIPPED" else ""
        self.say(msgspec.json.encode(activity).decode() if self._as_json else line_of(activity))

    def say(self, line: str) -> None:
        """Print one line, soon."""
        try:
            if self._left_out and not self._as_json:
                self._waiting.put_nowait(f"({self._left_out} lines left out: nobody read them)")
                self._left_out = 0
            self._waiting.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def close(self) -> None:
        """Print what waits, for a moment at most."""
        if self._thread is None:
            self.begin()
        assert self._thread is not None
        try:
            self._waiting.put(None, timeout=0.5)
        except queue.Full:
            return
        self._thread.join(timeout=0.5)

    def _write(self, head: str | None) -> None:
        line = head if head is not None else self._waiting.get()
        while line is not None:
            try:
                say(line)
            except OSError:
                return  # nobody will ever read
            line = self._waiting.get()


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
