"""One automation sensor's engine: reads what changed, evaluates, and says what the tick is to commit.

It never writes. Everything here runs in one thread, beside the event loop. What was decided counts only when `settle`
is called after the commit; an engine whose decision was not committed is thrown away, and begins again from the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Optional

import msgspec

from tidewheel.logic.conditions import memory as memory_form
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.evaluate import evaluate
from tidewheel.logic.conditions.facts import Attempts, ConditionFacts, Position, UserAnswer
from tidewheel.logic.conditions.incremental import ConditionEngine, Round
from tidewheel.logic.conditions.memory import Progress, TargetMemory, starts_anew
from tidewheel.logic.conditions.reads import user_questions
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.logic.planning.automation_commit import (
    AutomationDecision,
    SensorOptions,
    decide_automation_commit,
)
from tidewheel.logic.planning.automation_owed import attempts_of, owed_after, policy_of, with_present_code
from tidewheel.logic.planning.automation_pace import Pace
from tidewheel.logic.planning.automation_records import build_evaluation
from tidewheel.runtime.conditions.condition_facts import Changes, FactReader, partition_view
from tidewheel.runtime.conditions.condition_subjects import ServerFacts
from tidewheel.services.automation.condition_backfills import backfilled
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.conditions import HeldRequest, MemoryRow, NewEvaluation, OwedKey, OwedRow
from tidewheel.values.events import StoredEvent
from tidewheel.values.records import EventFilter, TriggerRecord

TREES_MAX = 50
"""So many targets of one tick are kept with their trees; the others with their requests alone."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one evaluation works on."""

    changes: Changes
    book: Mapping[OwedKey, OwedRow]
    is_first: bool


class SensorEngine:
    """The conditions of one automation sensor, from evaluation to evaluation."""

    def __init__(
        self, graph: ConditionGraph, targets: tuple[Key, ...], record: TriggerRecord, ledger: LedgerPort
    ) -> None:
        self.graph = graph
        self.targets = targets
        self.trigger_id = record.trigger_id
        self._ledger = ledger
        self.progress = load_progress(ledger, targets, record)
        self.memories: dict[Key, TargetMemory] = {}
        """What was stored of targets since the start."""
        self._unevaluated = {key for key in targets if is_new(graph, key, self.progress.targets.get(key))}
        self._book_is_unknown = True
        self._owes = any(policy_of(graph, key) is not None for key in targets)
        self._book: Mapping[OwedKey, OwedRow] = {}
        self._told: Mapping[OwedKey, OwedRow] = {}
        """The book that the known failed attempts were made of."""
        self.held: dict[Key, HeldRequest] = {}
        self.reload()
        self._engine = ConditionEngine(graph, self.progress, targets)
        self._reader = FactReader(graph, targets, self.progress)
        self._backfills: dict[Key, PartitionSet] = {}
        self._attempts: Mapping[Key, tuple[Attempts, ...]] = {}
        self._view: Optional[PartitionView] = None
        self._fresh_until: dict[Key, float] = {}
        self.position = self.progress.position
        self.asking = tuple(key for key in targets if asks_user(graph, key))
        """The targets whose conditions are, or hold, such of users' own classes."""
        self.pace = Pace()
        self.errors: dict[Key, str] = {}

    def reload(self) -> None:
        """Read again what people may have changed: answers to held requests, what is owed."""
        mine = set(self.targets)
        self.held = {
            key: one
            for one in self._ledger.conditions.get_held()
            if (key := Key(one.kind, one.name)) in mine  # type: ignore[arg-type]
        }
        if self._owes or self._book_is_unknown:
            self._book_is_unknown = False
            self._book = {
                (row.kind, row.name, row.partition): row
                for row in self._ledger.owed.get_all()
                if Key(row.kind, row.name) in mine  # type: ignore[arg-type]
            }

    def read(self, now: float, *, everything: bool = False) -> Reading:
        """Gather: what has happened since the last evaluation."""
        ledger = self._ledger
        if self._view is None:
            view = partition_view(ledger, now, graph=self.graph)
            book = self._caught_up(view)
            self._backfills = backfilled(ledger, self.graph, view)
            self._attempts, self._told = attempts_of(book, self.graph, view), book
            own = ServerFacts(attempts=self._attempts, backfills=self._backfills)
            changes = self._reader.read_all(ledger, self.progress, now, own)
            self._fresh_until = dict(changes.fresh_until)
            return Reading(changes=changes, book=book, is_first=True)
        since = self.position.event_id if self.position is not None else 0
        held = self._engine.oldest_held
        oldest = since if held is None else min(since, held.event_id)
        happened = ledger.get_events(EventFilter(after_id=oldest))
        book = owed_after(self._book, (one for one in happened if one.id > since), self.graph, self._view)
        backfills = backfilled(ledger, self.graph, self._view)
        attempts = self._attempts if book is self._told else attempts_of(book, self.graph, self._view)
        self._told = book
        dirty = {key for key, until in self._fresh_until.items() if until <= now}
        dirty |= _changed(self._backfills, backfills) | _changed(self._attempts, attempts)
        self._backfills, self._attempts = backfills, attempts
        changes = self._reader.read_changes(
            ledger,
            since,
            now,
            self._view,
            happened=happened,
            own=ServerFacts(attempts=attempts, backfills=backfills),
            dirty=dirty,
            unseen=self._unevaluated,
            everything=everything,
        )
        for key in changes.facts.subjects:
            self._fresh_until.pop(key, None)
        self._fresh_until.update(changes.fresh_until)
        return Reading(changes=changes, book=book, is_first=False)

    def decide(
        self,
        reading: Reading,
        answers: Mapping[tuple[Key, int, Key], UserAnswer],
        record: TriggerRecord,
        options: SensorOptions,
    ) -> tuple[AutomationDecision, Round]:
        """Evaluate, and say what to commit."""
        facts = msgspec.structs.replace(reading.changes.facts, answers=answers)
        previous = self.position
        found = self._engine.advance(facts)
        self._view = facts.view
        decision = decide_automation_commit(
            self.graph,
            found,
            record=record,
            options=options,
            view=facts.view,
            new=self._unevaluated,
            held=self.held,
            book=reading.book,
            book_before=self._book,
            errors_before=self.errors,
        )
        explained = self._explained(decision, facts, previous, reading.changes.events)
        return decision.with_evaluations(explained), found

    def settle(self, reading: Reading, decision: AutomationDecision, found: Round) -> float:
        """The decision was committed; how many seconds the next evaluation has to wait, if it repeats itself."""
        self.position = found.position
        self._unevaluated.difference_update(found.memories)
        self._book = decision.book
        for key in decision.holds.released:
            self.held.pop(key, None)
        for one in decision.holds.held:
            self.held[Key(one.kind, one.name)] = one  # type: ignore[arg-type]
        self.errors = dict(found.errors)
        self.memories.update(found.memories)
        for key, facts in reading.changes.facts.subjects.items():
            if facts.updates:
                self.pace.made(key, (update.partitions for update in facts.updates))
        return self.pace.requested(self.graph, decision.requested, decision.interval_s)

    def wake_at(self, found: Round | None) -> float | None:
        """When time alone can next change something."""
        moments = [] if found is None or found.wake_at is None else [found.wake_at]
        # a window's state changes just after the moment that is given
        moments.extend(until + 0.001 for until in self._fresh_until.values())
        return min(moments, default=None)

    def memory_of(self, key: Key) -> TargetMemory | None:
        """What the last evaluation remembered of a target."""
        return self.memories.get(key) or self.progress.targets.get(key)

    def left_behind(self, targets: Collection[Key]) -> tuple[MemoryRow, ...]:
        """The memories of targets that are not looked at any more, with the position up to which they were."""
        gone = [(key.kind, key.name) for key in self.targets if key not in targets]
        if not gone or self.position is None:
            return ()
        rows = self._ledger.conditions.get_memories(gone)
        found = []
        for key, memory in _decoded(rows).items():
            held = memory if memory.held is not None else msgspec.structs.replace(memory, held=self.position)
            data = memory_form.encode(held)
            found.append(MemoryRow(kind=key.kind, name=key.name, trigger_id=self.trigger_id, data=data))
        return tuple(found)

    def _caught_up(self, view: PartitionView) -> Mapping[OwedKey, OwedRow]:
        """The book of owed work up to the newest event, as the code that is loaded now sees it."""
        book = with_present_code(self._book, self.graph)
        if not book or self.position is None:
            return book
        since = self._ledger.get_events(EventFilter(after_id=self.position.event_id))
        return owed_after(book, since, self.graph, view)

    def _explained(
        self,
        decision: AutomationDecision,
        facts: ConditionFacts,
        previous: Position | None,
        events: tuple[StoredEvent, ...],
    ) -> tuple[NewEvaluation, ...]:
        """The records of what was requested, each as the condition stood in this evaluation."""
        requested = decision.requested
        if not requested:
            return ()
        chosen = self.graph.in_order(requested)[:TREES_MAX]
        memories = {key: memory for key in chosen if (memory := self.memory_of(key)) is not None}
        before = Progress(position=previous, targets=memories)
        known = self._engine.known_facts(facts)
        results = evaluate(self.graph, known, before, chosen).results
        by_id = {stored.id: stored for stored in events}
        return tuple(
            build_evaluation(
                key,
                wanted,
                at=facts.position.at,
                view=facts.view,
                run_ids=decision.run_ids_of(key),
                backfill_ids=decision.backfill_ids_of(key),
                result=results.get(key),
                facts=known,
                graph=self.graph,
                events=by_id,
                is_first=key in self._unevaluated,
            )
            for key, wanted in requested.items()
        )


def is_new(graph: ConditionGraph, key: Key, memory: TargetMemory | None) -> bool:
    """Whether a target's condition was never evaluated: it is new, it was edited, or its partitions were cut anew."""
    if memory is None or key in graph.problems:
        return memory is None
    if memory.condition and memory.condition != graph.condition_identity(key):
        return True
    return starts_anew(memory, graph[key].partitions)


def asks_user(graph: ConditionGraph, target: Key) -> bool:
    """Whether a target's condition asks user code."""
    if target in graph.problems:
        return False
    try:
        return any(True for _ in user_questions(graph, target))
    except ConditionError:
        return False  # it names an asset that does not exist: its evaluation says so


def load_progress(ledger: LedgerPort, targets: tuple[Key, ...], record: TriggerRecord) -> Progress:
    """Where a sensor's evaluations stand in the ledger."""
    if record.position is None or record.frontier is None:
        position = None
    else:
        position = Position(record.frontier, record.position)
    mine = set(targets)
    rows = [
        row
        for row in ledger.conditions.get_memories()
        if Key(row.kind, row.name) in mine  # type: ignore[arg-type]
    ]
    targets_by_key = _decoded(rows)
    others = {row.trigger_id for row in rows} - {record.trigger_id}
    if others and position is not None:
        targets_by_key = _moved(ledger, rows, targets_by_key, record.trigger_id, position)
    return Progress(position=position, targets=targets_by_key)


def _moved(
    ledger: LedgerPort,
    rows: list[MemoryRow],
    memories: dict[Key, TargetMemory],
    trigger_id: str,
    position: Position,
) -> dict[Key, TargetMemory]:
    """Memories that another sensor left: what happened since its position was not seen yet."""
    positions = {one.trigger_id: one for one in ledger.get_triggers()}
    for row in rows:
        key = Key(row.kind, row.name)  # type: ignore[arg-type]
        other = positions.get(row.trigger_id)
        if row.trigger_id == trigger_id or key not in memories or other is None:
            continue
        if other.position is None or other.frontier is None or memories[key].held is not None:
            continue
        if other.position < position.event_id:
            left = Position(other.frontier, other.position)
            memories[key] = msgspec.structs.replace(memories[key], held=left)
    return memories


def _decoded(rows: list[MemoryRow]) -> dict[Key, TargetMemory]:
    """Memories by target; one that cannot be read counts as none: its target begins anew."""
    found: dict[Key, TargetMemory] = {}
    for row in rows:
        key = Key(row.kind, row.name)  # type: ignore[arg-type]
        try:
            found[key] = memory_form.decode(row.data)
        except ConditionError:
            continue
    return found


def _changed(before: Mapping[Key, object], after: Mapping[Key, object]) -> set[Key]:
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}
