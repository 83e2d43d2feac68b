"""Tidewheel shows of every program what Dagster shows, but for the differences that the program declares."""

from __future__ import annotations

import json
from functools import cache

import pytest

from .comparison import compare
from .corpus import RECORDED_WITH, Program, dagster_python, dagster_version, find_programs, observe

PROGRAMS = find_programs()
TOPICS = sorted({program.topic for program in PROGRAMS})


def grouped(items: list, topic_of) -> list:
    return [
        pytest.param(item, id=getattr(item, "name", item), marks=pytest.mark.xdist_group(topic_of(item)))
        for item in items
    ]


@cache
def tidewheel_documents(topic: str) -> dict:
    return observe("tidewheel", [one for one in PROGRAMS if one.topic == topic])


@pytest.mark.parametrize("program", grouped(PROGRAMS, lambda one: one.topic))
def test_program_behaves_as_recorded(program: Program) -> None:
    content = program.read()
    assert "expected" in content, (
        f"{program.name} was never recorded: run python -m tests.conformance.record {program.name}"
    )
    outcome = compare(
        content["expected"], tidewheel_documents(program.topic)[program.name], content.get("differences")
    )
    assert outcome.agrees, f"{program.name} differs:\n" + "\n".join(f"  {one}" for one in outcome.differences)
    assert not outcome.stale, f"{program.name} declares differences that are gone: {outcome.stale}"


@pytest.mark.parametrize("topic", grouped(TOPICS, lambda topic: topic))
def test_recording_is_what_dagster_shows(topic: str) -> None:
    python = dagster_python()
    if python is None:
        pytest.skip("no interpreter with Dagster: set TIDEWHEEL_CONFORMANCE_PYTHON or make .venv-bench")
    recorded_with = json.loads(RECORDED_WITH.read_text())["dagster"]
    if dagster_version(python) != recorded_with:
        pytest.skip(f"recorded with Dagster {recorded_with}, this interpreter has {dagster_version(python)}")
    programs = [one for one in PROGRAMS if one.topic == topic]
    documents = observe("dagster", programs, python)
    outdated = [one.name for one in programs if one.read().get("expected") != documents[one.name]]
    assert not outdated, f"recorded expectations are not what Dagster shows: {outdated}"
