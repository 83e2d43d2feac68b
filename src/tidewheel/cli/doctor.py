"""The command ``tidewheel doctor``: looks at a home and says what is wrong and what to do."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import print_json, say
from tidewheel.runtime.deferred import deferred

look_around = deferred("tidewheel.cli.examination", "look_around")

MARKS = {"ok": ("ok", "green"), "warning": ("!!", "yellow"), "problem": ("XX", "red")}


@click.command("doctor")
@home_option
@json_option
def command(home: Path | None, as_json: bool) -> None:
    """Check a home: settings, ledger, server, code, disk; of a server elsewhere its code and queue.

    Exit code 1 when something is wrong.
    """
    findings = look_around(home)
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            mark, colour = MARKS[finding.state]
            say(f"{click.style(mark, fg=colour)}  {finding.name:<10} {finding.text}")
            if finding.advice:
                say(f"    {'':<10} → {finding.advice}")
    raise SystemExit(1 if any(finding.state == "problem" for finding in findings) else 0)
