"""The evaluators of one loaded code location: hands them questions so that none can harm the others.

An evaluator is a process that answers questions (evaluations, launch checks) one after the other. Quick questions are
handed over in stacks, so that thousands a second cost little. Each has its own deadline, which counts from when its
turn came. When the one at the front takes longer than a moment, those behind it are taken back (the evaluator confirms
which ones it had not begun) and asked elsewhere, if need be of a new evaluator; what was slow once has an evaluator for
itself the next time. So a question that hangs costs the others that moment, and is cut at its deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Optional

import msgspec

from tidewheel.errors import UserCodeDiedError, UserCodeTimeoutError, UserCodeUnreachableError
from tidewheel.runtime.protocol import (
    AskConditions,
    Evaluate,
    KillChild,
    Prepare,
    Shutdown,
    StartEvaluator,
    Withdraw,
)
from tidewheel.services.code.endings import ending
from tidewheel.services.hub import Peer
from tidewheel.values.condition_questions import ConditionAnswer
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.launch import PreparedLaunch
from tidewheel.values.serde import unwritable

Answer = EvaluationResult | PreparedLaunch | tuple[ConditionAnswer, ...]

SLOW_S = 0.25
"""How long others wait behind a question before they are asked elsewhere."""
MAX_STACK = 32
BASE_EVALUATORS = 2
BACKLOG_FOR_ANOTHER = 16
IDLE_S = 30.0
START_PATIENCE_S = 10.0
WITHDRAWAL_S = 1.0
"""How long an evaluator may take to confirm what it gives back."""
EXIT_NEWS_S = 2.0
"""How long the news of how an evaluator ended is waited for."""

logger = logging.getLogger("tidewheel.evaluators")


class Question(msgspec.Struct, kw_only=True, eq=False):
    """One thing to ask, and where its answer goes. ``subject`` names it for people and for the memory of slow ones."""

    message: Evaluate | Prepare | AskConditions
    subject: str
    timeout_s: float
    answer: asyncio.Future[Answer]

    @property
    def request_id(self) -> int:
        """Its number on the wire."""
        return self.message.request_id


class Evaluator:
    """One evaluator process and the questions that it has, in order; the first is being answered."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.pid = peer.hello.pid if peer.hello is not None else 0
        self.stack: OrderedDict[int, Question] = OrderedDict()
        self.is_slow = False
        """The one at the front takes long, so that nothing is put behind it."""
        self.timer: Optional[asyncio.TimerHandle] = None
        self.idle_since = 0.0
        self.begun_at = 0.0

    @property
    def front(self) -> Question | None:
        """The question that is being answered."""
        return next(iter(self.stack.values()), None)


class EvaluatorPool:
    """All evaluators of one start of a location. Everything here runs in the event loop."""

    def __init__(self, location: str, owner: Peer, *, max_evaluators: int) -> None:
        self._location = location
        self._owner = owner
        self._max = max_evaluators
        self._loop = asyncio.get_running_loop()
        self._evaluators: dict[Peer, Evaluator] = {}
        self._starting = 0
        self._waiting: deque[Question] = deque()
        self._slow: set[str] = set()
        self._exits: dict[int, asyncio.Future[int]] = {}
        self._is_pumping = False
        self._is_draining = False
        self._pass_on: Callable[[Question], None] | None = None

    # -- asking --------------------------------------------------------------------------------------------------

    def ask(self, question: Question) -> None:
        """Take a question; its future gets the answer or the error."""
        if self._is_draining and self._pass_on is not None:
            self._pass_on(question)
            return
        self._waiting.append(question)
        self._pump_soon()

    def start_one(self) -> None:
        """Have one more evaluator started."""
        self._starting += 1
        self._owner.send(StartEvaluator())
        self._loop.call_later(START_PATIENCE_S, self._look_for_missing)

    def _look_for_missing(self) -> None:
        """One that was started and never came is not waited for any longer."""
        if self._starting and self._waiting and not self._is_draining:
            self._starting = 0
            self._pump_soon()

    def _pump_soon(self) -> None:
        """Hand over when everybody who wants to ask now has done so: then several go at once."""
        if not self._is_pumping:
            self._is_pumping = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._is_pumping = False
        handed: dict[Peer, list[Evaluate | Prepare | AskConditions]] = {}
        skipped: list[Question] = []
        while self._waiting:
            question = self._waiting.popleft()
            if question.answer.done():
                continue
            is_slow = question.subject in self._slow
            evaluator = self._choose(is_slow)
            if evaluator is None:
                skipped.append(question)
                if not is_slow:
                    break
                continue
            evaluator.stack[question.request_id] = question
            if len(evaluator.stack) == 1:
                self._begin(evaluator)
                evaluator.is_slow = is_slow
            handed.setdefault(evaluator.peer, []).append(question.message)
        self._waiting.extendleft(reversed(skipped))
        for peer, messages in handed.items():
            self._send(peer, messages)
        self._grow()

    def _send(self, peer: Peer, messages: list[Evaluate | Prepare | AskConditions]) -> None:
        """Send all that can be written; who asked what cannot is told."""
        try:
            peer.send_all(messages)
            return
        except (OverflowError, ValueError, TypeError, RecursionError):
            logger.warning("a question to user code could not be written")
        for message in messages:
            problem = unwritable(message)
            if problem is None:
                peer.send(message)
                continue
            evaluator = next(one for one in self._evaluators.values() if one.peer is peer)
            question = evaluator.stack.pop(message.request_id)
            if not question.answer.done():
                question.answer.set_exception(UserCodeUnreachableError(problem))

    def _choose(self, is_slow: bool) -> Evaluator | None:
        open_ones = [one for one in self._evaluators.values() if one.peer.is_open and not one.is_slow]
        best = min(open_ones, key=lambda one: len(one.stack), default=None)
        if best is None or len(best.stack) >= (1 if is_slow else MAX_STACK):
            return None
        return best

    def _grow(self) -> None:
        count = len(self._evaluators) + self._starting
        has_room = any(not one.is_slow for one in self._evaluators.values())
        backlog = max((len(one.stack) for one in self._evaluators.values()), default=0) + len(self._waiting)
        wants_slow = sum(question.subject in self._slow for question in self._waiting)
        if self._waiting and not self._starting and count < self._max and (not has_room or wants_slow):
            for _ in range(min(max(1, wants_slow), self._max - count)):
                self.start_one()
        elif backlog > BACKLOG_FOR_ANOTHER and count < min(BASE_EVALUATORS, self._max):
            self.start_one()

    # -- time ----------------------------------------------------------------------------------------------------

    def _begin(self, evaluator: Evaluator) -> None:
        """The question at the front is being answered from now on."""
        if evaluator.timer is not None:
            evaluator.timer.cancel()
            evaluator.timer = None
        evaluator.is_slow = False
        evaluator.begun_at = evaluator.idle_since = self._loop.time()
        front = evaluator.front
        if front is not None:
            wait_s = min(SLOW_S, front.timeout_s)
            evaluator.timer = self._loop.call_later(wait_s, self._look_at_slow, evaluator, front)
        elif self._is_draining:
            self._dismiss(evaluator)
        else:
            evaluator.timer = self._loop.call_later(IDLE_S, self._look_at_idle, evaluator)

    def _look_at_slow(self, evaluator: Evaluator, front: Question) -> None:
        evaluator.is_slow = True
        self._slow.add(front.subject)
        behind = tuple(number for number in evaluator.stack if number != front.request_id)
        if behind:
            evaluator.peer.send(Withdraw(request_ids=behind))
            self._loop.call_later(WITHDRAWAL_S, self._take_back, evaluator, front)
        left_s = front.timeout_s - (self._loop.time() - evaluator.begun_at)
        evaluator.timer = self._loop.call_later(max(0.0, left_s), self._cut, evaluator, front)
        self._pump_soon()

    def _take_back(self, evaluator: Evaluator, front: Question) -> None:
        """Ask elsewhere what an evaluator does not give back, because its question lets no other thread run.

        It has not begun what waits behind that question, and reads that it is withdrawn before it begins anything.
        """
        if evaluator.front is front and len(evaluator.stack) > 1:
            del evaluator.stack[front.request_id]
            self._ask_elsewhere(evaluator)
            evaluator.stack[front.request_id] = front

    def _look_at_idle(self, evaluator: Evaluator) -> None:
        if len(self._evaluators) > BASE_EVALUATORS and not evaluator.stack:
            self._dismiss(evaluator)

    def _cut(self, evaluator: Evaluator, front: Question) -> None:
        """End an evaluator whose question has run over its deadline."""
        self._forget(evaluator)
        self._owner.send(KillChild(pid=evaluator.pid))
        evaluator.peer.close()
        evaluator.stack.pop(front.request_id, None)
        _fail(
            front,
            UserCodeTimeoutError(
                f"expected {front.subject} to answer within {front.timeout_s:g} s, got nothing; it was cut. Make it "
                "quicker, or raise its time (metadata tidewheel/evaluation_timeout_s, setting evaluation_timeout_s)"
            ),
        )
        self._ask_elsewhere(evaluator)

    def _dismiss(self, evaluator: Evaluator) -> None:
        self._forget(evaluator)
        evaluator.peer.send(Shutdown(grace_s=1.0))

    def _forget(self, evaluator: Evaluator) -> None:
        self._evaluators.pop(evaluator.peer, None)
        if evaluator.timer is not None:
            evaluator.timer.cancel()

    def _ask_elsewhere(self, evaluator: Evaluator) -> None:
        for question in list(evaluator.stack.values()):
            self.ask(question)
        evaluator.stack.clear()

    # -- what evaluators say -------------------------------------------------------------------------------------

    def joined(self, peer: Peer) -> None:
        """A new evaluator is there."""
        self._starting = max(0, self._starting - 1)
        evaluator = Evaluator(peer)
        self._evaluators[peer] = evaluator
        self._begin(evaluator)
        self._pump_soon()

    def answered(self, peer: Peer, request_id: int, answer: Answer) -> bool:
        """An answer has come; False when it is none of this pool's."""
        evaluator = self._evaluators.get(peer)
        if evaluator is None:
            return False
        question = evaluator.stack.pop(request_id, None)
        if question is not None:
            if not evaluator.is_slow or self._loop.time() - evaluator.begun_at < SLOW_S:
                self._slow.discard(question.subject)
            if not question.answer.done():
                question.answer.set_result(answer)
        self._begin(evaluator)
        if self._waiting:
            self._pump_soon()
        return True

    def withdrawn(self, peer: Peer, request_ids: tuple[int, ...]) -> None:
        """An evaluator has given back what it had not begun."""
        evaluator = self._evaluators.get(peer)
        if evaluator is None:
            return
        back = [evaluator.stack.pop(number) for number in request_ids if number in evaluator.stack]
        for question in back:
            self.ask(question)
        if not evaluator.stack:
            self._begin(evaluator)

    def exited(self, pid: int, code: int) -> None:
        """A child of the location has ended."""
        news = self._exits.get(pid)
        if news is not None and not news.done():
            news.set_result(code)
        elif any(one.pid == pid for one in self._evaluators.values()):
            self._exits[pid] = self._loop.create_future()
            self._exits[pid].set_result(code)

    def closed(self, peer: Peer) -> asyncio.Task[None] | None:
        """An evaluator's connection has ended; the task, if its question's failure is still to be explained."""
        evaluator = self._evaluators.get(peer)
        if evaluator is None:
            return None
        self._forget(evaluator)
        front = evaluator.front
        if front is not None:
            del evaluator.stack[front.request_id]
        self._ask_elsewhere(evaluator)
        if front is None:
            self._exits.pop(evaluator.pid, None)
            return None
        return self._loop.create_task(self._explain(evaluator.pid, front))

    async def _explain(self, pid: int, front: Question) -> None:
        """Fail the question that an evaluator was answering when it died, with the way in which it died."""
        news = self._exits.setdefault(pid, self._loop.create_future())
        try:
            how = ending(await asyncio.wait_for(news, EXIT_NEWS_S))
        except TimeoutError:
            # only its connection has ended: the process may be something else by now (exec), which nobody would end
            self._owner.send(KillChild(pid=pid))
            how = "nobody knows how (code that replaces the process, as os.exec does, looks like this)"
        finally:
            self._exits.pop(pid, None)
        _fail(
            front,
            UserCodeDiedError(
                f"expected {front.subject} to answer, but its process ended while it was evaluated: {how}. Look for "
                "os._exit, a crash in native code, or memory running out"
            ),
        )

    @property
    def is_busy(self) -> bool:
        """Whether an answer may still come."""
        return any(one.stack for one in self._evaluators.values()) or bool(self._exits)

    # -- end -----------------------------------------------------------------------------------------------------

    def drain(self, pass_on: Callable[[Question], None]) -> None:
        """Newer code serves: finish what is being answered with the old code, pass on everything else."""
        self._is_draining = True
        self._pass_on = pass_on
        while self._waiting:
            pass_on(self._waiting.popleft())
        for evaluator in list(self._evaluators.values()):
            front = evaluator.front
            if front is None:
                self._dismiss(evaluator)
                continue
            behind = tuple(number for number in evaluator.stack if number != front.request_id)
            if behind:
                evaluator.peer.send(Withdraw(request_ids=behind))

    def abandon(self, why: str) -> None:
        """The location is gone for now: what waits is to be asked again later."""
        for question in self._waiting:
            _fail(question, UserCodeUnreachableError(why))
        self._waiting.clear()

    def shut_down(self, grace_s: float) -> None:
        """End all evaluators and the location's process."""
        for evaluator in list(self._evaluators.values()):
            evaluator.peer.send(Shutdown(grace_s=grace_s))
        self._owner.send(Shutdown(grace_s=grace_s))


def _fail(question: Question, error: Exception) -> None:
    if not question.answer.done():
        question.answer.set_exception(error)
