"""What must hold after every step, and what must hold when everything has come to rest."""

from __future__ import annotations

import datetime
from collections import Counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.simulation import code as user_code
from tests.simulation.judges import JUDGES, Judge
from tests.simulation.judges.judge import IN_PROGRESS
from tidewheel.values.records import RunRecord

if TYPE_CHECKING:
    from tests.simulation.world import World

MINUTE_S = 60
FIRST_RUN = "(parent_run_id IS NULL)"


class Invariants(Judge):
    """Runs, ticks, cursors and slots of the queue; and everything that the other judges look at."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._judges = [judge(world) for judge in JUDGES]
        self._cursor = 0
        self._versions: dict[str, int] = {}
        self._positions: dict[str, int] = {}
        self._executions: Counter[str] = Counter()
        self.most_in_progress = 0

    # -- all the time -------------------------------------------------------------------------------------------------

    def executed(self, run: RunRecord, pid: int) -> None:
        """User code of a run begins at most once, however often it was launched."""
        self._executions[run.run_id] += 1
        assert self._executions[run.run_id] == 1, f"run {run.run_id} was executed twice"

    def check_after(self, write: str) -> None:
        """After a write of this name."""
        self.check()
        for judge in self._judges:
            if judge.touched_by is None or write in judge.touched_by:
                judge.check()

    def check(self) -> None:
        self._check_slots()
        self._check_triggers()
        self._check_items()

    def check_thoroughly(self) -> None:
        self._check_runs_of_ticks()
        self._check_followers()
        self._check_events()
        for judge in self._judges:
            judge.check_thoroughly()

    def _check_slots(self) -> None:
        from tests.simulation.world import MAX_RUNS, PART_LIMIT

        held = self.one(f"SELECT count(*) FROM run WHERE {IN_PROGRESS}")
        self.most_in_progress = max(self.most_in_progress, held)
        assert held <= MAX_RUNS, f"{held} runs hold a slot, the limit is {MAX_RUNS}"
        parts = self.rows(
            "SELECT run_tag.value, count(*) FROM run_tag JOIN run ON run.seq = run_tag.run_seq "
            f"WHERE run_tag.name = 'part' AND {IN_PROGRESS} GROUP BY run_tag.value"
        )
        assert all(count <= PART_LIMIT for _, count in parts), f"tag limit of {PART_LIMIT} is broken: {parts}"

    def _check_triggers(self) -> None:
        for trigger_id, version, position in self.rows("SELECT trigger_id, version, position FROM trigger"):
            assert version >= self._versions.get(trigger_id, 0), f"{trigger_id}: its version went back"
            self._versions[trigger_id] = version
            if position is not None:
                assert position >= self._positions.get(trigger_id, 0), f"{trigger_id}: its position went back"
                self._positions[trigger_id] = position

    def _check_items(self) -> None:
        """The cursor and its requests are one: never a moment with the one and not the others."""
        found = self.rows("SELECT cursor FROM trigger WHERE trigger_id = 'one/items'")
        cursor = int(found[0][0] or 0) if found else 0
        assert cursor >= self._cursor, "the cursor went back"
        self._cursor = cursor
        wanted = sum(1 for number in range(cursor) if not user_code.is_bad_item(number))
        runs = self.one(f"SELECT count(*) FROM run WHERE trigger_id = 'one/items' AND {FIRST_RUN}")
        keys = self.one(
            f"SELECT count(DISTINCT run_key) FROM run WHERE trigger_id = 'one/items' AND {FIRST_RUN}"
        )
        assert runs == keys == wanted, (
            f"cursor {cursor} asks for {wanted} runs, there are {runs} ({keys} keys)"
        )
        partitions = self.one("SELECT count(*) FROM dynamic_partition WHERE name = 'items'")
        assert partitions == cursor, f"cursor {cursor}, but {partitions} partitions"

    def _check_runs_of_ticks(self) -> None:
        """Every tick has the runs that it says it has."""
        doubled = self.rows(
            "SELECT trigger_id, run_key, tick_id, count(*) FROM run "
            f"WHERE run_key IS NOT NULL AND {FIRST_RUN} AND trigger_id <> 'two/stubborn' "  # its keys come free again
            "GROUP BY trigger_id, run_key HAVING count(*) > 1"
        )
        assert not doubled, f"requests made twice: {doubled[:3]}"
        for name in ("fixed", "nightly"):
            ticks = self.one(
                f"SELECT count(*) FROM tick WHERE trigger_id = 'one/{name}' AND status = 'SUCCESS'"
            )
            runs = self.one(f"SELECT count(*) FROM run WHERE trigger_id = 'one/{name}' AND {FIRST_RUN}")
            assert ticks == runs, f"{name}: {ticks} ticks have {runs} runs"

    def _check_followers(self) -> None:
        rows = self.rows(
            "SELECT run_tag.value, count(*) FROM run_tag JOIN run ON run.seq = run_tag.run_seq "
            f"WHERE run_tag.name = 'of' AND {FIRST_RUN} GROUP BY run_tag.value HAVING count(*) > 1"
        )
        assert not rows, f"run status events handled twice: {rows[:3]}"

    def _check_events(self) -> None:
        doubled = self.rows(
            "SELECT run_id, type, count(*) FROM event WHERE run_id <> '' AND type IN "
            "('PIPELINE_START', 'PIPELINE_SUCCESS', 'PIPELINE_FAILURE', 'PIPELINE_CANCELED') "
            "GROUP BY run_id, type HAVING count(*) > 1"
        )
        assert not doubled, f"events stored twice: {doubled[:3]}"

    # -- at rest --------------------------------------------------------------------------------------------------------

    def is_complete(self) -> bool:
        return (
            self._cursor == self.world.source.count
            and not self._unfollowed()
            and all(judge.is_complete() for judge in self._judges)
        )

    def _unfollowed(self) -> set[str]:
        succeeded = {
            row[0]
            for row in self.rows(
                "SELECT run_id FROM run WHERE location = 'one' AND job_name = 'plain' AND status = 'SUCCESS'"
            )
        }
        followed = {row[0] for row in self.rows("SELECT value FROM run_tag WHERE name = 'of'")}
        return succeeded - followed

    def check_at_rest(self) -> None:
        unfinished = self.rows(
            "SELECT run_id, status, job_name FROM run WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')"
        )
        recent = self.world.now() - 1_200
        old = [row for row in unfinished if self.world.ledger.get_run(row[0]).created_at < recent]  # type: ignore[union-attr]
        assert not old, f"{len(old)} runs that do not end: {old[:3]}"
        assert self._cursor == self.world.source.count, "items were never looked at"
        assert not self._unfollowed(), f"{len(self._unfollowed())} successes that nobody followed"
        self._check_nominal_times("one/fixed", "America/New_York", lambda at: at.minute % 10 == 0)
        self._check_nominal_times("two/asked", "Europe/Berlin", lambda at: at.minute % 15 == 0)
        for judge in self._judges:
            judge.check_at_rest()

    def _check_nominal_times(self, trigger_id: str, zone: str, is_due: Any) -> None:
        """Every nominal time since the first that was decided has exactly one tick that did not fail for good."""
        ticks = dict(self.rows(f"SELECT scheduled_for, status FROM tick WHERE trigger_id = '{trigger_id}'"))
        if not ticks:
            # what was decided before the clock was set back is not decided again: that may be all there was time for
            assert self.world.steps < 5_000 or self.world.twice, f"{trigger_id} never ticked"
            return
        first, last = int(min(ticks)), int(max(ticks))
        wanted = [
            float(moment)
            for moment in range(first, last + 1, MINUTE_S)
            if is_due(datetime.datetime.fromtimestamp(moment, ZoneInfo(zone)))
        ]
        missing = [moment for moment in wanted if moment not in ticks]
        assert not missing, f"{trigger_id}: nominal times without a tick: {missing[:5]}"
        assert len(ticks) == len(wanted), f"{trigger_id}: ticks at other than nominal times"
