"""Carries out the calls of clients: methods of the ledger and of the control, by name, with the wake-ups that follow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tidewheel.logic.access.decide import WHOLE_SERVER
from tidewheel.logic.access.operations import CONTROL_OPERATIONS, LEDGER_OPERATIONS, OPERATIONS, VIEW
from tidewheel.runtime.instance.local_changes import local_principal, targets_in
from tidewheel.runtime.protocol import Answer, Call
from tidewheel.runtime.remote.socket_client import (
    CONTROL_METHODS,
    CONTROL_PREFIX,
    LEDGER_METHODS,
    decode_arguments,
)
from tidewheel.services.access.guard import Caller, Guard
from tidewheel.services.code.partition_resolver import PartitionResolver
from tidewheel.services.control import ServerControl
from tidewheel.services.database import Database
from tidewheel.services.hub import Peer
from tidewheel.services.signals import Signals, Topic
from tidewheel.services.triggers.trigger_book import TriggerBook
from tidewheel.values.access import Target
from tidewheel.values.error_info import ErrorInfo, error_info
from tidewheel.values.ids import trigger_id
from tidewheel.values.records import TriggerRecord
from tidewheel.values.serde import encode

logger = logging.getLogger("tidewheel.calls")

WAKES: dict[str, tuple[Topic, ...]] = {
    "create_runs": (Topic.QUEUE, Topic.RUN_EVENTS),
    "finish_run": (Topic.RUNS_ENDED, Topic.RUN_EVENTS, Topic.QUEUE),
    "delete_run": (Topic.RUNS_ENDED, Topic.HISTORY),
    "wipe_asset": (Topic.HISTORY,),
    "change_dynamic_partitions": (Topic.ASSET_EVENTS,),
    "conditions.answer_held": (Topic.TRIGGERS,),
    "owed.answer": (Topic.TRIGGERS,),
    "record_events": (Topic.ASSET_EVENTS, Topic.RUN_EVENTS),
    "commit_intake": (Topic.ASSET_EVENTS, Topic.RUN_EVENTS, Topic.RUNS_ENDED),
    "update_trigger": (Topic.TRIGGERS,),
    "commit_tick": (Topic.TRIGGERS, Topic.QUEUE, Topic.BACKFILLS),
    "set_run_priority": (Topic.QUEUE,),
    "pools.set_slots": (Topic.QUEUE,),
    "pools.release": (Topic.QUEUE,),
    "pools.free": (Topic.QUEUE,),
    "backfills.create": (Topic.BACKFILLS,),
    "backfills.commit_step": (Topic.BACKFILLS, Topic.QUEUE),
    "backfills.cancel": (Topic.BACKFILLS, Topic.RUNS_ENDED, Topic.RUN_EVENTS),
    "inbox.put": (Topic.INBOX,),
    "inbox.hand_over_again": (Topic.INBOX,),
}
LOGGED_LENGTH = 200
FORBIDDEN = frozenset({"audit.add"})
"""Only the server itself writes the audit."""


class Calls:
    """Answers ``Call`` messages. A call that cannot be carried out gets an error; it never ends the connection."""

    def __init__(
        self,
        database: Database,
        control: ServerControl,
        book: TriggerBook,
        resolver: PartitionResolver,
        signals: Signals,
        guard: Guard,
    ) -> None:
        self._database = database
        self._control = control
        self._book = book
        self._resolver = resolver
        self._signals = signals
        self._guard = guard
        self._local = local_principal()
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, peer: Peer, call: Call) -> None:
        """Begin to carry out a call."""
        task = asyncio.create_task(self._answer(peer, call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, peer: Peer, call: Call) -> None:
        try:
            value = encode(await self._carry_out(peer, call))
            answer = Answer(call_id=call.call_id, value=value)
        except msgspec.MsgspecError as exc:
            text = f"expected other arguments for {call.method!r}, got: {exc}"
            answer = Answer(
                call_id=call.call_id, error=ErrorInfo(cls_name="ParameterCheckError", message=text)
            )
        except Exception as exc:
            logger.debug("call %s failed", call.method[:LOGGED_LENGTH], exc_info=True)
            answer = Answer(call_id=call.call_id, error=error_info(exc))
        peer.send(answer)

    async def _carry_out(self, peer: Peer, call: Call) -> Any:
        if call.method in CONTROL_METHODS:
            name = call.method.removeprefix(CONTROL_PREFIX)
            kwargs = decode_arguments(CONTROL_METHODS[call.method], call.args)
            return await self._audited(peer, call.method, kwargs, lambda: self._control.call(name, kwargs))
        method = LEDGER_METHODS.get(call.method)
        if method is None or call.method in FORBIDDEN:
            raise AttributeError(f"expected a known method, got {call.method[:LOGGED_LENGTH]!r}")
        kwargs = decode_arguments(method, call.args)
        return await self._audited(peer, call.method, kwargs, lambda: self._of_ledger(call.method, kwargs))

    async def _of_ledger(self, method: str, kwargs: dict[str, Any]) -> Any:
        if method == "request_cancel":
            return await self._control.cancel(kwargs["run_id"])
        return await self._follow(method, await self._database.call(method, kwargs))

    async def _follow(self, method: str, result: Any) -> Any:
        """Whoever remembers what has changed learns of it."""
        if method == "change_dynamic_partitions":
            await self._database.read(self._resolver.read_dynamic, self._database.ledger)
        if isinstance(result, TriggerRecord):
            self._book.note(result)
        self._signals.raise_topic(*WAKES.get(method, ()))
        return result

    async def _audited(
        self, peer: Peer, method: str, kwargs: dict[str, Any], change: Callable[[], Awaitable[Any]]
    ) -> Any:
        """The socket is open to the server's own user only, who may do everything; changes are written down."""
        name = method.removeprefix(CONTROL_PREFIX)
        operation = CONTROL_OPERATIONS[name] if name != method else LEDGER_OPERATIONS.get(method, VIEW)
        if not OPERATIONS[operation].changes:
            return await change()
        caller = await self._allowed(peer, operation, kwargs)
        return await self._guard.audited(
            caller, operation, change, what=_what(peer, kwargs), targets=self._targets(method, kwargs)
        )

    async def _allowed(self, peer: Peer, operation: str, kwargs: dict[str, Any]) -> Caller:
        """Who asks. A read-only server refuses people's changes here too; what workers report is not among them.

        Raises:
            AccessRefusedError: when the server is read-only.
        """
        caller = Caller(principal=self._local, surface="cli")
        await self._guard.require(caller, operation, [WHOLE_SERVER], _what(peer, kwargs))
        return caller

    def _targets(self, method: str, kwargs: dict[str, Any]) -> list[Target]:
        found = targets_in(method, kwargs)
        if method.startswith(CONTROL_PREFIX) and isinstance(kwargs.get("name"), str):
            places = [kwargs["location"]] if kwargs.get("location") else self._control.location_names()
            ids = [trigger_id(place, kwargs["name"]) for place in places]
            found += [Target(kind="trigger", name=each) for each in ids if self._book.get(each) is not None]
        return found


def _what(peer: Peer, kwargs: dict[str, Any]) -> dict[str, Any]:
    return kwargs | {"process": peer.hello.pid if peer.hello is not None else None}
