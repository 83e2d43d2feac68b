"""What a trigger's policy makes of its requests: which become runs now, which wait, which are dropped, and why.

Requests go through three stages, oldest first. *Gathering* (debounce, batch) joins requests for the same job and
partition. *Overlap* compares with the trigger's own unfinished runs; requests of one tick are one occasion and do not
overlap with each other. *Budgets* let through as many as there is room for. A request that has passed gathering is not
gathered again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import msgspec
from msgspec.structs import replace

from tidewheel.values.policies import MAX_HELD, Action, Cause, SetAside, TriggerPolicy
from tidewheel.values.records import NewRun
from tidewheel.values.serde import to_json
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import JOINED_REQUESTS, JOINED_RUN_KEYS

HOUR_S = 3600.0
MAX_KEYS_IN_TAG = 200
"""So many joined run keys are told to the run by a tag; more would make the tag too long."""


class HeldRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that waits. ``gathering``: still to be joined with others; otherwise it only waits for its turn.

    ``occasion`` numbers the tick that it came from; ``run_keys`` are all the keys that it stands for.
    """

    run: NewRun
    occasion: int
    held_at: float
    cause: Cause
    gathering: bool = False
    run_keys: tuple[str, ...] = ()
    key_scope: float = 0.0
    """Within which nominal time its keys count; 0 for a sensor's."""


class UnfinishedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the trigger that has not ended."""

    run_id: str
    is_canceling: bool = False


class PolicyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision needs. ``created_times``: when the trigger's runs of the last hour were created, ascending.

    ``occasion``: the tick's number, or None when only what waits is looked at again.
    """

    now: float
    occasion: Optional[int] = None
    key_scope: float = 0.0
    unfinished: tuple[UnfinishedRun, ...] = ()
    created_times: tuple[float, ...] = ()
    held: tuple[HeldRequest, ...] = ()


class ReadyRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to create, the keys that it takes, and the tick that it belongs to."""

    run: NewRun
    run_keys: tuple[str, ...] = ()
    key_scope: float = 0.0
    occasion: int = 0


class PolicyDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Runs to create, the requests that wait afterwards (all of them), runs to cancel, and what was set aside now.

    ``set_aside`` names the tick that each note belongs to. ``wake_at``: when time alone can change the decision; an end of a
    run can at any time.
    """

    create: tuple[ReadyRun, ...] = ()
    held: tuple[HeldRequest, ...] = ()
    cancel: tuple[str, ...] = ()
    set_aside: tuple[tuple[int, SetAside], ...] = ()
    wake_at: Optional[float] = None


def decide_requests(policy: TriggerPolicy, facts: PolicyFacts, new: Sequence[NewRun]) -> PolicyDecision:
    """What becomes of the new requests and of those that wait."""
    return _Decider(policy, facts).decide(new)


class _Decider:
    """One decision; collects as it goes."""

    def __init__(self, policy: TriggerPolicy, facts: PolicyFacts) -> None:
        self.policy = policy
        self.facts = facts
        self.held: list[HeldRequest] = []
        self.set_aside: list[tuple[int, SetAside]] = []
        self.cancel: tuple[str, ...] = ()
        self.wakes: list[float] = []
        self.arrived: set[str] = set()

    def decide(self, new: Sequence[NewRun]) -> PolicyDecision:
        fresh = self._within_room(new)
        self.arrived = {one.run.run_id for one in fresh}
        ready = self._gather([*self.facts.held, *fresh])
        ready = self._without_overlap(ready)
        create = self._within_budget(ready)
        return PolicyDecision(
            create=tuple(
                ReadyRun(run=one.run, run_keys=one.run_keys, key_scope=one.key_scope, occasion=one.occasion)
                for one in create
            ),
            held=tuple(self.held),
            cancel=self.cancel,
            set_aside=tuple(self.set_aside),
            wake_at=min(self.wakes, default=None),
        )

    def _within_room(self, new: Sequence[NewRun]) -> list[HeldRequest]:
        gathers = self.policy.debounce is not None or self.policy.batch is not None
        requests = [
            HeldRequest(
                run=run,
                occasion=self.facts.occasion or 0,
                held_at=self.facts.now,
                cause="debounce" if self.policy.debounce is not None else "batch",
                gathering=gathers,
                run_keys=(run.run_key,) if run.run_key is not None else (),
                key_scope=self.facts.key_scope,
            )
            for run in new
        ]
        room = max(0, MAX_HELD - len(self.facts.held))
        for one in requests[room:]:
            self._note("dropped", "too_many_held", one)
        return requests[:room]

    # -- gathering -----------------------------------------------------------------------------------------------

    def _gather(self, waiting: Sequence[HeldRequest]) -> list[HeldRequest]:
        ready = [one for one in waiting if not one.gathering]
        groups: dict[tuple[str, str | None], list[HeldRequest]] = {}
        for one in waiting:
            if one.gathering:
                groups.setdefault((one.run.job_name, one.run.partition), []).append(one)
        for group in groups.values():
            due_at = self._due_at(group)
            if self.facts.now >= due_at:
                ready.append(joined(group))
                self._tell_joined(group)
            else:
                self._hold_group(group, due_at)
        return sorted(ready, key=lambda one: one.occasion)

    def _due_at(self, group: Sequence[HeldRequest]) -> float:
        first, last = group[0].held_at, group[-1].held_at
        debounce, batch = self.policy.debounce, self.policy.batch
        if debounce is not None:
            limit = first + debounce.max_wait_s if debounce.max_wait_s is not None else float("inf")
            return min(last + debounce.quiet_s, limit)
        if batch is not None:
            return last if len(group) >= batch.max_requests else first + batch.max_wait_s
        return first  # the policy gathers no more

    def _tell_joined(self, group: Sequence[HeldRequest]) -> None:
        for one in group[1:]:
            if one.run.run_id in self.arrived:
                self._note("joined", "joined", one, group[0].run.run_id)

    def _hold_group(self, group: Sequence[HeldRequest], due_at: float) -> None:
        self.wakes.append(due_at)
        for one in group:
            self.held.append(one)
            if one.run.run_id in self.arrived:
                self._note("held", one.cause, one, group[0].run.run_id)

    # -- overlap -------------------------------------------------------------------------------------------------

    def _without_overlap(self, ready: list[HeldRequest]) -> list[HeldRequest]:
        unfinished = self.facts.unfinished
        if not unfinished or not ready or self.policy.overlap == "allow":
            return ready if self.policy.overlap in ("allow", "skip") else self._newest(ready)
        if self.policy.overlap == "skip":
            for one in ready:
                if one.cause in ("runs_per_tick", "runs_per_hour"):
                    self._hold(one, one.cause)  # it did not overlap when it came
                else:
                    self._note("dropped", "overlap", one, unfinished[0].run_id)
            return []
        if self.policy.overlap == "replace":
            self.cancel = tuple(run.run_id for run in unfinished if not run.is_canceling)
        for one in self._newest(ready):
            self._hold(one, "overlap")
        return []

    def _newest(self, ready: list[HeldRequest]) -> list[HeldRequest]:
        """Only the newest occasion waits or goes on; what budgets hold back of it stays of that occasion."""
        if not ready:
            return ready
        newest = max(one.occasion for one in ready)
        kept = [one for one in ready if one.occasion == newest]
        for one in ready:
            if one.occasion != newest:
                self._note("dropped", "replaced", one, kept[0].run.run_id)
        return kept

    # -- budgets -------------------------------------------------------------------------------------------------

    def _within_budget(self, ready: list[HeldRequest]) -> list[HeldRequest]:
        per_tick, per_hour = self.policy.max_runs_per_tick, self.policy.max_runs_per_hour
        # one from a time to come was made before the clock was set back: it must not hold the trigger up until then
        made_lately = [moment for moment in self.facts.created_times if abs(moment - self.facts.now) < HOUR_S]
        go: list[HeldRequest] = []
        for one in ready:
            waits_for_tick = self.facts.occasion is None and one.cause == "runs_per_tick"
            if per_tick is not None and (waits_for_tick or len(go) >= per_tick):
                self._over(one, "runs_per_tick")
            elif per_hour is not None and len(made_lately) + len(go) >= per_hour:
                self._over(one, "runs_per_hour")
                if self.policy.over_budget == "hold":
                    oldest = made_lately[0] if made_lately else self.facts.now
                    self.wakes.append(oldest + HOUR_S)
            else:
                go.append(one)
        return go

    def _over(self, one: HeldRequest, cause: Cause) -> None:
        if self.policy.over_budget == "drop":
            self._note("dropped", cause, one)
        else:
            self._hold(one, cause)

    # -- notes ---------------------------------------------------------------------------------------------------

    def _hold(self, one: HeldRequest, cause: Cause) -> None:
        self.held.append(replace(one, cause=cause, gathering=False))
        if one.run.run_id in self.arrived:
            self._note("held", cause, one, one.run.run_id)

    def _note(self, action: Action, cause: Cause, one: HeldRequest, run_id: str | None = None) -> None:
        run = one.run
        note = SetAside(action=action, cause=cause, job_name=run.job_name, run_key=run.run_key, run_id=run_id)
        self.set_aside.append((one.occasion, note))


def joined(group: Sequence[HeldRequest]) -> HeldRequest:
    """One request for all of a group: the first one's id, the newest one's config, every one's tags, assets and keys."""
    first, last = group[0], group[-1]
    if len(group) == 1:
        return replace(first, gathering=False)
    keys = tuple(dict.fromkeys(key for one in group for key in one.run_keys))
    tags: dict[str, str] = {}
    for one in group:
        tags |= one.run.tags
    tags[JOINED_REQUESTS] = str(len(group))
    if keys:
        tags[JOINED_RUN_KEYS] = to_json(list(keys[:MAX_KEYS_IN_TAG]))
    run = replace(
        last.run,
        run_id=first.run.run_id,
        run_key=keys[-1] if keys else None,
        tags=tags,
        assets=_union([one.run.assets for one in group]),
        checks=_union([one.run.checks for one in group]),
        planned_assets=_union([one.run.planned_assets for one in group]) or (),
        planned_checks=_union([one.run.planned_checks for one in group]) or (),
        priority=max(one.run.priority for one in group),
    )
    return replace(last, run=run, run_keys=keys, gathering=False)


def _union(parts: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """None means everything, and so does a union with it."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return tuple(dict.fromkeys(text for part in known for text in part))


class KeyHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The run that took a run key: when it was created, and how it (or its last automatic retry) ended, if it has."""

    run_id: str
    created_at: float
    status: RunStatus


def is_key_free(policy: TriggerPolicy, holder: KeyHolder, now: float) -> bool:
    """Whether a taken key may be taken again under a policy."""
    if policy.run_key_lifetime_s is not None and now - holder.created_at >= policy.run_key_lifetime_s:
        return True
    return policy.run_key_until_failed and holder.status in (RunStatus.FAILURE, RunStatus.CANCELED)
