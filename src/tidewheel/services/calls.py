"""Carries out the calls of clients: methods of the ledger and of the control, by name, with the wake-ups that follow."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec

from tidewheel.runtime.protocol import Answer, Call
from tidewheel.runtime.remote import CONTROL_METHODS, CONTROL_PREFIX, LEDGER_METHODS, decode_arguments
from tidewheel.services.control import ServerControl
from tidewheel.services.database import Database
from tidewheel.services.hub import Peer
from tidewheel.services.partition_resolver import PartitionResolver
from tidewheel.services.signals import Signals, Topic
from tidewheel.services.triggers import TriggerBook
from tidewheel.values.error_info import ErrorInfo, error_info
from tidewheel.values.records import TriggerRecord

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


class Calls:
    """Answers ``Call`` messages. A call that cannot be carried out gets an error; it never ends the connection."""

    def __init__(
        self,
        database: Database,
        control: ServerControl,
        book: TriggerBook,
        resolver: PartitionResolver,
        signals: Signals,
    ) -> None:
        self._database = database
        self._control = control
        self._book = book
        self._resolver = resolver
        self._signals = signals
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, peer: Peer, call: Call) -> None:
        """Begin to carry out a call."""
        task = asyncio.create_task(self._answer(peer, call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, peer: Peer, call: Call) -> None:
        try:
            value = msgspec.msgpack.encode(await self._carry_out(call))
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

    async def _carry_out(self, call: Call) -> Any:
        if call.method in CONTROL_METHODS:
            kwargs = decode_arguments(CONTROL_METHODS[call.method], call.args)
            return await self._control.call(call.method.removeprefix(CONTROL_PREFIX), kwargs)
        method = LEDGER_METHODS.get(call.method)
        if method is None:
            raise AttributeError(f"expected a known method, got {call.method[:LOGGED_LENGTH]!r}")
        kwargs = decode_arguments(method, call.args)
        if call.method == "request_cancel":
            return await self._control.cancel(kwargs["run_id"])
        result = await self._database.call(call.method, kwargs)
        if call.method == "change_dynamic_partitions":
            await self._database.read(self._resolver.read_dynamic, self._database.ledger)
        if isinstance(result, TriggerRecord):
            self._book.note(result)
        self._signals.raise_topic(*WAKES.get(call.method, ()))
        return result
