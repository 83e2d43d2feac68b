"""A little ledger for the conditions' table tests: things happen, time passes, conditions are evaluated.

Every evaluation is made by the full evaluator and by the incremental engine; they have to agree.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec
from condition_worlds import added

from tidewheel.logic.conditions import codec
from tidewheel.logic.conditions.evaluate import Evaluation, evaluate
from tidewheel.logic.conditions.facts import (
    ConditionFacts,
    Position,
    Production,
    RunRef,
    SubjectFacts,
    Update,
)
from tidewheel.logic.conditions.incremental import ConditionEngine
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.nodes import Condition
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, CheckNode, DepSpec, JobNode, LocationSnapshot
from tidewheel.logic.partitions import keys as partition_keys
from tidewheel.logic.partitions.definitions import (
    DynamicKeys,
    PartitionsSpec,
    PartitionView,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.sets import PartitionSet, everything, from_ordinals, nothing

HOUR = 3600.0
DAILY = TimeWindowPartitions(
    cron="0 0 * * *", start=dt.datetime(2024, 1, 1, tzinfo=dt.UTC).timestamp(), fmt="%Y-%m-%d"
)
WEEKLY = TimeWindowPartitions(
    cron="0 0 * * 0", start=dt.datetime(2023, 12, 31, tzinfo=dt.UTC).timestamp(), fmt="%Y-%m-%d"
)
XY = StaticPartitions(keys=("x", "y"))


def moment(text: str) -> float:
    """Seconds of `2024-01-05 01:00`."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


def asset(
    key: str,
    condition: Condition | None = None,
    deps: Iterable[str | DepSpec] = (),
    partitions: PartitionsSpec | None = None,
    **more,
) -> AssetNode:
    return AssetNode(
        key=key,
        condition=None if condition is None else codec.encode(condition),
        deps=tuple(dep if isinstance(dep, DepSpec) else DepSpec(asset=dep) for dep in deps),
        partitions=partitions,
        **more,
    )


def check(asset: str, name: str, condition: Condition | None = None, **more) -> CheckNode:
    stored = None if condition is None else codec.encode(condition)
    return CheckNode(asset=asset, name=name, condition=stored, **more)


def job(name: str, condition: Condition, assets: Iterable[str]) -> JobNode:
    return JobNode(name=name, is_asset_job=True, assets=tuple(assets), condition=codec.encode(condition))


class Story:
    """Assets, checks and jobs, and what happens to them. The methods return the story, `evaluate` the requests."""

    def __init__(self, *nodes: AssetNode | CheckNode | JobNode, now: str = "2024-01-05 01:00") -> None:
        self.now = moment(now)
        self.event_id = 0
        self.run_number = 0
        self.dynamic = DynamicKeys()
        self.facts: dict[Key, SubjectFacts] = {}
        self.updates: dict[Key, tuple[Update, ...]] = {}
        self.changed: set[Key] = set()
        self.progress = Progress()
        self.evaluation: Evaluation | None = None
        self.define(*nodes)

    def define(self, *nodes: AssetNode | CheckNode | JobNode, other: Iterable[AssetNode] = ()) -> Story:
        """The definitions from now on: a new graph, with the memory kept."""
        self.graph = build_graph(
            [
                LocationSnapshot(
                    name="here",
                    assets=tuple(one for one in nodes if isinstance(one, AssetNode)),
                    checks=tuple(one for one in nodes if isinstance(one, CheckNode)),
                    jobs=tuple(one for one in nodes if isinstance(one, JobNode)),
                ),
                LocationSnapshot(name="there", assets=tuple(other)),
            ]
        )
        self.engine = ConditionEngine(self.graph, self.progress)
        self.is_fresh = True
        return self

    # -- time ------------------------------------------------------------------------------------------------------

    def later(self, hours: float) -> Story:
        self.now += hours * HOUR
        return self

    def at(self, text: str) -> Story:
        self.now = moment(text)
        return self

    # -- what happens ----------------------------------------------------------------------------------------------

    def made(
        self,
        *names: str,
        part: str | Iterable[str] | None = None,
        run: str | None = "",
        planned: Iterable[str] | None = None,
        started: int | None = None,
        tags: dict[str, str] | None = None,
        at: str | None = None,
        changed: bool = True,
        job: str = "",
    ) -> Story:
        """A run makes assets (or runs checks), one event each; `run=None`: reported from outside.

        The run has planned them (or `planned`) and began just before (or when event `started` was the newest).
        """
        reference = None
        if run is not None:
            self.run_number += 1
            reference = RunRef(
                run_id=run or f"run{self.run_number}",
                job_name=job,
                tags=tags or {},
                targets=frozenset(self.key(one) for one in (names if planned is None else planned)),
                started_after=self.event_id if started is None else started,
            )
        for name in names:
            self.event_id += 1
            key, partitions = self.key(name), self.some(name, part)
            update = Update(
                event_id=self.event_id,
                at=self.now if at is None else moment(at),
                partitions=partitions,
                run=reference,
                version_changed=changed,
            )
            self.updates[key] = (*self.updates.get(key, ()), update)
            known = self.facts.get(key, SubjectFacts())
            empty = nothing(self.graph[key].partitions)
            producers = [
                msgspec.structs.replace(one, partitions=one.partitions - partitions)
                for one in known.producers
            ]
            if reference is not None:
                producers.append(Production(run=reference, partitions=partitions))
            self._change(
                name,
                made=(known.made or empty) | partitions,
                failed=(known.failed or empty) - partitions,
                run_in_progress=(known.run_in_progress or empty) - partitions,
                producers=tuple(one for one in producers if one.partitions),
                update_times=added(known.update_times, update.at, partitions),
            )
            for check_key in self.graph[key].checks:
                none = nothing(self.graph[check_key].partitions)
                self._change(check_key.name, made=none, check_passed=none, check_failed=none)
        return self

    def checked(self, name: str, passed: bool = True, **more) -> Story:
        """A check runs, for its asset's latest materialisation."""
        self.made(name, **more)
        every = self.some(name, None)
        none = nothing(self.graph[self.key(name)].partitions)
        return self._change(
            name, check_passed=every if passed else none, check_failed=none if passed else every
        )

    def wiped(self, name: str) -> Story:
        return self._change(name, made=None, producers=(), update_times=None)

    def running(self, name: str, part: str | None = None) -> Story:
        return self._change(name, run_in_progress=self.some(name, part))

    def failed(self, name: str, part: str | None = None) -> Story:
        some = self.some(name, part)
        return self._change(
            name,
            run_in_progress=None,
            failed=some,
            canceled=None,
            failure_times=added(None, self.now, some),
        )

    def canceled(self, name: str, part: str | None = None) -> Story:
        return self._change(name, run_in_progress=None, canceled=self.some(name, part))

    def set(self, name: str, **facts) -> Story:
        return self._change(name, **facts)

    def added(self, *keys: str) -> Story:
        self.dynamic = self.dynamic.adding(keys)
        return self

    def removed(self, *keys: str) -> Story:
        self.dynamic = self.dynamic.removing(keys)
        return self

    # -- evaluation ------------------------------------------------------------------------------------------------

    def evaluate(self) -> dict[str, bool | list[str]]:
        """What is requested now: True of what is not partitioned, else the keys."""
        previous = self.progress.position
        complete = {
            key: msgspec.structs.replace(facts, updates=self.updates.get(key, ()))
            for key, facts in self.facts.items()
        }
        facts = self.as_facts(complete)
        self.evaluation = evaluate(self.graph, facts, self.progress)
        since = 0 if self.is_fresh or previous is None else previous.event_id
        changes = {
            key: msgspec.structs.replace(
                one, updates=tuple(update for update in one.updates if update.event_id > since)
            )
            for key, one in complete.items()
            if self.is_fresh or key in self.changed
        }
        got = self.engine.advance(msgspec.structs.replace(facts, subjects=changes))
        assert dict(got.requested) == dict(self.evaluation.requested)
        assert set(got.errors) == {key for key, one in self.evaluation.results.items() if one.error}
        assert self.engine.progress().targets == self.evaluation.progress.targets
        self.progress = self.evaluation.progress
        self.changed.clear()
        self.is_fresh = False
        view = self.view()
        return {
            key.name: sorted(one.keys(view)) if one.spec is not None else True
            for key, one in self.evaluation.requested.items()
        }

    def times(self, number: int) -> list[dict[str, bool | list[str]]]:
        return [self.evaluate() for _ in range(number)]

    def error(self, name: str) -> str | None:
        assert self.evaluation is not None
        return self.evaluation.results[self.key(name)].error

    # -- what is at hand -------------------------------------------------------------------------------------------

    def key(self, name: str) -> Key:
        for kind in ("asset", "check", "job"):
            if Key(kind, name) in self.graph.subjects:
                return Key(kind, name)
        raise KeyError(name)

    def view(self) -> PartitionView:
        return PartitionView(now=self.now, dynamic_keys={"dyn": self.dynamic})

    def as_facts(self, subjects: dict[Key, SubjectFacts]) -> ConditionFacts:
        return ConditionFacts(position=Position(self.now, self.event_id), view=self.view(), subjects=subjects)

    def some(self, name: str, part: str | Iterable[str] | None) -> PartitionSet:
        spec = self.graph[self.key(name)].partitions
        if spec is None or part is None:
            return everything(spec, self.view())
        keys = [part] if isinstance(part, str) else list(part)
        return from_ordinals(spec, [partition_keys.nameable_ordinal(spec, one, self.view()) for one in keys])

    def _change(self, name: str, **facts) -> Story:
        key = self.key(name)
        self.facts[key] = msgspec.structs.replace(self.facts.get(key, SubjectFacts()), **facts)
        self.changed.add(key)
        return self


def lasting(condition: Condition, **more) -> Story:
    """A story about one asset `a` with this condition."""
    return Story(asset("a", condition, **more))
