"""Random graphs, conditions and histories for the conditions' property tests, all drawn from one seed."""

from __future__ import annotations

import datetime as dt
from random import Random

import msgspec

from tidewheel.logic.conditions import codec, presets
from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions.facts import (
    Attempts,
    ConditionFacts,
    Position,
    Production,
    RunRef,
    SubjectFacts,
    Update,
    UserAnswer,
)
from tidewheel.logic.conditions.legacy_rules import (
    not_all_parents_updated,
    on_missing,
    on_parent_updated,
    parent_outdated,
    policy,
)
from tidewheel.logic.conditions.reads import user_questions
from tidewheel.logic.conditions.selections import Groups, Keys
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, build_graph
from tidewheel.logic.conditions.timeline import Timeline
from tidewheel.logic.graph.specs import AssetNode, CheckNode, DepSpec, JobNode, LocationSnapshot
from tidewheel.logic.partitions.definitions import (
    DynamicKeys,
    DynamicPartitions,
    MultiPartitions,
    PartitionView,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.mappings import (
    AllPartitions,
    LastPartition,
    SpecificPartitions,
    StaticMapping,
    TimeWindowMapping,
)
from tidewheel.logic.partitions.sets import PartitionSet, everything, from_ordinals, nothing

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC).timestamp()
DAY = 86_400.0
DAILY = TimeWindowPartitions(cron="0 0 * * *", start=START, fmt="%Y-%m-%d")
DAILY_LATER = TimeWindowPartitions(cron="0 0 * * *", start=START + 2 * DAY, fmt="%Y-%m-%d")
HOURLY = TimeWindowPartitions(cron="0 */6 * * *", start=START, fmt="%Y-%m-%d-%H:%M")
STATIC = StaticPartitions(keys=("x", "y", "z"))
STATIC_MORE = StaticPartitions(keys=("w", "x", "y", "z"))
DYNAMIC = DynamicPartitions(name="dyn")
MULTI = MultiPartitions(dimensions=(("color", STATIC), ("day", DAILY)))
SPECS = (None, None, None, DAILY, DAILY, HOURLY, STATIC, DYNAMIC, MULTI)
CRONS = ("0 0 * * *", "0 */6 * * *", "30 2 * * *")
TAGS = ({}, {"team": "a"}, {"team": "b"})


class World:
    """A little world with assets, checks and jobs; it changes step by step and knows the facts about itself."""

    def __init__(self, seed: int, *, assets: int) -> None:
        self.random = Random(seed)
        self.now = START + 3 * DAY + self.random.randrange(0, 3) * 3600.0
        self.event_id = 0
        self.dynamic = DynamicKeys().adding(["k0", "k1"])
        self.facts: dict[Key, SubjectFacts] = {}
        self.history: dict[Key, tuple[Update, ...]] = {}
        self.changed: set[Key] = set()
        self.user_fails = False
        self.assets, self.checks, self.jobs = self._nodes(assets)
        self.graph = self._graph()

    # -- the graph -------------------------------------------------------------------------------------------------

    def _nodes(self, number: int) -> tuple[list[AssetNode], list[CheckNode], list[JobNode]]:
        random = self.random
        assets: list[AssetNode] = []
        checks: list[CheckNode] = []
        for index in range(number):
            spec = random.choice(SPECS)
            chosen = random.sample(assets, min(len(assets), random.choice((0, 1, 1, 2, 3))))
            deps = [DepSpec(asset=up.key, mapping=self._mapping(spec, up.partitions)) for up in chosen]
            if spec == DAILY and random.random() < 0.15:
                deps.append(
                    DepSpec(asset=f"a{index}", mapping=TimeWindowMapping(start_offset=-1, end_offset=-1))
                )
            if random.random() < 0.05:
                deps.append(DepSpec(asset="undeclared"))
            assets.append(
                AssetNode(
                    key=f"a{index}",
                    kind=random.choice(("materializable",) * 6 + ("observable", "external")),
                    deps=tuple(deps),
                    partitions=spec,
                    group=random.choice(("g", "h")),
                    code_version=random.choice((None, "1")),
                    is_virtual=random.random() < 0.1,
                )
            )
            for name in range(random.choice((0, 0, 1, 2))):
                checks.append(
                    CheckNode(
                        asset=f"a{index}",
                        name=f"c{name}",
                        blocking=random.random() < 0.6,
                        partitions=spec if random.random() < 0.3 else None,
                    )
                )
        if number > 1 and random.random() < 0.3:
            pair = random.sample(range(number), 2)
            for one, other in (pair, pair[::-1]):
                assets[one] = msgspec.structs.replace(assets[one], required_siblings=(f"a{other}",))
        jobs = []
        if random.random() < 0.3:
            inside = random.sample(assets, max(1, number // 2))
            jobs.append(JobNode(name="job", is_asset_job=True, assets=tuple(one.key for one in inside)))
        self.names = [one.key for one in assets]
        assets = [msgspec.structs.replace(one, condition=self._condition(0.85)) for one in assets]
        checks = [msgspec.structs.replace(one, condition=self._condition(0.5)) for one in checks]
        jobs = [msgspec.structs.replace(one, condition=self._job_condition()) for one in jobs]
        return assets, checks, jobs

    def _mapping(self, down, up):
        random = self.random
        if random.random() < 0.6 or up is None or down is None:
            return None
        if isinstance(down, TimeWindowPartitions) and isinstance(up, TimeWindowPartitions):
            return TimeWindowMapping(start_offset=random.choice((-1, 0)), end_offset=0)
        if down == STATIC and up == STATIC:
            return StaticMapping(pairs=(("x", "y"), ("y", "x"), ("y", "z")))
        if up == STATIC and random.random() < 0.3:
            return SpecificPartitions(keys=("y",))
        return random.choice((AllPartitions(), LastPartition()))

    def _graph(self) -> ConditionGraph:
        one = LocationSnapshot(
            name="one", assets=tuple(self.assets[::2]), checks=tuple(self.checks), jobs=tuple(self.jobs)
        )
        half = self.random.random() < 0.2
        two = LocationSnapshot(name="two" if half else "one", assets=tuple(self.assets[1::2]))
        return build_graph([one, two])

    # -- conditions ------------------------------------------------------------------------------------------------

    def _condition(self, chance: float) -> bytes | None:
        if self.random.random() > chance:
            return None
        return codec.encode(self.condition())

    def _job_condition(self) -> bytes:
        kind = self.random.choice((n.AnyJobRoots, n.AllJobRoots))
        inner = self.condition(depth=2)
        return codec.encode(
            self.random.choice((kind(operand=inner), n.NewlyTrue(operand=kind(operand=inner))))
        )

    def condition(self, depth: int = 0) -> n.Condition:
        """A random tree; ready-made ones are as likely as new ones."""
        random = self.random
        if depth == 0 and random.random() < 0.4:
            return self._preset()
        if depth >= 4 or random.random() < 0.25 + 0.1 * depth:
            return self._operand()
        inner = lambda: self.condition(depth + 1)  # noqa: E731
        selection = lambda: random.choice((None, None, None, Keys(keys=("a0", "a2")), Groups(groups=("g",))))  # noqa: E731
        match random.choice(
            ("and", "or", "not", "newly", "since", "handled", "any", "any", "all", "checks", "asset", "limit")
        ):
            case "and":
                return n.And(operands=tuple(inner() for _ in range(random.choice((1, 2, 3)))))
            case "or":
                return n.Or(operands=tuple(inner() for _ in range(random.choice((0, 2, 3)))))
            case "not":
                return n.Not(operand=inner())
            case "newly":
                return n.NewlyTrue(operand=inner())
            case "since":
                return n.Since(trigger=inner(), reset=inner())
            case "handled":
                return presets.since_last_handled(inner())
            case "any" | "all" as word:
                kind = n.AnyDeps if word == "any" else n.AllDeps
                return kind(
                    operand=inner(),
                    allow=selection(),
                    ignore=selection(),
                    through_virtual=random.random() < 0.2,
                )
            case "checks":
                kind = random.choice((n.AnyChecks, n.AllChecks))
                return kind(operand=inner(), blocking_only=random.random() < 0.5)
            case "asset":
                name = "nowhere" if random.random() < 0.03 else random.choice(self.names)
                return n.AssetMatches(key=name, operand=inner())
            case _:
                return n.Limited(operand=inner(), limit=random.choice((1, 2)))

    def _preset(self) -> n.Condition:
        random = self.random
        cron = random.choice(CRONS)
        rules = (on_missing(), on_parent_updated((("team", "a"),) if random.random() < 0.2 else ()))
        skips = random.sample(
            (
                presets.any_deps_missing(),
                parent_outdated(None),
                parent_outdated(5 * 3600.0),
                not_all_parents_updated(every_partition=False),
                not_all_parents_updated(every_partition=True),
                n.ParentsNonexistent(),
            ),
            2,
        )
        return random.choice(
            (
                presets.eager(),
                presets.eager(),
                presets.on_cron(cron, "UTC"),
                presets.on_missing(),
                presets.keep_up_to_date(max_failures=2, backoff_s=1800.0),
                policy(materialize=rules, skip=tuple(skips), limit=random.choice((None, 1))),
                n.And(operands=(presets.eager(), presets.all_deps_blocking_checks_passed())),
                n.AnyDownstream(),
                n.Or(operands=(n.AnyDownstream(), n.NewlyUpdated())),
            )
        )

    def _operand(self) -> n.Condition:
        random = self.random
        cron = random.choice(CRONS)
        return random.choice(
            (
                n.Missing(),
                n.Missing(),
                n.NewlyUpdated(),
                n.NewlyUpdated(),
                n.NewlyUpdated(),
                n.NewlyRequested(),
                n.WillBeRequested(),
                n.WillBeRequested(),
                n.InitialEvaluation(),
                n.RunInProgress(any_partition=random.random() < 0.3),
                n.BackfillInProgress(any_partition=random.random() < 0.3),
                n.ExecutionFailed(),
                n.ExecutionCanceled(),
                n.InLatestTimeWindow(lookback_s=random.choice((None, 2 * DAY))),
                n.ExecutedWithRootTarget(),
                n.ExecutedWithTags(tag_values=(("team", "a"),)),
                n.AnyNewUpdateHasRunTags(tag_keys=("team",)),
                n.AllNewUpdatesHaveRunTags(tag_values=(("team", "b"),)),
                n.FreshnessIs(state=random.choice(("passed", "failed"))),
                n.UpdatedWithin(duration_s=random.choice((3600.0, DAY))),
                n.UpdatedSinceCron(cron=cron),
                n.FailedSinceCron(cron=cron),
                n.ParentsNonexistent(),
                n.Behind(by_version=random.random() < 0.5),
                n.RetryAllowed(max_failures=2, backoff_s=1800.0),
                n.CodeVersionChanged(),
                n.DataVersionChanged(),
                n.CronTickPassed(cron=cron),
                n.CronTickPassed(cron=cron),
                n.AnyChecks(operand=n.CheckResultIs(passed=random.random() < 0.5)),
                n.UserDefined(name="U"),
            )
        )

    # -- what happens ----------------------------------------------------------------------------------------------

    def step(self) -> None:
        """One to three things happen, and mostly some time passes."""
        for _ in range(self.random.choice((0, 1, 1, 2, 3))):
            self._happen()
        hours = self.random.choice((0, 0, 0.1, 0.5, 1, 3, 6, 12, 24, 72, -7))
        self.now += hours * 3600.0
        if self.random.random() < 0.2:
            self.now = self.now // 3600.0 * 3600.0

    def _happen(self) -> None:
        random = self.random
        key = random.choice([one for one in self.graph.subjects if one.kind != "job"])
        facts = self.facts.get(key, SubjectFacts())
        some = self.some(key)
        none = nothing(self.graph[key].partitions)
        match random.choice(
            ("update",) * 7
            + ("run", "run", "backfill", "fail", "cancel", "check", "wipe", "state", "keys", "user")
        ):
            case "update":
                self._update(key, some)
                return
            case "run":
                changes = {"run_in_progress": random.choice((some, none))}
            case "backfill":
                changes = {"backfill_in_progress": random.choice((some, none))}
            case "fail":
                changes = {
                    "failed": (facts.failed or none) | some,
                    "failure_times": added(facts.failure_times, self.now, some),
                    "attempts": (
                        Attempts(failures=random.choice((1, 2)), failed_at=self.now, partitions=some),
                    ),
                }
            case "cancel":
                changes = {"canceled": random.choice((some, none))}
            case "check":
                passed = random.random() < 0.5
                changes = {"check_passed": some if passed else none, "check_failed": none if passed else some}
            case "wipe":
                changes = {"made": (facts.made or none) - some, "behind": some, "behind_by_version": none}
            case "state":
                changes = {"freshness": random.choice((None, "passed", "failed"))}
            case "keys":
                if random.random() < 0.7:
                    self.dynamic = self.dynamic.adding([f"k{self.dynamic.next_ordinal}"])
                else:
                    self.dynamic = self.dynamic.removing([random.choice((*self.dynamic.keys, "none"))])
                return
            case _:
                self.user_fails = not self.user_fails
                return
        self.facts[key] = msgspec.structs.replace(facts, **changes)
        self.changed.add(key)

    def _update(self, key: Key, some: PartitionSet) -> None:
        random = self.random
        run = None
        targets = [key]
        if random.random() < 0.85:
            targets += random.sample(
                list(self.graph.dependents.get(key, ())), min(1, len(self.graph.dependents.get(key, ())))
            )
            targets = [one for one in targets if one.kind != "job"][: random.choice((1, 2))]
            planned = frozenset(targets) if random.random() < 0.7 else frozenset([key])
            run = RunRef(
                run_id=f"run{random.randrange(6)}-{self.event_id}",
                job_name=random.choice(("", "job")),
                tags=random.choice(TAGS),
                targets=planned,
                started_after=max(0, self.event_id - random.choice((0, 0, 1, 4))),
            )
        for target in targets:
            made = some if target == key else self.some(target)
            self.event_id += 1
            update = Update(
                event_id=self.event_id,
                at=self.now - random.choice((0.0, 0.0, 1.0, 4000.0)),
                partitions=made,
                run=run,
                version_changed=random.random() < 0.7,
            )
            self.history[target] = (*self.history.get(target, ()), update)
            facts = self.facts.get(target, SubjectFacts())
            none = nothing(self.graph[target].partitions)
            others = [
                msgspec.structs.replace(one, partitions=one.partitions - made) for one in facts.producers
            ]
            producers = tuple(one for one in others if one.partitions)
            if run is not None:
                producers = (*producers, Production(run=run, partitions=made))
            self.facts[target] = msgspec.structs.replace(
                facts,
                made=(facts.made or none) | made,
                failed=(facts.failed or none) - made,
                producers=producers[-3:],
                update_times=added(facts.update_times, update.at, made),
            )
            self.changed.add(target)

    def some(self, key: Key) -> PartitionSet:
        """Some existing partitions of a subject."""
        spec = self.graph[key].partitions
        every = everything(spec, self.view())
        if spec is None or not every:
            return every
        ordinals = list(every)
        last = ordinals[-1:] if self.random.random() < 0.5 else []
        return from_ordinals(spec, [*self.random.sample(ordinals, min(len(ordinals), 2)), *last])

    def change_code(self) -> None:
        """Code versions, conditions and definitions change: a new graph."""
        random = self.random
        for index, node in enumerate(self.assets):
            changes = {}
            if random.random() < 0.3:
                changes["code_version"] = random.choice((None, "1", "2"))
            if random.random() < 0.2:
                changes["condition"] = self._condition(0.9)
            if random.random() < 0.1 and node.partitions == STATIC:
                changes["partitions"] = STATIC_MORE
            if random.random() < 0.1 and node.partitions == DAILY:
                changes["partitions"] = DAILY_LATER
            self.assets[index] = msgspec.structs.replace(node, **changes)
            if "partitions" in changes:
                key = Key("asset", node.key)
                self.facts.pop(key, None)
                self.history.pop(key, None)
                deps = [msgspec.structs.replace(dep, mapping=None) for dep in node.deps]
                self.assets[index] = msgspec.structs.replace(self.assets[index], deps=tuple(deps))
                for other, below in enumerate(self.assets):
                    plain = [
                        msgspec.structs.replace(dep, mapping=None) if dep.asset == node.key else dep
                        for dep in below.deps
                    ]
                    self.assets[other] = msgspec.structs.replace(below, deps=tuple(plain))
                for place, check in enumerate(self.checks):
                    if check.asset == node.key:
                        self.facts.pop(Key("check", f"{check.asset}:{check.name}"), None)
                        self.history.pop(Key("check", f"{check.asset}:{check.name}"), None)
                        self.checks[place] = msgspec.structs.replace(check, partitions=None)
        self.graph = self._graph()

    # -- facts -----------------------------------------------------------------------------------------------------

    def view(self) -> PartitionView:
        return PartitionView(now=self.now, dynamic_keys={"dyn": self.dynamic})

    def all_facts(self) -> ConditionFacts:
        """Everything there is to know now, with all updates there ever were."""
        subjects = {
            key: msgspec.structs.replace(facts, updates=self.history.get(key, ()))
            for key, facts in self.facts.items()
        }
        return self._facts(subjects)

    def changed_facts(self, since: Position) -> ConditionFacts:
        """What changed since the last time, with the updates since then."""
        subjects = {}
        for key in sorted(self.changed):
            new = tuple(one for one in self.history.get(key, ()) if one.event_id > since.event_id)
            subjects[key] = msgspec.structs.replace(self.facts[key], updates=new)
        return self._facts(subjects)

    def _facts(self, subjects: dict[Key, SubjectFacts]) -> ConditionFacts:
        return ConditionFacts(
            position=Position(self.now, self.event_id),
            view=self.view(),
            subjects=subjects,
            answers=self._answers(),
        )

    def _answers(self) -> dict[tuple[Key, int, Key], UserAnswer]:
        answers = {}
        for target in self.graph.targets:
            try:
                asked = list(user_questions(self.graph, target))
            except Exception:
                continue
            for node, subject in asked:
                name = (target, node.slot, subject.key)
                if self.user_fails:
                    answers[name] = UserAnswer(error="boom")
                else:
                    every = everything(subject.partitions, self.view())
                    true = every if self.event_id % 2 else nothing(subject.partitions)
                    answers[name] = UserAnswer(true=true, cursor=str(self.event_id))
        return answers


def added(times: Timeline | None, at: float, partitions: PartitionSet) -> Timeline:
    """A timeline (None: an empty one) with something that happened to partitions."""
    return (times or Timeline(partitions.spec)).adding((at, ordinal) for ordinal in partitions)
