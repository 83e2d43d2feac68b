"""Draws the scoreboard: a calendar of the year, counts, news, problems and the newest summary."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from examples.flights.scoreboard import (
    DONE,
    DOUBTFUL,
    FAILED,
    LANDED,
    RETRYING,
    RUNNING,
    Happening,
    Scoreboard,
)

CELLS = {
    LANDED: ("▪", "white"),
    RUNNING: ("◆", "bright_cyan"),
    RETRYING: ("↻", "bright_yellow"),
    DONE: ("■", "green"),
    DOUBTFUL: ("■", "yellow"),
    FAILED: ("■", "red"),
}
NEWS = {
    "landed": ("▼", "white"),
    "tick": ("◔", "cyan"),
    "done": ("✔", "green"),
    "retry": ("↻", "bright_yellow"),
    "check": ("!", "yellow"),
    "failed": ("✘", "red"),
    "reported": ("✉", "magenta"),
    "loaded": ("·", "bright_black"),
}
FIRST_DAY = date(2013, 1, 1)
CALENDAR_WIDTH = 75
CALENDAR_HEIGHT = 9
CARRIERS_HEIGHT = 10
SMALLEST = (100, 28)  # columns, lines; plain lines are better than a torn picture


class Carrier(NamedTuple):
    """A carrier in the summary."""

    name: str
    late_percent: float
    flights: int


def draw(
    board: Scoreboard, *, home: Path, summary: list[Carrier] | None, width: int, height: int, seconds: float
) -> Layout:
    """The whole picture."""
    layout = Layout()
    layout.split_column(
        Layout(_header(board, seconds), size=3),
        Layout(name="top", size=CALENDAR_HEIGHT),
        Layout(name="rest"),
        Layout(_footer(board, home), size=1),
    )
    layout["top"].split_row(Layout(_calendar(board), size=CALENDAR_WIDTH), Layout(_counts(board)))
    layout["rest"].split_row(Layout(name="news", ratio=11), Layout(name="right", ratio=10))
    rows = height - CALENDAR_HEIGHT - 6
    layout["news"].update(_panel(_lines(list(board.news)[-rows:]), "Happening now"))
    layout["right"].split_column(Layout(name="problems"), Layout(_carriers(summary), size=CARRIERS_HEIGHT))
    layout["problems"].update(_problems(board, columns=width * 10 // 21 - 5, rows=rows - CARRIERS_HEIGHT))
    return layout


def line(happening: Happening) -> Text:
    """One line of the news."""
    mark, style = NEWS[happening.kind]
    clock = time.strftime("%H:%M:%S", time.localtime(happening.at))
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{clock} ", "bright_black").append(f"{mark} ", style)
    text.append(f"{happening.kind:<8} ", style).append(happening.text)
    return text


def _problems(board: Scoreboard, *, columns: int, rows: int) -> Panel:
    """The newest problems that fit, each on as many lines as it needs."""
    shown: list[RenderableType] = []
    for happening in reversed(board.problems):
        rows -= -(-len(happening.text) // (columns - 4))  # words do not break just at the edge
        if rows < 0:
            break
        mark, style = NEWS[happening.kind]
        row = Table.grid(padding=(0, 1))
        row.add_row(Text(mark, style), happening.text)
        shown.insert(0, row)
    return _panel(Group(*shown) if shown else Text("none so far", "dim"), "Problems")


def _lines(happenings: list[Happening]) -> RenderableType:
    return Group(*(line(happening) for happening in happenings))


def _panel(body: RenderableType, title: str) -> Panel:
    return Panel(
        body, title=f"[bold]{title}", title_align="left", border_style="bright_black", padding=(0, 1)
    )


def _header(board: Scoreboard, seconds: float) -> Panel:
    row = Table.grid(expand=True)
    row.add_column(no_wrap=True)
    row.add_column(no_wrap=True, justify="right")
    row.add_row(
        Text("Tidewheel  ", "bold bright_cyan").append("the flights of New York, 2013", "not bold white"),
        Text(board.address or "starting ...", "bold").append(
            f"   {int(seconds) // 60}:{int(seconds) % 60:02d}", "not bold bright_cyan"
        ),
    )
    return Panel(row, border_style="bright_cyan", padding=(0, 1))


def _calendar(board: Scoreboard) -> Panel:
    grid = Table.grid(padding=(0, 1))
    for month in range(1, 7):
        grid.add_row(*(cell for half in (0, 6) for cell in _month(board, month + half)))
    legend = Text("  ").join(
        Text(f"{mark} ", style).append(state, "dim") for state, (mark, style) in CELLS.items()
    )
    return _panel(
        Group(grid, legend), f"{len(board.days)} of {board.days_wanted} days landed, {board.done} done"
    )


def _month(board: Scoreboard, month: int) -> tuple[Text, Text]:
    day = date(2013, month, 1)
    cells = Text()
    while day.month == month:
        mark, style = CELLS.get(board.days.get(day.isoformat(), ""), ("·", "bright_black"))
        cells.append(mark, style)
        day += timedelta(days=1)
    return Text(f"{date(2013, month, 1):%b}", "bold"), cells


def _counts(board: Scoreboard) -> Panel:
    runs = Text().append(f"{board.runs['SUCCESS']} ✔ ", "green").append(f"{board.runs['FAILURE']} ✘ ", "red")
    checks = Text().append(f"{board.checks_passed} ✔ ", "green").append(f"{board.checks_failed} !", "yellow")
    reaction = f"{board.reaction_s:.1f} s" if board.reaction_s is not None else "-"
    rows = [
        _count("ticks", Text(f"{board.ticks.total()}")),
        _count("runs", runs.append(f"{board.running} ◆", "bright_cyan")),
        *(_count(asset, Text(f"{len(days)} days")) for asset, days in board.made.items()),
        _count("checks", checks),
        _count("from landed to done", Text(reaction, "bold")),
    ]
    return _panel(Group(*rows), "Counts")


def _count(label: str, value: Text) -> Table:
    row = Table.grid(expand=True)
    row.add_column(style="dim", no_wrap=True)
    row.add_column(justify="right", no_wrap=True)
    row.add_row(label, value)
    return row


def _carriers(summary: list[Carrier] | None) -> Panel:
    if summary is None:
        wait = Text(f"made at the next full minute, in {60 - int(time.time()) % 60} s", "dim")
        return _panel(wait, "Latest carriers so far")
    table = Table.grid(expand=True, padding=(0, 1))
    for _ in range(3):
        table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True, justify="right")
    carriers = summary[: CARRIERS_HEIGHT - 2]
    worst = max([1.0, *(carrier.late_percent for carrier in carriers)])
    for name, late, flights in carriers:
        bar = "█" * max(1, round(late / worst * 12))
        colour = "red" if late > 25 else "yellow"
        table.add_row(short(name), Text(bar, colour), f"{late:.0f}% late", f"{flights:,}")
    return _panel(table, "Latest carriers so far (share late, flights)")


def _footer(board: Scoreboard, home: Path) -> Text:
    if board.is_over:
        return Text(" The year is over. Ctrl-C ends the show.", "bold green")
    text = Text(" Ctrl-C ends the show. ", "bold", no_wrap=True, overflow="ellipsis")
    return text.append(f" In a second terminal: tidewheel run list --home {home}", "not bold bright_black")


def short(carrier: str) -> str:
    """A carrier's name without its legal form."""
    for tail in (" Inc.", " Co.", " Corporation", " Airlines", " Airways", " Air Lines"):
        carrier = carrier.removesuffix(tail)
    return carrier
