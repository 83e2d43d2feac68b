"""Keeps the book of owed work: what `keep_up_to_date` requested and has to be made yet.

A row begins with a request. It ends when the partition is made, by whatever run. A failed run counts as one more failure
in a row if its error is the same as that of the one before; a cancelled one waits as after one failure. An update of an
input, or other code, replaces the request: the count starts again, and what was waived is owed again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from tidewheel.logic.conditions.facts import Attempts
from tidewheel.logic.conditions.nodes import RetryAllowed
from tidewheel.logic.conditions.owed import RetryPolicy
from tidewheel.logic.conditions.relations import down_along
from tidewheel.logic.conditions.rewrite import walk
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, Subject
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.keys import key_of, nameable_ordinal
from tidewheel.logic.partitions.sets import PartitionSet, everything, from_ordinals, nothing
from tidewheel.values.conditions import OwedKey, OwedRow, OwedStatus
from tidewheel.values.events import Event, EventType, Failure, StoredEvent

WAIVED_FAILURES = 1 << 30
"""More than any policy allows: a waived partition is not requested."""
ERROR_LENGTH = 300

OwedBook = Mapping[OwedKey, OwedRow]

_CONCERNING = frozenset(
    {
        EventType.ASSET_MATERIALIZATION,
        EventType.ASSET_CHECK_EVALUATION,
        EventType.ASSET_MATERIALIZATION_PLANNED,
        EventType.RUN_FAILURE,
        EventType.RUN_CANCELED,
    }
)


def policy_of(graph: ConditionGraph, key: Key) -> RetryPolicy | None:
    """How often the requests of a target are repeated; None if they are not owed."""
    condition = graph[key].condition if key in graph.subjects else None
    if condition is None:
        return None
    found = graph.once(
        ("retry policy", id(condition)),
        lambda: next((node for node in walk(condition) if isinstance(node, RetryAllowed)), None),
    )
    if found is None:
        return None
    return RetryPolicy(
        max_failures=found.max_failures, backoff_s=found.backoff_s, backoff_max_s=found.backoff_max_s
    )


def with_present_code(book: OwedBook, graph: ConditionGraph) -> dict[OwedKey, OwedRow]:
    """The book as the code that is loaded now sees it.

    Failures of other code do not count. What a condition asked for that has no owed work any more is replaced.
    """
    found = {}
    for owed_key, row in book.items():
        key = key_of_row(row)
        if key in graph.subjects and policy_of(graph, key) is None:
            continue
        version = graph[key].code_version or "" if key in graph.subjects else row.code_version
        if version != row.code_version:
            row = replace(row, failures=0, error="", code_version=version, status=OwedStatus.OWED)
        found[owed_key] = row
    return found


def owed_after(
    book: OwedBook, events: Iterable[StoredEvent], graph: ConditionGraph, view: PartitionView
) -> OwedBook:
    """The book after some events, the very same one if they do not concern it; what is made is not in it any more."""
    if not book:
        return book
    happened = [stored.event for stored in events if stored.event.type in _CONCERNING]
    if not happened:
        return book
    found = dict(book)
    for event in happened:
        match event.type:
            case EventType.ASSET_MATERIALIZATION:
                found.pop(("asset", event.asset or "", event.partition or ""), None)
                _replace_downstream(found, event, graph, view)
            case EventType.ASSET_CHECK_EVALUATION:
                found.pop(("check", f"{event.asset}:{event.check}", event.partition or ""), None)
            case EventType.ASSET_MATERIALIZATION_PLANNED:
                place = ("asset", event.asset or "", event.partition or "")
                if place in found:
                    found[place] = replace(found[place], run_id=event.run_id)
            case EventType.RUN_FAILURE:
                _change(found, event.run_id, lambda row, event=event: _failed(row, event))  # type: ignore[misc]
            case EventType.RUN_CANCELED:
                _change(
                    found,
                    event.run_id,
                    lambda row, at=event.timestamp: replace(  # type: ignore[misc]
                        row, failures=max(1, row.failures), failed_at=at, error=row.error or "cancelled"
                    ),
                )
    return found


def newly_owed(
    book: OwedBook,
    graph: ConditionGraph,
    requested: Mapping[Key, PartitionSet],
    run_of: Mapping[tuple[str, str], str],
    *,
    trigger_id: str,
    now: float,
    view: PartitionView,
) -> tuple[OwedRow, ...]:
    """The rows of what is requested now and was not owed yet. `run_of`: by asset and partition, the run to make it."""
    rows = []
    for key, wanted in requested.items():
        if policy_of(graph, key) is None:
            continue
        spec = graph[key].partitions
        for ordinal in wanted:
            partition = "" if spec is None else key_of(spec, ordinal, view)
            run_id = run_of.get((key.name, partition), "")
            known = book.get((key.kind, key.name, partition))
            if known is not None:
                rows.append(replace(known, run_id=run_id or known.run_id))
                continue
            rows.append(
                OwedRow(
                    kind=key.kind,
                    name=key.name,
                    partition=partition,
                    trigger_id=trigger_id,
                    requested_at=now,
                    run_id=run_id,
                    code_version=graph[key].code_version or "",
                )
            )
    return tuple(rows)


def attempts_of(
    book: OwedBook, graph: ConditionGraph, view: PartitionView
) -> dict[Key, tuple[Attempts, ...]]:
    """What conditions are told of the book: by target, failures in a row and when the last one was."""
    groups: dict[Key, dict[tuple[int, float], list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in book.values():
        key = key_of_row(row)
        failures = WAIVED_FAILURES if row.status is OwedStatus.WAIVED else row.failures
        if failures and key in graph.subjects:
            groups[key][failures, row.failed_at].append(row.partition)
    return {
        key: tuple(
            Attempts(failures=failures, failed_at=at, partitions=_set(graph[key], partitions, view))
            for (failures, at), partitions in sorted(found.items())
        )
        for key, found in groups.items()
    }


def key_of_row(row: OwedRow) -> Key:
    """The target of a row."""
    return Key(row.kind, row.name)  # type: ignore[arg-type]


def _failed(row: OwedRow, event: Event) -> OwedRow:
    error = _error(event)
    failures = row.failures + 1 if row.error == error else 1
    return replace(row, failures=failures, failed_at=event.timestamp, error=error)


def _error(event: Event) -> str:
    """What equal failures have in common: the kind of error and its message."""
    payload = event.payload
    if isinstance(payload, Failure):
        if payload.error is not None:
            return payload.error.headline[:ERROR_LENGTH]
        return (payload.reason or payload.first_step or event.message or "failed")[:ERROR_LENGTH]
    return (event.message or "failed")[:ERROR_LENGTH]


def _change(found: dict[OwedKey, OwedRow], run_id: str, change: Callable[[OwedRow], OwedRow]) -> None:
    for owed_key, row in found.items():
        if row.run_id == run_id:
            found[owed_key] = change(row)


def _replace_downstream(
    found: dict[OwedKey, OwedRow], event: Event, graph: ConditionGraph, view: PartitionView
) -> None:
    """An input was made by a run that did not just fail to make the owed thing: its failures are forgotten."""
    up = Key("asset", event.asset or "")
    if up not in graph.subjects:
        return
    waiting = {key_of_row(row) for row in found.values() if row.failures or row.status is OwedStatus.WAIVED}
    for key in waiting:
        subject = graph.subjects.get(key)
        if subject is None:
            continue
        for dep in subject.deps:
            if dep.key != up:
                continue
            made = _set(graph[up], [event.partition or ""], view)
            fed = down_along(dep.path, made & everything(graph[up].partitions, view), view)
            for owed_key, row in found.items():
                mine = key_of_row(row) == key and _set(subject, [row.partition], view)
                if mine and row.run_id != event.run_id and fed & mine:
                    found[owed_key] = replace(row, failures=0, error="", status=OwedStatus.OWED)


def _set(subject: Subject, partitions: Iterable[str], view: PartitionView) -> PartitionSet:
    spec = subject.partitions
    if spec is None:
        return everything(None, view) if "" in set(partitions) else nothing(None)
    ordinals = (nameable_ordinal(spec, partition, view) for partition in partitions if partition)
    return from_ordinals(spec, [one for one in ordinals if one is not None and one >= 0])
