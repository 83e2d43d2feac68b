"""Looks at a home: settings, ledger, server, code, disk, queue."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tidewheel.cli.home import OpenHome, OpenServer
from tidewheel.cli.options import chosen_server
from tidewheel.cli.server_options import own_version
from tidewheel.errors import TidewheelError
from tidewheel.runtime.home import is_served, read_address
from tidewheel.runtime.settings import load_settings

LOW_DISK_BYTES = 500 * 1024 * 1024


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing looked at. ``state``: ``ok`` | ``warning`` | ``problem``; ``advice``: what to do."""

    name: str
    state: str
    text: str
    advice: str = ""


def look_around(home: Path | None) -> list[Finding]:
    """Findings about the installation, and about the home if there is one."""
    text = f"tidewheel {own_version()}, Python {platform.python_version()}"
    findings = [Finding(name="version", state="ok", text=text)]
    server = chosen_server()
    if server is not None:
        return findings + _examine_server(server)
    if home is None or not home.is_dir():
        text = "no home was given" if home is None else f"there is no folder {home}"
        advice = "pass --home DIR or set TIDEWHEEL_HOME; 'tidewheel dev' says which one it uses"
        return [*findings, Finding(name="home", state="problem", text=text, advice=advice)]
    return findings + examine(home)


def examine(home: Path) -> list[Finding]:
    """Everything that can be said of a home."""
    settings = _guard("settings", lambda: _settings(home))
    findings = [settings, _disk(home), _server(home)]
    if settings.state == "problem":
        return findings  # nothing can be opened before the settings are right
    try:
        with OpenHome(home) as opened:
            findings.append(_guard("ledger", lambda: _ledger(opened)))
            findings += _damage(opened)
            findings += _locations(opened)
            findings.append(_guard("queue", lambda: _queue(opened)))
    except TidewheelError as exc:
        findings.append(Finding(name="ledger", state="problem", text=str(exc)))
    except Exception as exc:  # noqa: BLE001 - a boundary: the doctor reports whatever is wrong
        advice = "if another program holds the file, end it; else restore the file from a copy"
        findings.append(
            Finding(name="ledger", state="problem", text=f"{type(exc).__name__}: {exc}", advice=advice)
        )
    return findings


def _examine_server(server: str) -> list[Finding]:
    """What a server elsewhere tells of itself."""
    try:
        with OpenServer(server) as opened:
            health = opened.control.health()
            text = f"tidewheel {health.version} on {health.home}, process {health.pid}"
            return [
                Finding(name="server", state="ok", text=text),
                *_locations(opened),
                _guard("queue", lambda: _queue(opened)),
            ]
    except TidewheelError as exc:
        return [Finding(name="server", state="problem", text=str(exc))]


def _guard(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except TidewheelError as exc:
        return Finding(name=name, state="problem", text=str(exc))


def _settings(home: Path) -> Finding:
    settings = load_settings(home, os.environ)
    where = "Postgres" if (settings.storage_url or "").startswith("postgres") else "SQLite"
    return Finding(name="settings", state="ok", text=f"{where}, {settings.max_concurrent_runs} runs at once")


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(home).free
    text = f"{free / 2**30:.1f} GiB free"
    if free < LOW_DISK_BYTES:
        return Finding(
            name="disk", state="warning", text=text, advice="make room; the ledger cannot grow without it"
        )
    return Finding(name="disk", state="ok", text=text)


def _server(home: Path) -> Finding:
    address = read_address(home)
    if is_served(home) and address is not None:
        return Finding(name="server", state="ok", text=f"process {address.pid} on {address.url}")
    advice = f"start one with 'tidewheel dev --home {home} -f FILE'"
    return Finding(name="server", state="warning", text="none runs on this home", advice=advice)


def _ledger(opened: OpenHome) -> Finding:
    stats: dict[str, Any] = opened.ledger.stats()
    text = ", ".join(f"{name} {value}" for name, value in stats.items() if not isinstance(value, dict))
    return Finding(name="ledger", state="ok", text=text)


def _damage(opened: OpenHome) -> list[Finding]:
    advice = "end the server, copy the folder, and put a sound copy of the ledger in its place"
    return [
        Finding(name="ledger", state="problem", text=f"damaged: {one}", advice=advice)
        for one in opened.ledger.find_damage()
    ]


def _locations(opened: OpenHome) -> list[Finding]:
    findings = []
    if not opened.is_served:
        names = ", ".join(opened.control.get_snapshots()) or "none was ever loaded"
        return [Finding(name="code", state="ok", text=names)]
    for location in opened.control.health().locations:
        if location.errors:
            text = f"{location.name}: " + "; ".join(error.message for error in location.errors)
            findings.append(
                Finding(name="code", state="problem", text=text, advice="mend the file; it loads again")
            )
        else:
            text = f"{location.name}: {location.assets} assets, {location.jobs} jobs, loaded in {location.load_s:.2f} s"
            findings.append(Finding(name="code", state="ok", text=f"{text} ({location.start_method})"))
        findings += [Finding(name="lint", state="warning", text=warning) for warning in location.warnings]
    return findings


def _queue(opened: OpenHome) -> Finding:
    health = opened.control.health()
    text = f"{health.queued} queued, {health.in_progress} in progress"
    if health.waiting:
        return Finding(
            name="queue", state="ok", text=f"{text}; the first waits because {health.waiting[0].reason}"
        )
    return Finding(name="queue", state="ok", text=text)
