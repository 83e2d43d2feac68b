"""Prints how far Tidewheel agrees with the recorded behaviour of Dagster, and where it does not.

    python -m tests.conformance.report [--all] [TOPIC/NAME...]

`--all` lists every differing place instead of the first few of each program.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from typing import Any

from .comparison import Outcome, compare
from .corpus import find_programs, observe

SHOWN_PER_PROGRAM = 4


def main(arguments: list[str]) -> int:
    """Prints the report; the exit code says whether everything agrees."""
    everything = "--all" in arguments
    programs = find_programs([one for one in arguments if not one.startswith("--")])
    documents = observe("tidewheel", programs, processes=2)
    outcomes: dict[str, Outcome] = {}
    loading = loadable = 0
    for program in programs:
        content = program.read()
        expected, found = content["expected"], documents[program.name]
        outcomes[program.name] = compare(expected, found, content.get("differences"))
        if loads(expected):
            loadable += 1
            loading += loads(found)
    print_outcomes(outcomes, documents, everything)
    agreeing = sum(one.agrees for one in outcomes.values())
    print(f"\nprograms {len(programs)}, of which {loadable} load on Dagster")
    print(f"load rate       {percent(loading, loadable)} ({loading} of {loadable})")
    print(f"agreement rate  {percent(agreeing, len(programs))} ({agreeing} of {len(programs)})")
    return 0 if agreeing == len(programs) else 1


def loads(document: dict[str, Any]) -> bool:
    """Whether a program could be imported and its definitions be resolved."""
    return document["import"] == "ok" and "error" not in document.get("definitions", {})


def print_outcomes(outcomes: dict[str, Outcome], documents: dict[str, Any], everything: bool) -> None:
    """The disagreements, grouped by the kind of the first place that differs, the commonest first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, outcome in outcomes.items():
        if not outcome.agrees:
            groups[kind_of(outcome.differences[0].path)].append(name)
    for kind, names in sorted(groups.items(), key=lambda one: -len(one[1])):
        print(f"\n== {len(names)} × {kind}")
        for name in names:
            print_one(name, outcomes[name], everything)
    for name, outcome in outcomes.items():
        for pattern in outcome.stale:
            print(f"stale declaration in {name}: {pattern}")


def print_one(name: str, outcome: Outcome, everything: bool) -> None:
    """One program's differences."""
    shown = outcome.differences if everything else outcome.differences[:SHOWN_PER_PROGRAM]
    print(f"  {name}")
    for difference in shown:
        print(f"    {difference}")
    if len(shown) < len(outcome.differences):
        print(f"    … and {len(outcome.differences) - len(shown)} more")


def kind_of(path: str) -> str:
    """The kind of place: the document's section, and the field in it without the user's names."""
    parts = path.split(" / ")
    section = parts[0]
    if section in ("import", "observe", "tests"):
        return section
    fields = [part for part in parts[1:] if re.fullmatch(r"[a-z_]+", part)]
    if section == "definitions" and len(parts) > 2:
        return " / ".join([section, parts[1], *parts[3:4]])
    if section == "runs" and len(parts) > 2:
        return f"{section} / {parts[2]}"
    return " / ".join([section, *fields[-1:]])


def percent(part: int, whole: int) -> str:
    """A share in percent."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
