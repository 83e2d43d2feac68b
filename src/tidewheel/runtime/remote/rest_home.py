"""A server's control and the reads of its ledger over REST: what commands work with when it is on another machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tidewheel.errors import (
    InvalidInvocationError,
    NotSupportedError,
    RunConflict,
    RunNotFoundError,
    did_you_mean,
)
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.runtime.conditions.condition_views import AutomationView, PlanView, WhyAnswer
from tidewheel.runtime.control import LocationHealth, ServerHealth, TriggerView
from tidewheel.runtime.remote.rest_client import ProblemError, RestClient, in_path, key_in_path
from tidewheel.runtime.remote.rest_parts import RestBackfills, RestConditions, RestInbox, RestOwed, RestPools
from tidewheel.values.backfills import BackfillRecord
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.events import StoredEvent
from tidewheel.values.ids import trigger_id
from tidewheel.values.launch import BackfillOutcome, BackfillRequest, LaunchOutcome, LaunchRequest
from tidewheel.values.policies import Missed, PauseRecord, Selection
from tidewheel.values.records import (
    AssetState,
    CheckState,
    EventFilter,
    RunFilter,
    RunRecord,
    TickRecord,
    TriggerRecord,
)
from tidewheel.values.serde import encode
from tidewheel.values.status import TickStatus, TriggerKind, TriggerStatus

ASKED = 100
"""Runs that are asked about in one address."""
CHANGES = {True: "start", False: "stop", None: "reset"}


class RestControl:
    """A ``ControlPort`` over REST."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise NotSupportedError(
            f"expected a command that can be carried out through --server, got one that cannot yet ({name}); run it "
            "on the server's machine with --home"
        )

    def launch(self, request: LaunchRequest) -> LaunchOutcome:
        """Queue a run."""
        return self._launch("/launch", request)

    def retry(self, run_id: str, *, from_failure: bool) -> LaunchOutcome:
        """Run a run again. The server knows its config; here secrets in it are masked."""
        return self._launch(f"/runs/{in_path(run_id)}/retry", {"from_failure": from_failure})

    def _launch(self, path: str, body: Any) -> LaunchOutcome:
        try:
            return self._client.send("POST", path, body, LaunchOutcome)
        except ProblemError as error:
            refused = msgspec.json.decode(error.body, type=_Refused)
            if refused.message is None:
                raise
            return LaunchOutcome(kind=refused.type.rpartition(":")[2], message=refused.message)

    def cancel(self, run_id: str) -> RunRecord | None:
        """Ask a run to stop; None when it has ended."""
        try:
            return self._client.send("POST", f"/runs/{in_path(run_id)}/cancel", None, RunRecord)
        except RunConflict:
            return None

    def wait_reasons(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Of those of the runs that are queued, why they wait."""
        found: dict[str, str] = {}
        for chunk in (run_ids[start : start + ASKED] for start in range(0, len(run_ids), ASKED)):
            found |= self._client.get("/queue/reasons", dict[str, str], run_id=list(chunk))
        return found

    def launch_backfill(self, request: BackfillRequest) -> BackfillOutcome:
        """Ask for a backfill."""
        return self._backfill("/backfills", request)

    def cancel_backfill(self, backfill_id: str) -> BackfillRecord | None:
        """Make no more runs of it and stop those that there are; None when it has ended."""
        try:
            return self._client.send(
                "POST", f"/backfills/{in_path(backfill_id)}/cancel", None, BackfillRecord
            )
        except RunConflict:
            return None

    def resume_backfill(self, backfill_id: str) -> BackfillOutcome:
        """Go on with one that was cancelled or could not go on."""
        return self._backfill(f"/backfills/{in_path(backfill_id)}/resume", None)

    def retry_backfill(self, backfill_id: str, everything: bool = False) -> BackfillOutcome:
        """Ask for a new one for what an ended one did not make, or for all of it."""
        return self._backfill(f"/backfills/{in_path(backfill_id)}/retry", {"everything": everything})

    def _backfill(self, path: str, body: Any) -> BackfillOutcome:
        try:
            return self._client.send("POST", path, body, BackfillOutcome)
        except ProblemError as error:
            refused = msgspec.json.decode(error.body, type=_Refused)
            if refused.message is None:
                raise
            return BackfillOutcome(kind=refused.type.rpartition(":")[2], message=refused.message)

    def why(self, target: str, partition: str | None = None, run_id: str | None = None) -> WhyAnswer:
        """All about one target's automation."""
        address = f"/why/{key_in_path(target)}"
        return self._client.get(address, WhyAnswer, partition=partition, run=run_id)

    def get_automation(self) -> list[AutomationView]:
        """Every automation sensor, and how it stands."""
        return list(self._client.items("/automation", AutomationView))

    def plan_automation(self, sensor: str | None = None) -> list[PlanView]:
        """What automation sensors would ask for now."""
        return list(self._client.items("/automation/plan", PlanView, sensor=sensor))

    def get_triggers_view(self, kind: str | None = None) -> list[TriggerView]:
        """Schedules and sensors."""
        return list(self._client.items("/triggers", TriggerView, kind=kind))

    def set_trigger(
        self, name: str, running: bool | None, location: str | None = None, kind: str | None = None
    ) -> TriggerRecord:
        """Start (True), stop (False) or reset to the code's default (None)."""
        place = self._location_of(name, location, kind)
        return self._client.send(
            "POST", f"/triggers/{in_path(place)}/{in_path(name)}/{CHANGES[running]}", None, TriggerRecord
        )

    def set_cursor(self, name: str, cursor: str | None, location: str | None = None) -> TriggerRecord:
        """Set or clear a sensor's cursor."""
        place = self._location_of(name, location, TriggerKind.SENSOR.value)
        address = f"/triggers/{in_path(place)}/{in_path(name)}/cursor"
        return self._client.send("PUT", address, {"cursor": cursor}, TriggerRecord)

    def test_trigger(
        self, name: str, cursor: str | None = None, location: str | None = None
    ) -> EvaluationResult:
        """Evaluate a trigger once without recording anything."""
        place = self._location_of(name, location, None)
        address = f"/triggers/{in_path(place)}/{in_path(name)}/test"
        return self._client.send("POST", address, {"cursor": cursor}, EvaluationResult)

    def pause(
        self,
        selection: Selection,
        reason: str = "",
        by: str | None = None,
        expires_at: float | None = None,
        missed: Missed | None = None,
    ) -> PauseRecord:
        """Pause triggers. The server knows by whom."""
        body = {"selection": selection, "reason": reason, "expires_at": expires_at, "missed": missed}
        return self._client.send("POST", "/pauses", body, PauseRecord)

    def resume(self, pause_id: int | None = None, selection: Selection | None = None) -> list[PauseRecord]:
        """End one pause, or those of exactly this selection, or all."""
        ended: list[PauseRecord] = []
        for pause in self.get_pauses():
            if pause_id in (None, pause.pause_id) and selection in (None, pause.selection):
                found = self._client.send("POST", f"/pauses/{pause.pause_id}/resume", None, dict[str, Any])
                ended += msgspec.convert(found["items"], list[PauseRecord])
        return ended

    def get_pauses(self) -> list[PauseRecord]:
        """The pauses that hold now."""
        return list(self._client.items("/pauses", PauseRecord))

    def reset_run_keys(
        self, name: str, run_key: str | None = None, location: str | None = None, kind: str | None = None
    ) -> int:
        """Free one run key of a trigger or all of them; how many were taken."""
        place = self._location_of(name, location, kind)
        address = f"/triggers/{in_path(place)}/{in_path(name)}/reset-keys"
        found = self._client.send("POST", address, {"run_key": run_key}, dict[str, int])
        return found["freed"]

    def reload(self, location: str | None = None) -> list[LocationHealth]:
        """Load the code again and wait for the outcome."""
        found = self._client.send("POST", "/reload", None, dict[str, Any], location=location)
        return msgspec.convert(found["items"], list[LocationHealth])

    def health(self) -> ServerHealth:
        """How the server is."""
        return self._client.get("/health", ServerHealth)

    def get_snapshots(self) -> dict[str, bytes]:
        """The last good snapshot of every location, encoded."""
        found = self._client.get("/definitions", dict[str, LocationSnapshot])
        return {name: encode(snapshot) for name, snapshot in found.items()}

    def _location_of(self, name: str, location: str | None, kind: str | None) -> str:
        if location is not None:
            return location
        views = self.get_triggers_view(kind)
        places = [view.location for view in views if view.name == name]
        if not places:
            what = kind.lower() if kind else "schedule or sensor"
            known = [view.name for view in views]
            raise InvalidInvocationError(f"expected a {what}, got {name!r}; {did_you_mean(name, known)}")
        return places[0]


class RestLedger:
    """The reads of a ``LedgerPort`` that commands need, over REST."""

    def __init__(self, client: RestClient) -> None:
        self._client = client
        self.backfills = RestBackfills(client)
        self.conditions = RestConditions(client)
        self.inbox = RestInbox(client)
        self.owed = RestOwed(client)
        self.pools = RestPools(client)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise NotSupportedError(
            f"expected a command that can be carried out through --server, got one that needs the ledger itself "
            f"({name}); run it on the server's machine with --home"
        )

    def get_runs(
        self,
        filters: RunFilter | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> list[RunRecord]:
        """Newest first."""
        wanted = filters or RunFilter()
        tags = [f"{key}={value}" for key, values in wanted.tags.items() for value in values]
        statuses = [status.value for status in wanted.statuses or ()]
        return list(
            self._client.items("/runs", RunRecord, most=limit, job=wanted.job_name, status=statuses, tag=tags)
        )

    def get_run(self, run_id: str) -> RunRecord | None:
        """One run."""
        return self._optional(f"/runs/{in_path(run_id)}", RunRecord)

    def set_run_priority(self, run_id: str, priority: int, *, now: float) -> RunRecord | None:
        """Change a queued run's priority; None when it is not queued."""
        try:
            return self._client.send(
                "POST", f"/runs/{in_path(run_id)}/priority", {"priority": priority}, RunRecord
            )
        except RunConflict:
            return None

    def get_run_log(self, run_id: str, *, after: int = 0, limit: int | None = None) -> list[StoredEvent]:
        """What a run reported after a position."""
        found: list[StoredEvent] = []
        while limit is None or len(found) < limit:
            page = self._client.get(f"/runs/{in_path(run_id)}/logs", _Logs, after=after)
            if not page.events:
                break
            found += page.events
            after = page.after
        return found[:limit]

    def get_ticks(
        self,
        trigger_id: str | None = None,
        *,
        statuses: Sequence[TickStatus] | None = None,
        limit: int | None = None,
        before_id: int | None = None,
    ) -> list[TickRecord]:
        """Newest first."""
        wanted = [status.value for status in statuses or ()]
        return list(self._client.items("/ticks", TickRecord, most=limit, trigger=trigger_id, status=wanted))

    def get_tick(self, tick_id: int) -> TickRecord | None:
        """One tick."""
        return self._optional(f"/ticks/{tick_id}", TickRecord)

    def get_triggers(self, location: str | None = None) -> list[TriggerRecord]:
        """What is known of schedules and sensors; of their stored state only what people see."""
        return [
            TriggerRecord(
                trigger_id=trigger_id(view.location, view.name),
                kind=TriggerKind(view.kind),
                location=view.location,
                name=view.name,
                status=TriggerStatus.RUNNING if view.is_running else TriggerStatus.STOPPED,
                version=0,
                cursor=view.cursor,
                last_tick_at=view.last_tick_at,
            )
            for view in self._client.items("/triggers", TriggerView)
            if location in (None, view.location)
        ]

    def get_asset_states(self, assets: Sequence[str] | None = None) -> dict[str, AssetState]:
        """By key."""
        wanted = None if assets is None else set(assets)
        return {
            found.asset.key: found.state
            for found in self._client.items("/assets", _Asset)
            if found.state is not None and (wanted is None or found.asset.key in wanted)
        }

    def get_check_states(self, assets: Sequence[str] | None = None) -> dict[str, CheckState]:
        """By check text, of the named assets."""
        found: dict[str, CheckState] = {}
        for key in assets or ():
            found |= self._client.get(f"/assets/{key_in_path(key)}", _Asset).check_states
        return found

    def get_partition_events(
        self, asset: str, partitions: Sequence[str] | None = None
    ) -> dict[str, tuple[int, float, str]]:
        """Per materialised partition key: (event id, time, run id)."""
        found: dict[str, tuple[int, float, str]] = {}
        cursor: str | None = None
        while True:
            page = self._client.get(
                f"/assets/{key_in_path(asset)}/partitions",
                _Partitions,
                limit=1_000,
                cursor=cursor,
                partition=list(partitions) if partitions is not None else None,
            )
            found |= {key: (made.event_id, made.at, made.run_id) for key, made in page.keys.items()}
            cursor = page.next_cursor
            if cursor is None:
                return found

    def count_partitions(self, assets: Sequence[str]) -> dict[str, int]:
        """By asset, how many of its partitions were ever made."""
        counts = {
            asset: self._client.get(
                f"/assets/{key_in_path(asset)}/partitions", _Partitions, limit=1
            ).materialized
            for asset in assets
        }
        return {asset: count for asset, count in counts.items() if count}

    def get_events(
        self, filters: EventFilter, *, limit: int | None = None, ascending: bool = True
    ) -> list[StoredEvent]:
        """Events of assets, newest first."""
        found: list[StoredEvent] = []
        for asset in filters.assets or ():
            for stored in self._client.items(f"/assets/{key_in_path(asset)}/events", StoredEvent):
                if filters.types is None or stored.event.type.value in filters.types:
                    found.append(stored)
                if limit is not None and len(found) >= limit:
                    break
        return sorted(found, key=lambda stored: stored.id, reverse=not ascending)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _optional(self, path: str, as_type: type[Any]) -> Any:
        try:
            return self._client.get(path, as_type)
        except RunNotFoundError:
            return None
        except ProblemError as error:
            if error.status == 404:
                return None
            raise


class _Refused(msgspec.Struct, frozen=True):
    type: str = ""
    message: str | None = None


class _Logs(msgspec.Struct, frozen=True):
    events: list[StoredEvent]
    after: int


class _AssetName(msgspec.Struct, frozen=True):
    key: str


class _Asset(msgspec.Struct, frozen=True):
    asset: _AssetName
    state: AssetState | None = None
    check_states: dict[str, CheckState] = {}


class _Made(msgspec.Struct, frozen=True):
    event_id: int
    at: float
    run_id: str


class _Partitions(msgspec.Struct, frozen=True):
    keys: dict[str, _Made]
    materialized: int = 0
    next_cursor: str | None = None
