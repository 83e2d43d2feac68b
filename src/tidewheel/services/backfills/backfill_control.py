"""Carries out what people and programs ask about backfills: launch, cancel, resume, repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Optional

from msgspec.structs import replace

from tidewheel.errors import InvalidInvocationError, UserCodeUnreachableError, did_you_mean
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.planning.backfill_facts import build_sets, build_targets
from tidewheel.logic.planning.backfill_requests import (
    decide_job_part,
    decide_parts,
    decide_resume,
    parts_to_repeat,
    require_partitions,
    select_assets,
)
from tidewheel.logic.planning.backfill_step import TargetSets
from tidewheel.logic.planning.requests import run_priority
from tidewheel.services.backfills.backfill_view import load_job_partitions, load_known_partitions, load_view
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.services.signals import Signals, Topic
from tidewheel.values.backfills import (
    BackfillFields,
    BackfillPart,
    BackfillRecord,
    BackfillStatus,
    NewBackfill,
)
from tidewheel.values.error_info import said_error
from tidewheel.values.launch import BackfillOutcome, BackfillRequest, LaunchRequest
from tidewheel.values.serde import unwritable
from tidewheel.values.tags import PARENT_BACKFILL_ID, PRIORITY, ROOT_BACKFILL_ID

ID_LETTERS = "abcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 8
RESUMABLE = (BackfillStatus.CANCELED, BackfillStatus.FAILED)


class BackfillControl:
    """Requests about backfills. What refuses does so with an outcome, not with an error."""

    def __init__(
        self,
        database: Database,
        locations: Locations,
        workers: WorkerBook,
        signals: Signals,
        *,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        evaluation_timeout_s: float,
    ) -> None:
        self._database = database
        self._locations = locations
        self._workers = workers
        self._signals = signals
        self._clock = clock
        self._entropy = entropy
        self._timeout_s = evaluation_timeout_s

    async def launch(
        self, request: BackfillRequest, approve: Callable[[BackfillFields], None] | None = None
    ) -> BackfillOutcome:
        """Ask for a backfill; an id that exists already is left as it is.

        ``approve`` is asked, with what it turns out to be about, before anything is made; it raises to refuse.
        """
        problem = unwritable(request)
        if problem is not None:
            return BackfillOutcome(kind="invalid_config", message=problem)
        try:
            request = await self._resolved(request)
            fields = await self._database.write(self._fields, request)
        except UserCodeUnreachableError as exc:
            return BackfillOutcome(kind="user_code", message=str(exc), error=said_error(exc))
        except PartitionError as exc:
            return BackfillOutcome(kind="invalid_partition", message=str(exc), error=said_error(exc))
        except InvalidInvocationError as exc:
            kind = "nothing_to_do" if "there is nothing to do" in str(exc) else "invalid_selection"
            return BackfillOutcome(kind=kind, message=str(exc), error=said_error(exc))
        if approve is not None:
            approve(fields)
        return await self._create(fields, request.backfill_id)

    async def cancel(self, backfill_id: str) -> BackfillRecord | None:
        """Make no more runs and stop those that there are; None when it is unknown or has ended."""
        outcome = await self._database.write(
            self._database.ledger.backfills.cancel, backfill_id, now=self._clock()
        )
        if outcome is None:
            return None
        self._workers.ask_to_stop(outcome.stopping)
        self._signals.raise_topic(Topic.BACKFILLS, Topic.RUNS_ENDED, Topic.RUN_EVENTS, Topic.WORKERS)
        return outcome.backfill

    async def resume(self, backfill_id: str) -> BackfillOutcome:
        """Go on with a backfill that was cancelled or could not go on."""
        record = await self._database.read(self._database.ledger.backfills.get, backfill_id)
        if record is None:
            return self._unknown(backfill_id)
        if record.status not in RESUMABLE:
            return BackfillOutcome(
                kind="wrong_state",
                message=f"expected backfill {backfill_id} to be cancelled or broken, got {record.status.value}; "
                "what it did not make is made by 'tidewheel backfill retry'",
            )
        commit = decide_resume(record, self._sets(record))
        after = await self._database.write(
            self._database.ledger.backfills.commit_step, commit, now=self._clock()
        )
        if after is None:
            return BackfillOutcome(
                kind="wrong_state", message=f"backfill {backfill_id} was changed meanwhile; try again"
            )
        self._signals.raise_topic(Topic.BACKFILLS)
        return BackfillOutcome(backfill_id=backfill_id)

    async def retry(self, backfill_id: str, everything: bool = False) -> BackfillOutcome:
        """A new backfill for what an ended one did not make, or for all of it."""
        record = await self._database.read(self._database.ledger.backfills.get, backfill_id)
        if record is None:
            return self._unknown(backfill_id)
        if record.is_live:
            return BackfillOutcome(
                kind="wrong_state",
                message=f"expected backfill {backfill_id} to have ended, got {record.status.value}; cancel it first",
            )
        parts = parts_to_repeat(self._sets(record), all_=everything)
        if not parts:
            return BackfillOutcome(
                kind="nothing_to_do",
                message=f"expected backfill {backfill_id} to have left something unmade, got none: there is "
                "nothing to do",
            )
        root = record.fields.tags.get(ROOT_BACKFILL_ID, backfill_id)
        tags = record.fields.tags | {PARENT_BACKFILL_ID: backfill_id, ROOT_BACKFILL_ID: root}
        return await self._create(replace(record.fields, parts=parts, tags=tags, parent_id=backfill_id), None)

    # -- steps ------------------------------------------------------------------------------------------------------

    async def _resolved(self, request: BackfillRequest) -> BackfillRequest:
        """The request with the assets that its selection means, as each code location reads it."""
        if request.selection is None:
            return request
        asked = LaunchRequest(selection=request.selection, only_resolve=True)
        names = [request.location] if request.location is not None else self._locations.names()
        found: dict[str, None] = {}
        problems = []
        for name in names:
            prepared = await self._locations.prepare(name, asked, self._timeout_s)
            if prepared.run is not None and prepared.run.assets:
                found.update(dict.fromkeys(prepared.run.assets))
            elif prepared.error is not None:
                problems.append(prepared.error.message)
        if not found:
            raise InvalidInvocationError(
                problems[0] if problems else f"{request.selection!r} means no assets"
            )
        return replace(request, assets=tuple(found))

    def _fields(self, request: BackfillRequest) -> BackfillFields:
        """What is asked for. In the writing thread: sets of older definitions may have to be built again."""
        ledger, catalog = self._database.ledger, self._locations.catalog
        view = load_view(self._database, self._clock())
        location = request.location
        parts: Sequence[BackfillPart]
        job_name: Optional[str] = None
        if request.job_name is not None and not request.assets:
            location, job_name = self._locate_job(request), request.job_name
            job = catalog.job(location, job_name)
            spec = require_partitions(job_name, job.partitions if job else None)
            known = load_job_partitions(ledger, location, job_name, spec, view) if request.only else None
            parts = (decide_job_part(request, job_name, spec, known, view),)
        else:
            names = request.assets if request.assets is not None else tuple(request.by_asset or ())
            if not names:
                raise InvalidInvocationError(
                    "expected a job or assets to backfill, got neither; name what is to be made"
                )
            names = select_assets(names, catalog.located)
            of_assets = load_known_partitions(ledger, catalog, names, view) if request.only else {}
            parts = decide_parts(request, names, catalog.located, of_assets, view)
        return BackfillFields(
            parts=tuple(parts),
            job_name=job_name,
            location=location,
            steps=request.ops,
            run_config=request.run_config,
            tags=request.tags,
            priority=run_priority(request.tags.get(PRIORITY)),
            max_partitions_per_run=request.max_partitions_per_run,
            title=request.title,
            description=request.description,
        )

    def _locate_job(self, request: BackfillRequest) -> str:
        catalog, name = self._locations.catalog, request.job_name or ""
        found = catalog.locations_of_job(name)
        if request.location is not None:
            found = [location for location in found if location == request.location]
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidInvocationError(
                f"expected the location of job {name!r}, which exists in {', '.join(found)}; name one"
            )
        raise InvalidInvocationError(
            f"expected a job, got {name!r}; {did_you_mean(name, catalog.job_names())}"
        )

    async def _create(self, fields: BackfillFields, backfill_id: str | None) -> BackfillOutcome:
        new = NewBackfill(backfill_id=backfill_id or self._new_id(), fields=fields)
        ledger = self._database.ledger
        [record] = await self._database.write(ledger.backfills.create, [new], now=self._clock())
        self._signals.raise_topic(Topic.BACKFILLS)
        return BackfillOutcome(backfill_id=record.backfill_id)

    def _new_id(self) -> str:
        return "".join(ID_LETTERS[byte % len(ID_LETTERS)] for byte in self._entropy(ID_LENGTH))

    def _sets(self, record: BackfillRecord) -> dict[str, TargetSets]:
        catalog = self._locations.catalog
        view = load_view(self._database, self._clock())
        job = None
        if record.fields.job_name is not None:
            job = catalog.job(record.fields.location or "", record.fields.job_name)
        return build_sets(record, build_targets(record, catalog.located, job, view))

    @staticmethod
    def _unknown(backfill_id: str) -> BackfillOutcome:
        return BackfillOutcome(
            kind="unknown_backfill",
            message=f"expected the id of a backfill, got {backfill_id!r}; see 'tidewheel backfill list'",
        )
