"""Tidewheel shows of every program what Dagster shows, but for what the program or the list of disagreements declares."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import pytest

from .comparison import compare
from .corpus import RECORDED_WITH, Program, dagster_python, dagster_version, find_programs, observe

EVERY = 1 if os.environ.get("TIDEWHEEL_CONFORMANCE") == "all" else 4
"""The suite takes every fourth program, which costs seconds; `make conformance` takes all."""
PROGRAMS = find_programs()[::EVERY]
SHARES = 8 if EVERY == 1 else 1
"""The programs are observed in so many processes, one after another in each worker: starting one costs seconds."""
KNOWN: dict[str, str] = json.loads((Path(__file__).parent / "known_disagreements.json").read_text())
"""Program → why it still disagrees."""


def share_of(program: Program) -> int:
    return PROGRAMS.index(program) % SHARES


def grouped(items: list, share, name) -> list:
    return [
        pytest.param(item, id=name(item), marks=pytest.mark.xdist_group(f"conformance-{share(item)}"))
        for item in items
    ]


def programs_of(share: int) -> list[Program]:
    return [one for one in PROGRAMS if share_of(one) == share]


@cache
def tidewheel_documents(share: int) -> dict:
    return observe("tidewheel", programs_of(share))


@pytest.mark.timeout(600)  # the first test of a share waits for the whole share
@pytest.mark.parametrize("program", grouped(PROGRAMS, share_of, lambda one: one.name))
def test_program_behaves_as_recorded(program: Program) -> None:
    content = program.read()
    assert "expected" in content, (
        f"{program.name} was never recorded: run python -m tests.conformance.record {program.name}"
    )
    found = tidewheel_documents(share_of(program))[program.name]
    outcome = compare(content["expected"], found, content.get("differences"))
    assert not outcome.stale, f"{program.name} declares differences that are gone: {outcome.stale}"
    if program.name in KNOWN:
        assert not outcome.agrees, f"{program.name} agrees now: take it out of known_disagreements.json"
        return
    assert outcome.agrees, f"{program.name} differs:\n" + "\n".join(f"  {one}" for one in outcome.differences)


def test_known_disagreements_name_programs_and_reasons() -> None:
    assert set(KNOWN) <= {one.name for one in find_programs()}
    assert all(len(reason.split()) > 2 for reason in KNOWN.values())


@pytest.mark.skipif(EVERY > 1, reason="takes minutes: set TIDEWHEEL_CONFORMANCE=all")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("share", grouped(list(range(SHARES)), lambda share: share, str))
def test_recording_is_what_dagster_shows(share: int) -> None:
    python = dagster_python()
    if python is None:
        pytest.skip("no interpreter with Dagster: set TIDEWHEEL_CONFORMANCE_PYTHON or make .venv-bench")
    recorded_with = json.loads(RECORDED_WITH.read_text())["dagster"]
    if dagster_version(python) != recorded_with:
        pytest.skip(f"recorded with Dagster {recorded_with}, this interpreter has {dagster_version(python)}")
    programs = programs_of(share)
    documents = observe("dagster", programs, python)
    outdated = [one.name for one in programs if one.read().get("expected") != documents[one.name]]
    assert not outdated, f"recorded expectations are not what Dagster shows: {outdated}"
