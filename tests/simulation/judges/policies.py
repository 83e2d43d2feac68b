"""Policies: overlap, catch-up, pauses, budgets, the breaker and the lifetime of run keys, as their users read them."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from tests.simulation.code_policies import (
    CATCHES_UP,
    DELAY_S,
    FAILURES,
    OVERLAPPING,
    PERIOD_S,
    RUNS_PER_HOUR,
)
from tests.simulation.judges.judge import UNFINISHED, Judge

HOUR_S = 3_600.0
SLACK_S = 30.0
"""How long a decision may be on its way to the ledger."""


class PolicyJudge(Judge):
    """Remembers when it first saw a pause: decisions made before may still arrive."""

    touched_by = frozenset(("commit_ticks", "release", "create_runs", "finish_run"))

    def check(self) -> None:
        names = ", ".join(f"'two/{name}'" for name in OVERLAPPING)
        overlapping = self.rows(
            f"SELECT trigger_id, count(*) FROM run WHERE trigger_id IN ({names}) AND {UNFINISHED} "
            "GROUP BY trigger_id HAVING count(*) > 1"
        )
        assert not overlapping, f"unfinished runs overlap: {overlapping}"
        self._check_wishes()
        self._note_ticks()

    def _note_ticks(self) -> None:
        """When the resting schedule's ticks were made: one of a time that comes again may be older than a pause of it."""
        made = "SELECT scheduled_for FROM tick WHERE trigger_id = 'two/resting' AND status <> 'SKIPPED'"
        for (nominal,) in self.rows(made):  # a skipped one tells what was left out
            self.world.ticks_seen.setdefault(nominal, self.world.loop.time())

    def _check_wishes(self) -> None:
        """What a budget holds back is owed: the cursor's requests are runs, or wait."""
        found = self.rows("SELECT cursor FROM trigger WHERE trigger_id = 'two/bursts'")
        asked = int(found[0][0] or 0) if found else 0
        made = self.one("SELECT count(*) FROM run WHERE trigger_id = 'two/bursts' AND parent_run_id IS NULL")
        held = self.one("SELECT count(*) FROM held_request WHERE trigger_id = 'two/bursts'")
        assert made + held == asked, f"{asked} wishes have {made} runs, and {held} wait"

    def check_thoroughly(self) -> None:
        self.check()
        self._check_budget()
        self._check_breaker()
        self._check_keys()
        self._check_catch_up()
        self._check_pauses()

    def _check_budget(self) -> None:
        moments = [
            row[0]
            for row in self.rows(
                "SELECT created_at FROM run WHERE trigger_id = 'two/bursts' AND parent_run_id IS NULL ORDER BY seq"
            )
        ]
        for first, next_one, span in (
            (moments[n], moments[n + RUNS_PER_HOUR], moments[n : n + RUNS_PER_HOUR + 1])
            for n in range(len(moments) - RUNS_PER_HOUR)
        ):
            if any(after < before for before, after in pairwise(span)):
                continue  # the clock was set back between them: the hour came twice
            assert next_one - first >= HOUR_S - 0.001, (
                f"more than {RUNS_PER_HOUR} runs in an hour: {first} and {next_one}"
            )

    def _check_breaker(self) -> None:
        ticks = self.world.ledger.get_ticks("two/shaky", limit=12)[::-1]
        in_a_row, last = 0, None
        for before, after in pairwise(ticks):
            error = None if before.error is None else before.error.headline
            in_a_row = 0 if error is None else in_a_row + 1 if error == last else 1
            last = error
            if in_a_row >= FAILURES and not after.is_unasked:
                pause_s = after.started_at - before.ended_at
                assert pause_s >= DELAY_S - 0.001, (
                    f"the breaker let an evaluation through {pause_s:.0f} s after {in_a_row} equal failures"
                )

    def _check_keys(self) -> None:
        doubled = self.rows(
            "SELECT first.run_key, count(DISTINCT first.run_id) FROM run AS first JOIN run AS attempt "
            "ON attempt.run_id = first.run_id OR attempt.root_run_id = first.run_id "
            "WHERE first.trigger_id = 'two/stubborn' AND first.run_key IS NOT NULL "
            "AND attempt.status NOT IN ('FAILURE', 'CANCELED') "
            "GROUP BY first.run_key HAVING count(DISTINCT first.run_id) > 1"
        )
        assert not doubled, f"run keys taken again although their run has not failed: {doubled[:3]}"

    def _check_catch_up(self) -> None:
        for name, count in CATCHES_UP.items():
            late = self.rows(
                f"SELECT scheduled_for, started_at FROM tick WHERE trigger_id = 'two/{name}' "
                f"AND started_at - scheduled_for > {count * PERIOD_S + SLACK_S}"
            )
            assert not late, f"{name} made up for more than {count} missed ticks: {late[:3]}"

    def _spans(self) -> list[tuple[float, float, float]]:
        """Of every pause of the resting schedule: when it was first seen, and its span."""
        return [
            (seen, pause.created_at, pause.ends_at)
            for pause in self.world.ledger.policies.get_pauses()
            if (seen := self.world.pauses_seen.get(pause.pause_id)) is not None
        ]

    def _check_pauses(self) -> None:
        ticks = self.world.ticks_seen
        for seen, begin, end in self._spans():
            wrong = [
                nominal for nominal, at in ticks.items() if begin <= nominal < end and at > seen + SLACK_S
            ]
            assert not wrong, f"a paused schedule ticked for {wrong[:3]}"

    def is_complete(self) -> bool:
        return self._due_gaps() == []

    def _due_gaps(self) -> list[float]:
        """Nominal times of the resting schedule between its ticks that neither a pause nor a clock set back accounts for."""
        ticks = sorted(
            row[0] for row in self.rows("SELECT scheduled_for FROM tick WHERE trigger_id = 'two/resting'")
        )
        spans = [(begin, end) for _, begin, end in self._spans()] + self.world.twice
        missing = []
        for before, after in pairwise(ticks):
            nominal = before + PERIOD_S
            while nominal < after:
                if not any(begin <= nominal < end for begin, end in spans):
                    missing.append(nominal)
                nominal += PERIOD_S
        return missing

    def check_at_rest(self) -> None:
        missing = self._due_gaps()
        assert not missing, f"the resting schedule left out times in which it was not paused: {missing[:3]}"
        by_key = defaultdict(list)
        for key, status in self.rows("SELECT run_key, status FROM run WHERE trigger_id = 'two/stubborn'"):
            by_key[key].append(status)
        assert self.world.steps < 5_000 or len(by_key) > 1
