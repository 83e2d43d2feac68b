"""The evaluator process: asks user code about one trigger at a time, on the server's word.

User code runs in the main thread. A second thread reads what the server says meanwhile, so that questions which have
not been begun can be taken back although the one before them takes long. User code that lets no other thread run keeps it
from that; so the main thread, too, reads what has arrived before it begins a question.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from pathlib import Path

import msgspec

from tidewheel.runtime.clock import now_s
from tidewheel.runtime.connection import Connection, connect
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.known_secrets import error_without_secrets, result_without_secrets
from tidewheel.runtime.protocol import (
    AskConditions,
    ConditionsAnswered,
    Evaluate,
    Evaluated,
    Message,
    Prepare,
    Prepared,
    Shutdown,
    Withdraw,
    Withdrawn,
)
from tidewheel.runtime.remote.socket_client import Channel, RemoteLedger
from tidewheel.worker.evaluation.condition_answers import answer_conditions
from tidewheel.worker.evaluation.trigger_evaluation import evaluate_trigger
from tidewheel.worker.location.loaded_code import LoadedCode
from tidewheel.worker.planning.launch_preparation import prepare_launch

Question = Evaluate | Prepare | AskConditions


class Inbox:
    """The questions that wait, filled and emptied by the thread that reads, taken from by the main thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: deque[Question] = deque()
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._reading = threading.Lock()
        self._is_over = False

    def next(self) -> Question | None:
        """The next question that has not been taken back; None when there will be none any more.

        Raises:
            ConnectionError: when the server has gone.
        """
        self._read_arrived()
        with self._changed:
            while not self._waiting and not self._is_over:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting and not self._is_over else None

    def send(self, message: Message) -> None:
        """Send from either thread."""
        with self._sending:
            self._connection.send(message)

    def read(self) -> None:
        """Take in what the server says; without a server there is nobody to answer, so the process ends."""
        try:
            while True:
                select.select([self._connection], [], [])
                self._read_arrived()
        except (ConnectionError, OSError):
            os._exit(0)

    def _read_arrived(self) -> None:
        """Take in what has arrived, from either thread; never waits for more."""
        with self._reading:
            while select.select([self._connection], [], [], 0)[0]:
                for message in self._connection.receive_available():
                    self._take(message)

    def _take(self, message: Message) -> None:
        match message:
            case Evaluate() | Prepare() | AskConditions():
                with self._changed:
                    self._waiting.append(message)
                    self._changed.notify()
            case Withdraw(request_ids=request_ids):
                self.send(Withdrawn(request_ids=self._withdraw(frozenset(request_ids))))
            case Shutdown(grace_s=grace_s):
                with self._changed:
                    self._is_over = True
                    self._changed.notify()
                # user code that goes on after the grace is not waited for
                threading.Timer(grace_s, os._exit, (0,)).start()
            case _:
                pass

    def _withdraw(self, wanted: frozenset[int]) -> tuple[int, ...]:
        with self._changed:
            taken = tuple(one.request_id for one in self._waiting if one.request_id in wanted)
            self._waiting = deque(one for one in self._waiting if one.request_id not in wanted)
        return taken


def run_evaluator(
    code: LoadedCode, *, socket_path: str, location: str, generation: int, home: str | None = None
) -> int:
    """Serve evaluations until the server says or its connection ends; an evaluator keeps nothing worth saving."""
    instance = Instance(RemoteLedger(Channel(socket_path)), home=Path(home) if home else None)  # type: ignore[arg-type]
    inbox = Inbox(connect(socket_path, "evaluator", location=location, generation=generation))
    own_pid = os.getpid()
    threading.Thread(target=inbox.read, name="tidewheel-inbox", daemon=True).start()
    try:
        while (question := inbox.next()) is not None:
            if isinstance(question, Evaluate):
                result = evaluate_trigger(code.defs, question.request, instance=instance, clock=now_s)
                _end_forked(own_pid)
                inbox.send(Evaluated(request_id=question.request_id, result=result_without_secrets(result)))
            elif isinstance(question, Prepare):
                launch = prepare_launch(code.defs, question.request, instance=instance, clock=now_s)
                if launch.error is not None:
                    launch = msgspec.structs.replace(launch, error=error_without_secrets(launch.error))
                _end_forked(own_pid)
                inbox.send(Prepared(request_id=question.request_id, launch=launch))
            else:
                answers = answer_conditions(code.defs, question.questions, instance=instance)
                _end_forked(own_pid)
                inbox.send(ConditionsAnswered(request_id=question.request_id, answers=answers))
    except (ConnectionError, KeyboardInterrupt):
        pass
    return 0


def _end_forked(own_pid: int) -> None:
    """End a process that user code has forked and that came back from it: one question has one answer."""
    if os.getpid() != own_pid:
        os._exit(0)
