"""Every form of declarative automation in the seed documents, evaluated: what is requested when."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

import tidewheel.dagster as dg
from tidewheel.worker.runs.in_process import InProcessRun

FRIDAY = datetime(2024, 5, 3, 12, tzinfo=UTC)
MOMENT = re.compile(r"(fri|sat|sun)-(\d\d):(\d\d)")


class Story:
    """One asset of the document's file, its instance, and a clock that stands until a word moves it."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self.defs, self.name = module.defs, name
        self.now = FRIDAY
        self.instance = dg.DagsterInstance.ephemeral(clock=self.seconds)
        self.cursor: Any = None

    def seconds(self) -> float:
        return self.now.timestamp()

    def is_requested(self) -> bool:
        result = dg.evaluate_automation_conditions(
            self.defs,
            self.instance,
            asset_selection=dg.AssetSelection.assets(self.name),
            evaluation_time=self.now,
            cursor=self.cursor,
        )
        self.cursor = result.cursor
        return bool(result.get_num_requested(dg.AssetKey(self.name)))

    def happen(self, word: str) -> None:
        """`source` and `own`: these assets are made; `fails`: a run of the own one; a moment such as `sat-02:00`."""
        moment = MOMENT.fullmatch(word)
        if moment is not None:
            day, hour, minute = moment.groups()
            self.now = datetime(
                2024, 5, 3 + ["fri", "sat", "sun"].index(day), int(hour), int(minute), tzinfo=UTC
            )
            return
        self.now += timedelta(minutes=1)
        if word == "fails":
            self._fail()
        elif word != "wait":
            key = "source" if word == "source" else self.name
            self.instance.report_runless_asset_event(dg.AssetMaterialization(asset_key=key))

    def _fail(self) -> None:
        @dg.op
        def breaks() -> None:
            raise RuntimeError("told to")

        @dg.asset(name=self.name)
        def broken() -> None:
            raise RuntimeError("told to")

        job = dg.Definitions(assets=[broken]).resolve_implicit_global_asset_job_def()
        run = InProcessRun(job, {}, {}, instance=self.instance, clock=self.seconds)
        assert not run.execute(job.resolve_run_config({})).success


@pytest.mark.parametrize(
    "name, words",
    [
        ("eager_asset", "wait source! own source!"),
        ("lazy_asset", "wait source own source"),
        ("by_rules", "wait source! wait own source! wait"),
        # at two in the night, unless the source is itself behind
        ("nightly_summary", "source! own sat-01:59 sat-02:00! wait own wait sun-02:00!"),
        # once the source was updated after six in the evening
        ("batched", "wait source! own fri-18:30 wait source! wait own source!"),
        # at midnight, when the source is newer and it was not made since six
        ("sophisticated", "source own source fri-18:30 fri-23:59 sat-00:01! wait"),
        ("sophisticated", "source own fri-18:30 own source sat-00:01"),
        # all the time while the source is newer, until it fails, and then from the next day on
        ("gated", "source! own wait source! wait! fails wait sat-00:01!"),
        # the second branch: on Saturday at two, when missing
        ("refilled", "wait sat-02:01"),
        ("refilled", "source! wait! own source!"),
    ],
)
def test_what_is_requested_when(load: Any, name: str, words: str) -> None:
    """A word with `!`: requested after it."""
    story = Story(load("policies"), name)
    found = []
    for word in words.replace("!", "").split():
        story.happen(word)
        found.append(word + "!" if story.is_requested() else word)
    assert " ".join(found) == words
