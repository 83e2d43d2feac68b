"""Backfills: each partition is made by one run or accounted for, parents first, and a cancellation is one transaction."""

from __future__ import annotations

from tests.simulation.code_assets import ABOVE, KEYS, made_by
from tests.simulation.judges.judge import UNFINISHED, Judge
from tidewheel.values.backfills import BackfillRecord, BackfillStatus
from tidewheel.values.records import RunRecord
from tidewheel.values.tags import BACKFILL

FIRST_RUNS = (
    "SELECT run.run_id, run_tag.value FROM run_tag JOIN run ON run.seq = run_tag.run_seq "
    f"WHERE run_tag.name = '{BACKFILL}' AND run.parent_run_id IS NULL"
)


class BackfillJudge(Judge):
    """Reads from the runs' own rows and events what became of every partition."""

    touched_by = frozenset(("commit_step", "cancel", "create_runs", "commit"))

    def check(self) -> None:
        queued = self.rows(
            "SELECT run.run_id, run.status, backfill.status FROM backfill "
            "JOIN backfill_run ON backfill_run.backfill_seq = backfill.seq JOIN run ON run.run_id = backfill_run.run_id "
            "WHERE backfill.status = 'CANCELING' AND run.status IN ('QUEUED', 'STARTING', 'STARTED') "
            "AND run.cancel_requested = 0"
        )
        assert not queued, f"a backfill was cancelled, its runs go on: {queued[:3]}"
        left = self.rows(
            "SELECT run.run_id, run.status, backfill.status FROM backfill "
            "JOIN backfill_run ON backfill_run.backfill_seq = backfill.seq JOIN run ON run.run_id = backfill_run.run_id "
            f"WHERE backfill.ended_at IS NOT NULL AND run.{UNFINISHED}"
        )
        assert not left, f"a backfill has ended, its runs have not: {left[:3]}"

    def check_thoroughly(self) -> None:
        self.check()
        records = {record.backfill_id: record for record in self.world.ledger.backfills.get_many()}
        runs: dict[str, list[RunRecord]] = {name: [] for name in records}
        for run_id, backfill_id in self.rows(FIRST_RUNS):
            run = self.world.ledger.get_run(run_id)
            if run is not None and backfill_id in runs:
                runs[backfill_id].append(run)
        made = self._made()
        for backfill_id, record in records.items():
            self._check_once(backfill_id, runs[backfill_id])
            self._check_order(record, runs[backfill_id], made)
            self._check_counts(record)
            if record.status is BackfillStatus.COMPLETED_SUCCESS:
                self._check_made(record, runs[backfill_id], made)

    def _made(self) -> dict[tuple[str, str | None], list[tuple[str, float]]]:
        """Per asset partition, the backfills' first runs that made it, and when (by the event's id)."""
        found: dict[tuple[str, str | None], list[tuple[str, float]]] = {}
        for asset, key, root, event_id in self.rows(
            "SELECT event.asset, event.partition, coalesce(run.root_run_id, run.run_id), event.id FROM event "
            "JOIN run ON run.run_id = event.run_id WHERE event.type = 'ASSET_MATERIALIZATION' "
            "AND event.asset IN ('raw', 'clean', 'wide', 'total')"
        ):
            found.setdefault((asset, key), []).append((root, event_id))
        return found

    def _check_once(self, backfill_id: str, runs: list[RunRecord]) -> None:
        """A partition is asked for again only after its run was cancelled and the backfill resumed."""
        taken: dict[tuple[str, str | None], str] = {}
        for run in runs:
            if run.status.value in ("CANCELED", "FAILURE"):
                continue
            for what in made_by(run):
                other = taken.setdefault(what, run.run_id)
                assert other == run.run_id, (
                    f"backfill {backfill_id} makes {what} twice: {other}, {run.run_id}"
                )

    def _check_order(
        self,
        record: BackfillRecord,
        runs: list[RunRecord],
        made: dict[tuple[str, str | None], list[tuple[str, float]]],
    ) -> None:
        """A child's run is made when the parent's partition is, or makes both."""
        # of a part that wants some partitions only, those it does not want were there before
        wanted = {part.name for part in record.fields.parts if not part.spec or part.count == len(KEYS)}
        mine = {run.run_id for run in runs}
        for run in runs:
            plan = made_by(run)
            for name, key in plan:
                parent = (ABOVE.get(name), key)
                if parent[0] not in wanted or parent in plan:
                    continue
                done = [event_id for root, event_id in made.get(parent, ()) if root in mine]  # type: ignore[arg-type]
                assert done, (
                    f"backfill {record.backfill_id} asked for {name} {key} before {parent[0]} was made"
                )

    def _check_counts(self, record: BackfillRecord) -> None:
        counts = record.counts
        assert counts.waiting >= 0 and counts.in_progress >= 0, f"{record.backfill_id}: counts {counts}"
        if record.status in (BackfillStatus.COMPLETED_SUCCESS, BackfillStatus.COMPLETED_FAILED):
            assert counts.ended == counts.wanted, (
                f"{record.backfill_id} is over, its counts are not: {counts}"
            )
            is_whole = counts.done == counts.wanted
            assert is_whole == (record.status is BackfillStatus.COMPLETED_SUCCESS)

    def _check_made(
        self,
        record: BackfillRecord,
        runs: list[RunRecord],
        made: dict[tuple[str, str | None], list[tuple[str, float]]],
    ) -> None:
        mine = {run.run_id for run in runs}
        for part in record.fields.parts:
            for key in KEYS if part.spec else (None,):
                if part.spec and part.count < len(KEYS):
                    continue
                roots = [root for root, _ in made.get((part.name, key), ()) if root in mine]
                assert roots, (
                    f"backfill {record.backfill_id} says that {part.name} {key} was made; it was not"
                )

    def is_complete(self) -> bool:
        return not self._live()

    def _live(self) -> list[tuple[str, str]]:
        return [
            (row[0], row[1])
            for row in self.rows("SELECT backfill_id, status FROM backfill WHERE ended_at IS NULL")
        ]

    def check_at_rest(self) -> None:
        assert not self._live(), f"backfills that do not end: {self._live()[:3]}"
