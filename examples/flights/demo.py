"""The show: starts Tidewheel on the pipeline, plays the year into its landing folder, and draws what happens."""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from examples.flights import feeder, screen
from examples.flights.processes import end_all
from examples.flights.scoreboard import DAILY_ASSETS, DAYS_IN_YEAR, Scoreboard, day_of

ROOT = Path(__file__).parents[2]
PIPELINE = Path("examples/flights/pipeline.py")
FRAME_S = 0.2
GRACE_S = 3.5
SMALLEST_SHARE = 0.005  # of all flights: fewer make a poor average


class Show:
    """A server, a feeder, and the scoreboard between them."""

    def __init__(self, home: Path, *, days: int, pace_s: float, console: Console) -> None:
        self.home = home
        self.data = home / "flights"
        self.landing = self.data / "landing"
        self.board = Scoreboard(days_wanted=days)
        self.stop = threading.Event()
        self._console = console
        self._pace_s = pace_s
        self._began = time.monotonic()
        self._inbox: queue.Queue[tuple[str, Any, float]] = queue.Queue()
        self._server: subprocess.Popen[str] | None = None
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._told = 0  # news that were printed as lines
        self._failures_read = 0  # bytes of the failure sensor's file
        self._summary: list[screen.Carrier] | None = None
        self._summary_of = 0.0

    # -- its parts ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server; the feeder follows when the code has loaded."""
        self.landing.mkdir(parents=True, exist_ok=True)
        self._resume()
        command = [sys.executable, "-m", "tidewheel.cli.main", "dev", "-f", str(PIPELINE)]
        command += ["--home", str(self.home), "--port", "0", "--json"]
        # one thread per worker is right for a thousand rows, and lets the server fork workers from warm code
        quiet = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
        self._server = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **quiet, "FLIGHTS_DATA": str(self.data)},
            stdout=subprocess.PIPE,
            stderr=open(self.home / "server.log", "a"),  # noqa: SIM115 - the child's from now on
            text=True,
            start_new_session=True,  # Ctrl-C comes to us alone; we end the server in order
        )
        assert self._server.stdout is not None
        threading.Thread(target=self._listen, args=(self._server.stdout,), daemon=True).start()

    def _resume(self) -> None:
        landed = sorted(day_of(path.name) for path in self.landing.glob("flights-*.csv"))
        made = {asset: [p.stem for p in (self.data / asset).glob("2*.parquet")] for asset in DAILY_ASSETS}
        self.board.resume(landed, made)
        if self._failures.exists():
            self._failures_read = self._failures.stat().st_size

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            if line.startswith("{"):  # the rest is what user code prints
                self._inbox.put(("activity", json.loads(line), time.time()))
        self._inbox.put(("ended", None, time.time()))

    def _feed(self) -> None:
        try:
            feeder.play(
                self.landing,
                days=self.board.days_wanted,
                pace_s=self._pace_s,
                stop=self.stop,
                landed=lambda name: self._inbox.put(("file", name, time.time())),
            )
        except OSError as exc:  # a full disk, say: the show goes on with what has landed
            self._inbox.put(("trouble", f"the feeder stopped: {exc}", time.time()))

    # -- its course -----------------------------------------------------------------------------------------------------

    def run(self, *, live: Live | None, seconds: float | None) -> bool:
        """Take in and show what happens until it is stopped or time is up; whether the server held out."""
        next_frame = 0.0
        while not self.stop.is_set():
            if not self._take_in(FRAME_S):
                return False
            if seconds is not None and self.seconds >= seconds:
                break
            if time.monotonic() >= next_frame:
                next_frame = time.monotonic() + FRAME_S
                self._take_files()
                if live is None:
                    self.tell()
                else:
                    live.update(self.picture(), refresh=True)
        return True

    def end(self) -> None:
        """Stop the feeder and the server; nothing is left behind."""
        self.stop.set()
        if self._server is not None:
            end_all(self._server, grace_s=GRACE_S)
        if self._feeder.ident is not None:
            self._feeder.join(0.5)

    @property
    def seconds(self) -> float:
        """How long the show has run."""
        return time.monotonic() - self._began

    def picture(self) -> screen.Layout:
        """The scoreboard, drawn."""
        return screen.draw(
            self.board,
            home=self.home,
            summary=self._summary,
            width=self._console.width,
            height=self._console.height,
            seconds=self.seconds,
        )

    def tell(self) -> None:
        """Print the news that were not printed yet."""
        untold = self.board.told - self._told
        for happening in list(self.board.news)[-untold:] if untold else []:
            self._console.print(screen.line(happening), soft_wrap=True)
        self._told = self.board.told

    def _take_in(self, timeout_s: float) -> bool:
        """Wait for something to happen, and take all of it; False when the server has ended."""
        try:
            waiting = [self._inbox.get(timeout=timeout_s)]
        except queue.Empty:
            return True
        while not self._inbox.empty():
            waiting.append(self._inbox.get())
        for kind, what, at in waiting:
            if kind == "ended":
                return False
            if kind == "file":
                self.board.take_file(what, at)
                continue
            if kind == "trouble":
                self.board.take_trouble(what, at)
                continue
            self.board.take(what)
            if (
                what.get("kind") == "location"
                and what.get("status") == "LOADED"
                and self._feeder.ident is None
            ):
                self._feeder.start()
        return True

    @property
    def _failures(self) -> Path:
        return self.data / "failures.log"

    def _take_files(self) -> None:
        """What the pipeline has written for us to see: the failure sensor's reports and the newest summary."""
        if self._failures.exists():
            with open(self._failures) as reports:
                reports.seek(self._failures_read)
                for report in reports:
                    self.board.take_report(report.rstrip("\n"), time.time())
                self._failures_read = reports.tell()
        summary = self.data / "year_so_far" / "all.parquet"
        if summary.exists() and summary.stat().st_mtime != self._summary_of:
            self._summary_of = summary.stat().st_mtime
            self._summary = read_carriers(summary)


def read_carriers(summary: Path) -> list[screen.Carrier]:
    """The carriers of the summary, the latest first; without those that hardly fly here."""
    import pandas as pd  # noqa: PLC0415 - takes a second, and Ctrl-C should work before it has passed

    table = pd.read_parquet(summary)
    carriers = table[table["by"] == "carrier"]
    carriers = carriers[carriers["flights"] >= SMALLEST_SHARE * carriers["flights"].sum()]
    return [screen.Carrier(*row) for row in carriers[["name", "late %", "flights"]].itertuples(index=False)]


def main() -> int:
    """Run the show; exit code 0 unless the server broke."""
    args = _arguments()
    console = Console()
    home = (args.home or Path(tempfile.mkdtemp(prefix="tidewheel-flights-"))).resolve()
    home.mkdir(parents=True, exist_ok=True)
    columns, lines = screen.SMALLEST
    plain = args.plain or not console.is_terminal or console.width < columns or console.height < lines
    show = Show(home, days=args.days, pace_s=args.pace, console=console)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: show.stop.set())
    console.print(f"Starting Tidewheel on {PIPELINE} with --home {home} ...", soft_wrap=True)
    try:
        show.start()
        if plain:
            held_out = show.run(live=None, seconds=args.seconds)
        else:
            with Live(show.picture(), console=console, screen=True, auto_refresh=False) as live:
                held_out = show.run(live=live, seconds=args.seconds)
        console.print("Stopping ...")
    finally:
        show.end()
    if plain:
        show.tell()
    _say_goodbye(show, console, kept=args.home is not None)
    if not held_out:
        console.print(Text((home / "server.log").read_text()[-3000:]), style="red")
        console.print("The server ended by itself; its last words are above.", style="bold red")
    if args.home is None:
        shutil.rmtree(home, ignore_errors=True)
    return 0 if held_out else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.flights.demo", description=__doc__)
    parser.add_argument("--home", type=Path, help="keep state and data here; a later show goes on from there")
    parser.add_argument("--days", type=int, default=DAYS_IN_YEAR, help="how many days of 2013 to play (all)")
    parser.add_argument("--pace", type=float, default=feeder.PACE_S, metavar="SECONDS", help="per day (2)")
    parser.add_argument("--seconds", type=float, help="stop by itself after so long")
    parser.add_argument("--plain", action="store_true", help="print lines, do not draw")
    args = parser.parse_args()
    if not 1 <= args.days <= DAYS_IN_YEAR:
        parser.error(f"expected --days from 1 to {DAYS_IN_YEAR}, got {args.days}")
    if args.pace < 0:
        parser.error(f"expected --pace of 0 or more seconds, got {args.pace:g}")
    return args


def _say_goodbye(show: Show, console: Console, *, kept: bool) -> None:
    board = show.board
    console.print(
        f"{len(board.days)} days landed, {board.done} done: {board.runs['SUCCESS']} runs succeeded, "
        f"{board.runs['FAILURE']} failed ({board.reported} reported by the failure sensor), {board.retries} retries, "
        f"{board.checks_failed} of {board.checks_passed + board.checks_failed} checks did not pass.",
        soft_wrap=True,
    )
    if kept:
        console.print(
            f"State: {show.home}   data: {show.data}   summary: {show.data / 'summary.md'}", soft_wrap=True
        )
    else:
        console.print(
            "Its temporary home is removed; keep one with: make demo DEMO_ARGS='--home DIR'", soft_wrap=True
        )


if __name__ == "__main__":
    sys.exit(main())
