"""Answers why an asset, check or job was or was not requested, from the ledger and the code's description alone."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Mapping

import msgspec

from tidewheel.errors import (
    InvalidInvocationError,
    RunNotFoundError,
    TargetNotFoundError,
    did_you_mean,
)
from tidewheel.logic.conditions import memory as memory_form
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.evaluate import NodeResult, evaluate
from tidewheel.logic.conditions.explain import explain
from tidewheel.logic.conditions.facts import Position, UserAnswer
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.naming import expression_of
from tidewheel.logic.conditions.owed import RetryPolicy, retry_at
from tidewheel.logic.conditions.reads import with_upstream_requests
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.graph.specs import LocationSnapshot, SensorNode
from tidewheel.logic.partitions.keys import find_ordinal
from tidewheel.logic.planning.automation_holds import held_partitions
from tidewheel.logic.planning.automation_owed import attempts_of, policy_of
from tidewheel.logic.planning.automation_records import KEYS_SHOWN, explanation_of
from tidewheel.runtime.conditions.condition_facts import FactReader, partition_view
from tidewheel.runtime.conditions.condition_standing import askers_of, moments_of, standing_of
from tidewheel.runtime.conditions.condition_subjects import ServerFacts
from tidewheel.runtime.conditions.condition_views import (
    HeldView,
    OwedView,
    RequestedRunView,
    RequestView,
    WhyAnswer,
)
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.conditions import EvaluationRow, HeldRequest, OwedRow, OwedStatus
from tidewheel.values.records import RunFilter, TriggerRecord
from tidewheel.values.status import TriggerStatus
from tidewheel.values.tags import BACKFILL

REQUESTS_SHOWN = 5
NO_CONDITION = (
    "it has no automation condition: it runs when a schedule, a sensor, another run or a person asks for it; give it "
    "automation_condition=AutomationCondition.eager() to run after its dependencies"
)

Answers = Mapping[tuple[Key, int, Key], UserAnswer]


def find_target(graph: ConditionGraph, name: str) -> Key:
    """The asset, check (`asset:check`) or job of a name.

    Raises:
        TargetNotFoundError: when there is none.
    """
    for kind in ("asset", "check", "job"):
        key = Key(kind, name)  # type: ignore[arg-type]
        if key in graph.subjects:
            return key
    known = [key.name for key in graph.subjects]
    raise TargetNotFoundError(f"expected an asset or check, got {name!r}; {did_you_mean(name, known)}")


def sensor_of(
    graph: ConditionGraph, key: Key, sensors: Iterable[tuple[str, str, SensorNode]]
) -> tuple[str, SensorNode] | None:
    """The trigger id and the automation sensor that looks after a target."""
    for trigger_id, location, sensor in sensors:
        covered = {"asset": sensor.assets, "check": sensor.checks, "job": sensor.jobs}[key.kind]
        if (
            sensor.kind == "automation"
            and location == graph[key].location
            and key.name in covered
            and key in graph.targets
        ):
            return trigger_id, sensor
    return None


def asked_with(graph: ConditionGraph, key: Key, sensor: SensorNode | None) -> tuple[Key, ...]:
    """A target with those of its sensor whose requests of the same evaluation its condition sees."""
    if sensor is None:
        return (key,)
    covered = {
        *(Key("asset", name) for name in sensor.assets),
        *(Key("check", name) for name in sensor.checks),
        *(Key("job", name) for name in sensor.jobs),
    }
    location = graph[key].location
    together = {one for one in graph.targets if one in covered and graph[one].location == location}
    return with_upstream_requests(graph, key, together)


def why(
    ledger: LedgerPort,
    graph: ConditionGraph,
    key: Key,
    sensors: Iterable[tuple[str, str, SensorNode]],
    *,
    now: float,
    partition: str | None = None,
    run_id: str | None = None,
    answers: Answers | None = None,
    snapshots: Iterable[LocationSnapshot] = (),
) -> WhyAnswer:
    """All about one target, as of now; `snapshots`: the code that is loaded, for who else asks for it.

    With `run_id`, of the requests only the one that this run came of, however old.

    Raises:
        InvalidInvocationError: when the partition does not exist.
        RunNotFoundError: when the run does not.
    """
    view = partition_view(ledger, now)
    subject = graph[key]
    ordinal = None
    if partition is not None:
        ordinal = None if subject.partitions is None else find_ordinal(subject.partitions, partition, view)
        if ordinal is None:
            raise InvalidInvocationError(
                f"expected an existing partition of {key}, got {partition!r}"
                + ("; it has no partitions" if subject.partitions is None else "")
            )
    found = sensor_of(graph, key, sensors)
    record = ledger.get_trigger(found[0]) if found is not None else None
    rows = [row for row in ledger.owed.get_all(key.name) if row.kind == key.kind]
    is_running = found is not None and record is not None and _is_running(record, found[1])
    targets = asked_with(graph, key, None if found is None else found[1])
    progress = progress_of(ledger, targets, record)
    explanation = None
    if subject.condition is not None or key in graph.problems:
        owed = rows if len(targets) == 1 else ledger.owed.get_all()
        book = {(row.kind, row.name, row.partition): row for row in owed}
        own = ServerFacts(attempts=attempts_of(book, graph, view))
        facts = FactReader(graph, targets, progress).read_all(ledger, progress, now, own).facts
        facts = msgspec.structs.replace(facts, answers=dict(answers or {}))
        result = evaluate(graph, facts, progress, targets).results[key]
        moments = moments_of(ledger, _assets_in(result.tree), key, partition)
        explanation = explain(result, facts, graph, ordinal=ordinal, moments=moments)
    held = next(
        (one for one in ledger.conditions.get_held() if (one.kind, one.name) == (key.kind, key.name)), None
    )
    requests = _requests(ledger, key, partition, run_id)
    notes = [*_notes(graph, key, found is not None, is_running, progress, held)]
    if run_id is not None and not requests:
        notes.append(f"run {run_id} was not asked for by its condition")
    return WhyAnswer(
        target=key.name,
        kind=key.kind,
        at=now,
        partition=partition,
        condition="" if subject.condition is None else expression_of(subject.condition),
        standing=standing_of(ledger, key, partition),
        asked_by=askers_of(snapshots, key),
        sensor=found[1].name if found is not None else None,
        sensor_is_running=is_running,
        last_evaluated_at=progress.position.at if progress.position is not None else None,
        now=explanation,
        notes=tuple(notes),
        requests=requests,
        owed=tuple(
            owed_view(row, policy_of(graph, key), now)
            for row in rows
            if partition is None or row.partition == partition
        ),
        held=None if held is None else held_view(held, graph, ledger, now),
    )


def _assets_in(tree: NodeResult | None) -> tuple[Key, ...]:
    """The assets that a tree is about, each once."""
    found: dict[Key, None] = {}
    waiting = [] if tree is None else [tree]
    while waiting:
        one = waiting.pop()
        if one.subject.kind == "asset":
            found[one.subject] = None
        waiting.extend(one.children)
    return tuple(found)


def progress_of(ledger: LedgerPort, targets: Iterable[Key], record: TriggerRecord | None) -> Progress:
    """What is stored of some targets of one sensor."""
    position = None
    if record is not None and record.position is not None and record.frontier is not None:
        position = Position(record.frontier, record.position)
    memories = {}
    for row in ledger.conditions.get_memories([(key.kind, key.name) for key in targets]):
        try:
            memories[Key(row.kind, row.name)] = memory_form.decode(row.data)  # type: ignore[arg-type]
        except ConditionError:
            continue
    return Progress(position=position, targets=memories)


def owed_view(row: OwedRow, policy: RetryPolicy | None, now: float) -> OwedView:
    """A row of the book as people see it."""
    policy = policy or RetryPolicy()
    state, next_try = "running" if row.run_id and not row.failures else "due", None
    if row.status is OwedStatus.WAIVED:
        state = "waived"
    elif row.failures >= policy.max_failures:
        state = "stopped"
    elif row.failures:
        next_try = retry_at(policy, row.failures, row.failed_at)
        state = "waiting" if now < next_try else "due"
    return OwedView(
        target=row.name,
        kind=row.kind,
        partition=row.partition,
        state=state,
        requested_at=row.requested_at,
        run_id=row.run_id,
        failures=row.failures,
        error=row.error,
        next_try_at=next_try,
    )


def held_view(held: HeldRequest, graph: ConditionGraph, ledger: LedgerPort, now: float) -> HeldView:
    """A held request as people see it."""
    key = Key(held.kind, held.name)  # type: ignore[arg-type]
    partitions: tuple[str, ...] = ()
    if key in graph.subjects:
        view = partition_view(ledger, now)
        with contextlib.suppress(ConditionError):  # its partitions are other ones now
            wanted = held_partitions(held, graph[key].partitions, view)
            partitions = tuple(itertools.islice(wanted.keys(view) if wanted.spec else (), KEYS_SHOWN))
    return HeldView(
        target=held.name,
        kind=held.kind,
        at=held.at,
        count=held.count,
        status=held.status.value,
        partitions=partitions,
    )


def _is_running(record: TriggerRecord, sensor: SensorNode) -> bool:
    if record.status is TriggerStatus.DECLARED_IN_CODE:
        return sensor.default_running
    return record.status is TriggerStatus.RUNNING


def _notes(
    graph: ConditionGraph,
    key: Key,
    is_covered: bool,
    is_running: bool,
    progress: Progress,
    held: HeldRequest | None,
) -> Iterable[str]:
    if graph[key].condition is None and key not in graph.problems:
        yield NO_CONDITION
        return
    if not is_covered:
        yield "no automation sensor looks after it"
    elif not is_running:
        yield "the sensor that looks after it is stopped: nothing is requested until it is started"
    if progress.position is None or key not in progress.targets:
        yield "it was not evaluated yet: this is what its first evaluation would find"
    if held is not None:
        yield (
            f"its first evaluation asked for {held.count} partitions at once; they wait for "
            f"'tidewheel automation approve {key.name}' (answer so far: {held.status.value.lower()})"
        )


def _requests(
    ledger: LedgerPort, key: Key, partition: str | None, run_id: str | None
) -> tuple[RequestView, ...]:
    limit = REQUESTS_SHOWN if partition is None else REQUESTS_SHOWN * 20
    if run_id is None:
        rows = ledger.conditions.get_evaluations(key.kind, key.name, limit=limit)
    else:
        rows = _evaluations_of_run(ledger, key, run_id)
    if partition is not None and run_id is None:
        rows = [one for one in rows if partition in one.evaluation.partitions][:REQUESTS_SHOWN]
    wanted = tuple(run_id for row in rows for run_id in row.evaluation.run_ids[:KEYS_SHOWN])
    runs = {run.run_id: run for run in ledger.get_runs(RunFilter(run_ids=wanted))} if wanted else {}

    def run_view(run_id: str) -> RequestedRunView:
        run = runs.get(run_id)
        if run is None:
            return RequestedRunView(run_id=run_id)
        return RequestedRunView(run_id=run_id, status=run.status.value, ended_at=run.ended_at)

    return tuple(
        request_view(row, tuple(run_view(one) for one in row.evaluation.run_ids[:KEYS_SHOWN])) for row in rows
    )


def _evaluations_of_run(ledger: LedgerPort, key: Key, run_id: str) -> list[EvaluationRow]:
    """The evaluation of a target that a run came of, directly or through a backfill.

    Raises:
        RunNotFoundError: when there is no such run.
    """
    run = ledger.get_run(run_id)
    if run is None:
        raise RunNotFoundError(f"expected the id of a run, got {run_id!r}; see 'tidewheel run list'")
    backfill_id = run.tags.get(BACKFILL)
    backfill = None if backfill_id is None else ledger.backfills.get(backfill_id)
    tick_id = run.tick_id if backfill is None else backfill.tick_id
    if tick_id is None:
        return []
    rows = ledger.conditions.get_evaluations(key.kind, key.name, tick_id=tick_id)
    return [
        row for row in rows if run_id in row.evaluation.run_ids or backfill_id in row.evaluation.backfill_ids
    ]


def request_view(row: EvaluationRow, runs: tuple[RequestedRunView, ...]) -> RequestView:
    """A kept evaluation as people see it."""
    kept = row.evaluation
    return RequestView(
        evaluation_id=row.evaluation_id,
        at=kept.at,
        requested=kept.requested,
        partitions=kept.partitions,
        causes=kept.causes,
        runs=runs,
        backfill_ids=kept.backfill_ids,
        explanation=explanation_of(kept),
        error=kept.error,
        is_first=kept.is_first,
    )
