"""Records what the programs show on Dagster, as the expectation that Tidewheel is compared with.

    python -m tests.conformance.record [TOPIC/NAME...]

Wants an interpreter with Dagster (see corpus.dagster_python). Options and declared differences in the sidecars stay.
"""

from __future__ import annotations

import json
import sys

from .corpus import RECORDED_WITH, dagster_python, dagster_version, find_programs, observe


def main(wanted: list[str]) -> int:
    """Re-makes the recorded expectations."""
    python = dagster_python()
    if python is None:
        print(
            "no interpreter with Dagster: set TIDEWHEEL_CONFORMANCE_PYTHON or make .venv-bench",
            file=sys.stderr,
        )
        return 2
    programs = find_programs(wanted)
    documents = observe("dagster", programs, python, processes=2)
    changed = 0
    for program in programs:
        content = program.read()
        if content.get("expected") == documents[program.name]:
            continue
        changed += 1
        program.write(content | {"expected": documents[program.name]})
        print(f"recorded {program.name}{remark(documents[program.name])}")
    RECORDED_WITH.write_text(json.dumps({"dagster": dagster_version(python)}) + "\n")
    print(f"{len(programs)} programs, {changed} changed")
    return 0


def remark(document: dict) -> str:
    """What deserves a look in a fresh recording: a program that does not load, a test that fails."""
    if document["import"] != "ok":
        return f"  ! import {document['import']}"
    if "error" in document.get("definitions", {}):
        return f"  ! definitions {document['definitions']}"
    if isinstance(document.get("observe"), dict) and "error" in document["observe"]:
        return f"  ! observe {document['observe']}"
    failing = [f"{name} {how}" for name, how in document["tests"].items() if how != "passed"]
    return f"  ! {failing}" if failing else ""


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
