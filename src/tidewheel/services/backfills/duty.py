"""The backfills' duty: count what has ended, decide the next runs, commit them; one bounded step after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from tidewheel.errors import UserCodeUnreachableError
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.errors import UnknownPartitionError
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.logic.planning.backfill_facts import build_sets, build_targets
from tidewheel.logic.planning.backfill_launches import (
    build_asset_run,
    build_job_request,
    build_job_run,
    build_run_part,
)
from tidewheel.logic.planning.backfill_outcomes import count_outcomes, counts_of, stored_progress
from tidewheel.logic.planning.backfill_step import (
    BackfillDecision,
    BackfillFacts,
    BackfillTarget,
    LeftOut,
    NextRun,
    TargetSets,
    decide_backfill_step,
)
from tidewheel.logic.planning.recovery import RecoveryPolicy
from tidewheel.runtime.protocol import Activity
from tidewheel.services.activity import ActivityFeed
from tidewheel.services.backfills.backfill_view import load_view
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.services.signals import Signals, Topic, wait_until
from tidewheel.values.backfill_steps import BackfillCommit, OpenBackfillRun
from tidewheel.values.backfills import BackfillRecord, BackfillStatus
from tidewheel.values.error_info import ErrorInfo, error_info
from tidewheel.values.records import NewRun

logger = logging.getLogger("tidewheel.backfills")

RUNS_PER_STEP = 50
"""Runs made in one transaction at most."""
OPEN_RUNS_MIN = 100
"""Runs of one backfill that wait or run at once: enough that the queue never runs dry, few enough to look through."""
PROBLEMS_KEPT = 50
PAUSE_S = 0.05
"""Between two looks at the backfills: run ends that come close together are counted together."""
LONGEST_S = 30.0


class _Facts(NamedTuple):
    """A backfill at one moment: its runs, and its sets with the outcomes of those that ended."""

    record: BackfillRecord
    targets: tuple[BackfillTarget, ...]
    sets: Mapping[str, TargetSets]
    counted: tuple[str, ...]
    open_runs: tuple[OpenBackfillRun, ...]
    view: PartitionView


class Backfills:
    """Steps every live backfill whenever one was asked for or cancelled, a run has ended or code was loaded."""

    def __init__(
        self,
        database: Database,
        locations: Locations,
        workers: WorkerBook,
        signals: Signals,
        feed: ActivityFeed,
        policy: RecoveryPolicy,
        *,
        clock: Callable[[], float],
        evaluation_timeout_s: float,
        max_concurrent_runs: int,
    ) -> None:
        self._database = database
        self._locations = locations
        self._workers = workers
        self._signals = signals
        self._feed = feed
        self._policy = policy
        self._clock = clock
        self._timeout_s = evaluation_timeout_s
        self._open_limit = max(OPEN_RUNS_MIN, 4 * max_concurrent_runs)
        self._wake = signals.listen(Topic.BACKFILLS, Topic.RUNS_ENDED, Topic.CATALOG)

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            try:
                has_more = await self.tick()
            except Exception:
                logger.exception("backfills could not be looked after; trying again")
                has_more = False
            if not has_more:
                await wait_until(self._wake, None, self._clock(), longest_s=LONGEST_S)
            await asyncio.sleep(PAUSE_S)

    async def tick(self) -> bool:
        """One step of every live backfill; whether one of them can go on at once."""
        has_more = False
        for record in await self._database.read(self._database.ledger.backfills.get_live):
            has_more |= await self.step(record)
        return has_more

    async def step(self, record: BackfillRecord) -> bool:
        """One step of a backfill; whether it can go on at once."""
        try:
            facts = await self._database.read(self._load, record)
            if record.status is BackfillStatus.CANCELING:
                return await self._cancel(facts)
            if not self._is_defined(record):
                return False
            decision = self._decide(facts)
            commit = await self._prepare(facts, decision)
        except UserCodeUnreachableError as exc:
            logger.info("backfill %s waits for its code: %s", record.backfill_id, exc)
            return False
        except Exception as exc:
            logger.exception("backfill %s cannot go on", record.backfill_id)
            commit = _broken(record, error_info(exc))
            return await self._commit(record, commit)
        if not (commit.runs or commit.counted or decision.left_out or decision.is_over):
            return False
        return await self._commit(record, commit)

    # -- gather -----------------------------------------------------------------------------------------------------

    def _load(self, record: BackfillRecord) -> _Facts:
        ledger, now = self._database.ledger, self._clock()
        view = load_view(self._database, now)
        catalog = self._locations.catalog
        job = None
        if record.fields.job_name is not None:
            job = catalog.job(record.fields.location or "", record.fields.job_name)
        targets = build_targets(record, catalog.located, job, view)
        open_runs = tuple(ledger.backfills.get_open_runs(record.backfill_id))
        sets, counted = count_outcomes(
            build_sets(record, targets), open_runs, view=view, policy=self._policy, now=now
        )
        return _Facts(record, targets, sets, counted, open_runs, view)

    def _is_defined(self, record: BackfillRecord) -> bool:
        """Whether all code is known that may define what is wanted: what did not load yet is not gone."""
        catalog = self._locations.catalog
        if all(name in catalog.snapshots for name in self._locations.names()):
            return True
        if record.fields.job_name is not None:
            return catalog.job(record.fields.location or "", record.fields.job_name) is not None
        return all(part.name in catalog.located for part in record.fields.parts)

    # -- decide -----------------------------------------------------------------------------------------------------

    def _decide(self, facts: _Facts) -> BackfillDecision:
        waiting = len(facts.open_runs) - len(facts.counted)
        return decide_backfill_step(
            BackfillFacts(
                targets=facts.targets,
                sets=facts.sets,
                view=facts.view,
                run_limit=max(0, min(RUNS_PER_STEP, self._open_limit - waiting)),
            )
        )

    async def _prepare(self, facts: _Facts, decision: BackfillDecision) -> BackfillCommit:
        """The rows of a step. Runs of a job whose code refuses them fail, the others are made."""
        record = facts.record
        sets, problems = (
            dict(decision.sets),
            [left_out_sentence(one, facts.view) for one in decision.left_out],
        )
        runs, parts = [], []
        for wanted in decision.runs:
            run, problem = await self._new_run(facts, wanted)
            if run is None:
                problems.append(f"{wanted.stretch.first}: {problem}")
                for name in wanted.targets:
                    sets[name] = replace(sets[name], failed=sets[name].failed | wanted.stretch.partitions)
                continue
            runs.append(run)
            parts.append(build_run_part(run.run_id, wanted))
        counts = counts_of(sets.values())
        status = BackfillStatus.REQUESTED
        if decision.is_over:
            is_whole = counts.done == counts.wanted
            status = BackfillStatus.COMPLETED_SUCCESS if is_whole else BackfillStatus.COMPLETED_FAILED
        return BackfillCommit(
            backfill_id=record.backfill_id,
            expected_version=record.version,
            status=status,
            progress={name: stored_progress(one) for name, one in sets.items()},
            counts=counts,
            runs=tuple(runs),
            run_parts=tuple(parts),
            counted=facts.counted,
            problems=(*record.problems, *problems)[-PROBLEMS_KEPT:] if problems else None,
        )

    async def _new_run(self, facts: _Facts, wanted: NextRun) -> tuple[NewRun | None, str]:
        if facts.record.fields.is_of_assets:
            checks = self._locations.catalog.checks_by_asset
            return build_asset_run(facts.record, wanted, checks, facts.view), ""
        request = build_job_request(facts.record, wanted)
        prepared = await self._locations.prepare(wanted.location, request, self._timeout_s)
        if prepared.run is None:
            problems = [problem.message for problem in prepared.config_problems]
            return None, "; ".join(problems) or (prepared.error.message if prepared.error else "refused")
        return build_job_run(facts.record, wanted, prepared.run), ""

    # -- commit and act ---------------------------------------------------------------------------------------------

    async def _commit(self, record: BackfillRecord, commit: BackfillCommit) -> bool:
        after = await self._database.write(
            self._database.ledger.backfills.commit_step, commit, now=self._clock()
        )
        if after is None:
            return True  # it was changed meanwhile: look again
        if commit.runs:
            self._signals.raise_topic(Topic.QUEUE, Topic.RUN_EVENTS)
        if not after.is_live:
            self._publish(after)
        return after.is_live

    async def _cancel(self, facts: _Facts) -> bool:
        """Stop what was started since it was cancelled; when nothing is left that runs, it is cancelled."""
        record = facts.record
        left = [one for one in facts.open_runs if one.run.run_id not in facts.counted]
        if left:
            if any(one.latest is not None and not one.latest.cancel_requested for one in left):
                outcome = await self._database.write(
                    self._database.ledger.backfills.cancel, record.backfill_id, now=self._clock()
                )
                self._workers.ask_to_stop(outcome.stopping if outcome is not None else ())
            if not facts.counted:
                return False
        commit = BackfillCommit(
            backfill_id=record.backfill_id,
            expected_version=record.version,
            status=BackfillStatus.CANCELING if left else BackfillStatus.CANCELED,
            progress={name: stored_progress(one) for name, one in facts.sets.items()},
            counts=counts_of(facts.sets.values()),
            counted=facts.counted,
        )
        await self._commit(record, commit)
        return False

    def _publish(self, record: BackfillRecord) -> None:
        counts = record.counts
        text = f"{counts.done} of {counts.wanted} partitions made"
        if counts.failed:
            text += f", {counts.failed} failed"
        if counts.left_out:
            text += f", {counts.left_out} left out"
        self._feed.publish(
            Activity(
                kind="backfill",
                timestamp=record.updated_at,
                name=record.fields.title or record.backfill_id,
                status=record.status.value,
                text=text,
            )
        )


def _broken(record: BackfillRecord, error: ErrorInfo) -> BackfillCommit:
    return BackfillCommit(
        backfill_id=record.backfill_id,
        expected_version=record.version,
        status=BackfillStatus.FAILED,
        progress=record.progress,
        counts=record.counts,
        error=error,
    )


def left_out_sentence(one: LeftOut, view: PartitionView) -> str:
    """What people are told of partitions that are not made."""
    count = len(one.partitions)
    key = _first_key(one.partitions, view)
    which = "" if key is None else f" {key}" if count == 1 else f" {key} and {count - 1} more"
    upstream = f" ({one.upstream})" if one.upstream else ""
    return f"{one.target}{which} is left out: {one.reason}{upstream}"


def _first_key(partitions: PartitionSet, view: PartitionView) -> str | None:
    """A partition's name for people; those of removed dynamic partitions have none any more."""
    if partitions.spec is None:
        return None
    try:
        return next(iter(partitions.keys(view)), None)
    except UnknownPartitionError:
        return "a removed partition"
