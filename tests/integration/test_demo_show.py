"""The demo itself: days land, are requested once each and made; Ctrl-C ends it at once and whole; a second show goes on."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
DAILY_ASSETS = ("clean_flights", "flights_with_weather", "delays")


def show_until_done(home: Path, *, days: int, awaited: set[str]) -> str:
    """Run the show until the awaited days are done, then press Ctrl-C; what it printed."""
    show = subprocess.Popen(
        [sys.executable, "-m", "examples.flights.demo", "--plain", "--home", str(home), "--days", str(days)]
        + ["--pace", "0.2", "--seconds", "50"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    assert show.stdout is not None
    printed: list[str] = []
    missing = set(awaited)
    for line in show.stdout:
        printed.append(line)
        if " done " in line:
            missing -= {day for day in missing if day in line}
        if not missing:
            break
    family = psutil.Process(show.pid).children(recursive=True)
    pressed = time.monotonic()
    show.send_signal(signal.SIGINT)
    rest, _ = show.communicate(timeout=90)
    text = "".join(printed) + rest
    assert not missing, text
    assert time.monotonic() - pressed < 5, text
    assert show.returncode == 0, text
    assert family and not psutil.wait_procs(family, timeout=1)[1], "left behind"
    return text


def tidewheel(*arguments: str) -> list[dict]:
    command = [sys.executable, "-m", "tidewheel.cli.main", *arguments, "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def days_requested(home: Path) -> list[tuple[str, str]]:
    runs = tidewheel("run", "list", "--job", "one_day", "--home", str(home))
    assert {run["status"] for run in runs} == {"SUCCESS"}
    return sorted((run["partition"], run["run_key"]) for run in runs)


def test_the_show(tmp_path):
    home = tmp_path / "home"
    days = [f"2013-01-0{day}" for day in range(1, 5)]
    keys = [(day, f"flights-{day}.csv") for day in days]

    text = show_until_done(home, days=3, awaited=set(days[:3]))
    assert "retry" in text  # 1 January lacks weather, which comes late
    assert "3 days landed, 3 done" in text
    assert days_requested(home) == keys[:3]
    made = {
        asset["key"]: asset["partitions_materialized"]
        for asset in tidewheel("asset", "list", "--home", str(home))
    }
    assert {asset: made[asset] for asset in DAILY_ASSETS} == dict.fromkeys(DAILY_ASSETS, 3)
    for asset in DAILY_ASSETS:
        assert sorted(path.stem for path in (home / "flights" / asset).iterdir()) == days[:3]

    show_until_done(home, days=4, awaited={days[3]})
    assert days_requested(home) == keys
