"""Makes the facts that conditions ask for from what the ledger knows: whole at first, afterwards what events touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

import msgspec

from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.facts import (
    ConditionFacts,
    Position,
    UserAnswer,
)
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.reads import Fact, needs_of
from tidewheel.logic.conditions.run_interest import run_interests
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.runtime.conditions.condition_kept import CHECKED, Known, dynamic_names
from tidewheel.runtime.conditions.condition_rows import (
    AT_ONCE,
    CHECK_PLANNED,
    MADE,
    PLANNED,
    SEEN,
    RowReader,
    asset_of,
)
from tidewheel.runtime.conditions.condition_subjects import FactMaker, ServerFacts
from tidewheel.runtime.dynamic_keys import read_dynamic_keys
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.events import Event, EventType, StoredEvent
from tidewheel.values.records import EventFilter

UPDATE_TYPES = (MADE, SEEN, CHECKED)
ENDS = frozenset({EventType.RUN_SUCCESS, EventType.RUN_FAILURE, EventType.RUN_CANCELED})
NOWHERE: Mapping[str, Collection[str]] = {}
_AT_ONCE = 500


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What has happened since a position: the facts that changed, the events, when freshness can next change."""

    facts: ConditionFacts
    events: tuple[StoredEvent, ...] = ()
    fresh_until: Mapping[Key, float] = msgspec.field(default_factory=dict)


def gather_facts(
    ledger: LedgerPort,
    graph: ConditionGraph,
    targets: Iterable[Key],
    progress: Progress,
    *,
    now: float,
    answers: Mapping[tuple[Key, int, Key], UserAnswer] | None = None,
) -> ConditionFacts:
    """The facts about everything that the targets' conditions ask of, as of the ledger's newest event."""
    changes = FactReader(graph, list(targets), progress).read_all(ledger, progress, now)
    return msgspec.structs.replace(changes.facts, answers=dict(answers or {}))


def partition_view(
    ledger: LedgerPort,
    now: float,
    before: PartitionView | None = None,
    *,
    graph: ConditionGraph | None = None,
) -> PartitionView:
    """Which partitions exist at a moment; where no dynamic keys have changed, they are the very same as before.

    With a `graph` for its subjects only: where none of them has dynamic partitions, nothing is read.
    """
    known = before.dynamic_keys if before is not None else {}
    if graph is not None and not graph.once("has dynamic partitions", lambda: _has_dynamic(graph)):
        return PartitionView(now=now, dynamic_keys=known)
    return PartitionView(now=now, dynamic_keys=read_dynamic_keys(ledger, known))


def _has_dynamic(graph: ConditionGraph) -> bool:
    specs = {id(subject.partitions): subject.partitions for subject in graph.subjects.values()}
    return any(dynamic_names(spec) for spec in specs.values())


class FactReader:
    """Reads the facts that some targets' conditions ask for."""

    def __init__(self, graph: ConditionGraph, targets: Collection[Key], progress: Progress) -> None:
        self.graph = graph
        self.targets = targets
        remembered = {key: memory.nodes for key, memory in progress.targets.items()}
        self.first_needs = _wide(graph, _needs(graph, targets, remembered))
        self.needs = _wide(graph, _needs(graph, targets, dict.fromkeys(targets, EVERYTHING)))
        """What is still needed once every target has a memory."""
        asked = [
            key
            for key, facts in self.first_needs.items()
            if facts & Fact.PRODUCERS and graph[key].partitions is not None
        ]
        self._known = Known(graph, run_interests(graph, targets, asked))
        self._checks_of: dict[str, list[Key]] = defaultdict(list)
        for key in self.needs:
            if key.kind == "check":
                self._checks_of[asset_of(key)].append(key)

    def read_all(
        self, ledger: LedgerPort, progress: Progress, now: float, own: ServerFacts | None = None
    ) -> Changes:
        """The facts about all subjects; as updates those since the oldest position of a target."""
        position = Position(now, ledger.last_event_id())
        since = oldest_position(self.targets, progress)
        events: dict[str, list[StoredEvent]] = defaultdict(list)
        names = sorted({key.name for key in self.first_needs if key.kind == "asset"})
        if since is not None and names:
            few = tuple(names) if len(names) <= _AT_ONCE else None
            wanted = set(names)
            for stored in ledger.get_events(EventFilter(types=UPDATE_TYPES, assets=few, after_id=since)):
                if stored.id <= position.event_id and stored.event.asset in wanted:
                    events[stored.event.asset or ""].append(stored)
        view = partition_view(ledger, now, graph=self.graph)
        self._known.forget()
        changes = self._made(ledger, self.first_needs, list(self.first_needs), events, position, view, own)
        happened = (stored for found in events.values() for stored in found)
        return msgspec.structs.replace(changes, events=tuple(sorted(happened, key=_id)))

    def read_changes(
        self,
        ledger: LedgerPort,
        since: int,
        now: float,
        before: PartitionView,
        *,
        happened: Sequence[StoredEvent] | None = None,
        own: ServerFacts | None = None,
        dirty: Collection[Key] = (),
        unseen: Collection[Key] = (),
        everything: bool = False,
    ) -> Changes:
        """The facts about what events after `since` are about, and about `dirty` subjects.

        `happened`: the events, where they were read before: from `since` on, or from the position of the target that was
        left behind furthest. `unseen`: targets whose evaluation has only failed so far, which ask as at first.
        `everything`: the past was changed; nothing that was read before counts.
        """
        if everything:
            self._known.forget()
            dirty = list(self.needs)
        if happened is None:
            happened = ledger.get_events(EventFilter(after_id=since))
        new = tuple(stored for stored in happened if stored.id > since)
        places: dict[str, set[str]] = defaultdict(set)
        for event in (*(stored.event for stored in new), *self._planned_by_ended(ledger, new)):
            if event.asset is not None:
                places[event.asset].update([] if event.partition is None else [event.partition])
        touched = [key for name in sorted(places) for key in self._subjects_of(name)]
        touched += [key for key in dict.fromkeys(dirty) if key in self.needs and key not in set(touched)]
        needs = self.needs
        if unseen and touched:
            needs, touched = self._as_at_first(unseen, touched)
        position = Position(now, new[-1].id if new else since)
        view = partition_view(ledger, now, before, graph=self.graph)
        if not touched:
            facts = ConditionFacts(position=position, view=view)
            return Changes(facts=facts, events=new)
        wanted = {key.name for key in touched if key.kind == "asset"}
        updates: dict[str, list[StoredEvent]] = defaultdict(list)
        for stored in happened:
            if stored.event.asset in wanted and stored.event.type.value in UPDATE_TYPES:
                updates[stored.event.asset or ""].append(stored)
        changes = self._made(ledger, needs, touched, updates, position, view, own, new=new, places=places)
        return msgspec.structs.replace(changes, events=new)

    def _as_at_first(self, unseen: Iterable[Key], touched: list[Key]) -> tuple[dict[Key, Fact], list[Key]]:
        """What is needed where some targets were never evaluated, and what has to be read anew for them.

        Whether something is behind is told by its inputs too: it is read again, with all of them, when one changes.
        """
        at_first = _wide(self.graph, _needs(self.graph, unseen, {}))
        found = dict.fromkeys(touched)
        for key, facts in at_first.items():
            if facts & Fact.BEHIND:
                family = [key, *(dep.key for dep in self.graph[key].deps)]
                if any(one in found for one in family):
                    found.update(dict.fromkeys(one for one in family if one in at_first))
        needs = {key: self.needs.get(key, Fact.NONE) | at_first.get(key, Fact.NONE) for key in found}
        return needs, list(found)

    def _subjects_of(self, asset: str) -> list[Key]:
        key = Key("asset", asset)
        return [*([key] if key in self.needs else []), *self._checks_of.get(asset, ())]

    def _planned_by_ended(self, ledger: LedgerPort, new: Iterable[StoredEvent]) -> Iterator[Event]:
        """The plans of runs that have ended: what they were to make may have failed, and is not in progress any more."""
        ended = sorted({stored.event.run_id for stored in new if stored.event.type in ENDS})
        for at in range(0, len(ended), AT_ONCE):
            runs = tuple(ended[at : at + AT_ONCE])
            for one in ledger.get_events(EventFilter(types=(PLANNED, CHECK_PLANNED), run_ids=runs)):
                yield one.event

    def _made(
        self,
        ledger: LedgerPort,
        needs: Mapping[Key, Fact],
        keys: list[Key],
        events: dict[str, list[StoredEvent]],
        position: Position,
        view: PartitionView,
        own: ServerFacts | None,
        *,
        new: Sequence[StoredEvent] = (),
        places: Mapping[str, Collection[str]] = NOWHERE,
    ) -> Changes:
        reader = RowReader(self.graph, needs, self._known)
        rows = reader.read(ledger, keys, events, new=new, places=places, view=view)
        making = FactMaker(ledger, self.graph, needs, rows, self._known, view, own or ServerFacts())
        facts = ConditionFacts(position=position, view=view, subjects=making.subjects(keys))
        return Changes(facts=facts, fresh_until=making.fresh_until)


def _id(stored: StoredEvent) -> int:
    return stored.id


def oldest_position(targets: Iterable[Key], progress: Progress) -> int | None:
    """The oldest event id up to which some target has seen events; None before the first evaluation."""
    if progress.position is None:
        return None
    held = (progress.targets[key].held for key in targets if key in progress.targets)
    ids = [one.event_id for one in held if one is not None]
    return min([*ids, progress.position.event_id])


class _Everything:
    """A container that has whatever it is asked for."""

    def __contains__(self, name: object) -> bool:
        return True


EVERYTHING = _Everything()


def _needs(
    graph: ConditionGraph, targets: Iterable[Key], remembered: Mapping[Key, Container[str]]
) -> dict[Key, Fact]:
    found: dict[Key, Fact] = defaultdict(lambda: Fact.NONE)
    for target in targets:
        if target in graph.problems:
            continue
        try:
            needs = needs_of(graph, target, remembered.get(target, ()))
        except ConditionError:
            continue  # it names an asset that does not exist: its evaluation says so
        for key, facts in needs.items():
            found[key] |= facts
    return found


def _wide(graph: ConditionGraph, needs: Mapping[Key, Fact]) -> dict[Key, Fact]:
    """What is needed of subjects that there are, with the assets of the checks that are asked for."""
    found = {key: facts for key, facts in needs.items() if key in graph.subjects and key.kind != "job"}
    for key in [key for key in found if key.kind == "check"]:
        found.setdefault(Key("asset", asset_of(key)), Fact.NONE)
    return found
