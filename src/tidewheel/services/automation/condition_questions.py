"""Asks code locations about conditions of users' own classes; what goes wrong there is part of the answer.

The questions of one target are one request with a deadline, so that a condition that hangs costs its own target only. A
target that did not answer in time is not asked again for a while, twice as long after each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

import msgspec

from tidewheel.errors import UserCodeTimeoutError, UserCodeUnreachableError
from tidewheel.logic.conditions.codec import identity_of
from tidewheel.logic.conditions.evaluate import previous_position
from tidewheel.logic.conditions.facts import ConditionFacts, UserAnswer
from tidewheel.logic.conditions.memory import Noted, Progress, TargetMemory, memory_key
from tidewheel.logic.conditions.reads import user_questions
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions import codec
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.services.code.locations import Locations
from tidewheel.values.condition_questions import ConditionAnswer, ConditionQuestion, ConditionQuestions
from tidewheel.values.serde import encode

LONGEST_S = 10.0
"""The deadline, where evaluations are given more time: other targets wait for the answer."""
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0

Answers = dict[tuple[Key, int, Key], UserAnswer]


class ConditionQuestioner:
    """Asks, and remembers who did not answer."""

    def __init__(self, locations: Locations, clock: Callable[[], float]) -> None:
        self._locations = locations
        self._clock = clock
        self._silent: dict[Key, tuple[float, float, str]] = {}
        """By target: until when it is not asked, the pause, and what it said."""

    def forget(self) -> None:
        """Other code is loaded: everybody is asked again."""
        self._silent.clear()

    async def ask(
        self,
        graph: ConditionGraph,
        targets: Iterable[Key],
        memory_of: Callable[[Key], TargetMemory | None],
        progress: Progress,
        facts: ConditionFacts,
        timeout_s: float,
    ) -> Answers:
        """The answers of all targets that ask user code."""
        asked = [
            self._ask(graph, target, memory_of(target), progress, facts, min(timeout_s, LONGEST_S))
            for target in targets
        ]
        found: Answers = {}
        for answers in await asyncio.gather(*asked):
            found.update(answers)
        return found

    async def _ask(
        self,
        graph: ConditionGraph,
        target: Key,
        memory: TargetMemory | None,
        progress: Progress,
        facts: ConditionFacts,
        timeout_s: float,
    ) -> Answers:
        places = [(target, node.slot, subject.key) for node, subject in user_questions(graph, target)]
        until, pause_s, message = self._silent.get(target, (0.0, FIRST_PAUSE_S / 2, ""))
        if self._clock() < until:
            return dict.fromkeys(places, UserAnswer(error=message))
        questions = ConditionQuestions(
            now=facts.position.at,
            event_id=facts.position.event_id,
            questions=tuple(_questions(graph, target, memory, progress)),
        )
        try:
            answers = await self._locations.ask_conditions(
                graph[target].location, questions, timeout_s, str(target)
            )
        except UserCodeTimeoutError as exc:
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            message = f"{exc} It is asked again in {pause_s:g} s, or when its code is loaded again."
            self._silent[target] = (self._clock() + pause_s, pause_s, message)
            return dict.fromkeys(places, UserAnswer(error=message))
        except UserCodeUnreachableError as exc:
            return dict.fromkeys(places, UserAnswer(error=str(exc)))
        self._silent.pop(target, None)
        return {place: _taken(answer, graph, place[2]) for place, answer in zip(places, answers, strict=True)}


def _questions(
    graph: ConditionGraph, target: Key, memory: TargetMemory | None, progress: Progress
) -> Iterable[ConditionQuestion]:
    nodes: Mapping[str, object] = memory.nodes if memory is not None else {}
    previous = previous_position(memory, progress)
    root = graph[target].partitions
    requested = memory.requested if memory is not None and memory.requested.spec == root else None
    for node, subject in user_questions(graph, target):
        noted = nodes.get(memory_key(identity_of(node), subject.key, target))
        spec = subject.partitions
        yield ConditionQuestion(
            kind=target.kind,
            name=target.name,
            slot=node.slot,
            subject_kind=subject.key.kind,
            subject_name=subject.key.name,
            spec=b"" if spec is None else encode(spec),
            root_spec=b"" if root is None else encode(root),
            cursor=noted.text if isinstance(noted, Noted) else None,
            previous_at=None if previous is None else previous.at,
            previous_requested=b"" if requested is None else codec.encode(requested),
        )


def _taken(answer: ConditionAnswer, graph: ConditionGraph, subject: Key) -> UserAnswer:
    if answer.error is not None:
        return UserAnswer(error=answer.error)
    try:
        true = codec.decode(answer.true, graph[subject].partitions)
    except (PartitionError, msgspec.MsgspecError) as reason:
        return UserAnswer(error=f"expected partitions of {subject}, got others ({reason})")
    return UserAnswer(true=true, cursor=answer.cursor)
