"""Users, senders and mishaps: what happens to the server from outside, one thing after the other, by chance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tests.simulation.code_assets import KEYS, POOLED
from tests.simulation.code_listening import HOOK
from tidewheel.services.server import Server
from tidewheel.values.backfills import BackfillFilter
from tidewheel.values.inbox import FileStat
from tidewheel.values.launch import BackfillRequest, LaunchRequest
from tidewheel.values.policies import Selection

if TYPE_CHECKING:
    from tests.simulation.world import World

MOST_LIVE_BACKFILLS = 2
BUSY = 15
"""How many times as often something happens that a history is about."""


def favoured(who: object, names: Sequence[str]) -> list[Callable[[], None]]:
    """The things that this one can do and that a history is about, many times."""
    return [getattr(who, name) for name in names if hasattr(who, name)] * BUSY


class Mishaps:
    """What goes wrong: kills, broken connections, jumping clocks, half-saved code."""

    def __init__(self, world: World) -> None:
        self._world = world

    def one(self) -> None:
        """One of them."""
        which = self._world.chance.one_of(
            [
                self.kill_server,
                self.kill_process,
                self.kill_process,
                self.cut_link,
                self.clock_ahead,
                self.clock_back,
                self.service_down,
                *favoured(self, self._world.busy),
            ]
        )
        self._world.happened[f"mishap: {which.__name__}"] += 1  # type: ignore[attr-defined]
        which()  # type: ignore[operator]

    def kill_server(self) -> None:
        self._world.kill_server()

    def kill_process(self) -> None:
        world = self._world
        if world.processes:
            world.processes[int(world.chance.one_of(sorted(world.processes)))].kill()  # type: ignore[call-overload]

    def cut_link(self) -> None:
        world = self._world
        if world.hub is not None and world.hub.links:
            links = sorted(world.hub.links, key=lambda link: link.number)
            links[world.chance.number(0, len(links) - 1)].cut()

    def clock_ahead(self) -> None:
        self._world.move_clock(self._world.chance.seconds(1.0, 4_000.0))

    def clock_back(self) -> None:
        self._world.move_clock(-self._world.chance.seconds(1.0, 4_000.0))

    def service_down(self) -> None:
        world = self._world
        world.source.down_until = world.now() + world.chance.seconds(30.0, 900.0)


class Users:
    """What people and other systems ask for. Answers do not matter here, except of what is accepted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sent = 0
        self._files = 0

    def one(self) -> None:
        """One of them does something."""
        which = self._world.chance.one_of(
            [
                self.cancel_run,
                self.launch,
                self.launch_pooled,
                self.launch_pooled,
                self.reload,
                self.save_many_times,
                self.backfill,
                self.change_backfill,
                self.pause,
                self.resume,
                self.wish,
                self.deliver,
                self.deliver,
                self.change_file,
                self.change_file,
                *favoured(self, self._world.busy),
            ]
        )
        self._world.happened[f"users: {which.__name__}"] += 1  # type: ignore[attr-defined]
        which()  # type: ignore[operator]

    def cancel_run(self) -> None:
        runs = self._world.ledger.get_runs(limit=20)
        if runs:
            run = runs[self._world.chance.number(0, len(runs) - 1)]
            self._world.ask_server(lambda server: server.control.cancel(run.run_id))

    def launch(self) -> None:
        self._ask(LaunchRequest(job_name="manual", location="one"))

    def launch_pooled(self) -> None:
        for _ in range(self._world.chance.number(1, 3)):
            self._ask(LaunchRequest(job_name=POOLED.name, location="one"))

    def _ask(self, request: LaunchRequest) -> None:
        self._world.ask_server(lambda server: server.control.launch(request))

    def reload(self) -> None:
        self._world.edition += 1
        self._world.ask_server(lambda server: server.control.reload("one"))

    def save_many_times(self) -> None:
        """An editor saves the file twenty times in two seconds."""
        for number in range(20):
            self._world.loop.call_later(number * 0.1, self.reload)

    # -- backfills ------------------------------------------------------------------------------------------------------

    def backfill(self) -> None:
        world = self._world
        if len(world.ledger.backfills.get_live()) >= MOST_LIVE_BACKFILLS:
            return
        assets = [("raw", "clean", "wide"), ("raw", "clean", "total"), ("clean",), ("raw", "wide")]
        kinds = [{}, {"only": "missing"}, {"only": "failed"}, {"partitions": KEYS[1:4]}]
        request = BackfillRequest(
            assets=world.chance.one_of(assets),  # type: ignore[arg-type]
            **world.chance.one_of(kinds),  # type: ignore[arg-type]
        )
        world.ask_server(lambda server: server.control.launch_backfill(request))

    def change_backfill(self) -> None:
        """Cancel, resume or repeat one."""
        world = self._world
        known = world.ledger.backfills.get_many(BackfillFilter(), limit=3)
        if not known:
            return
        name = known[world.chance.number(0, len(known) - 1)].backfill_id
        actions: list[Callable[[Server], object]] = [
            lambda server: server.control.cancel_backfill(name),
            lambda server: server.control.resume_backfill(name),
            lambda server: server.control.retry_backfill(name),
        ]
        world.ask_server(world.chance.one_of(actions))

    # -- pauses ---------------------------------------------------------------------------------------------------------

    def pause(self) -> None:
        world = self._world
        length = world.chance.seconds(60.0, 3_000.0)
        selection = Selection(name="resting")

        def ask(server: Server) -> object:
            ends = None if length > 2_000.0 else world.now() + length
            return server.control.pause(selection, reason="a rest", expires_at=ends)

        world.ask_server(ask)

    def resume(self) -> None:
        self._world.ask_server(lambda server: server.control.resume(selection=Selection(name="resting")))

    # -- things that others do --------------------------------------------------------------------------------------------

    def wish(self) -> None:
        self._world.source.wishes += self._world.chance.number(1, 5)

    def deliver(self) -> None:
        """A sender sends, and sends again until it is told that it was taken; sometimes once more."""
        self._sent += 1
        world, number = self._world, self._sent
        body = json.dumps({"order": number, "poison": number % 9 == 4}).encode()
        task = world.loop.create_task(self._send(f"d{number}", body))
        task.add_done_callback(world.task_ended)

    async def _send(self, name: str, body: bytes) -> None:
        world = self._world
        goes_on = True
        while goes_on:
            status = await world.ask_hook(HOOK, {"x-delivery": name}, body)
            if status in (200, 202):
                world.accepted.add(name)
                goes_on = world.chance.fails(0.1)
            await asyncio.sleep(world.chance.seconds(0.5, 30.0))

    def change_file(self) -> None:
        """A file appears, changes or vanishes."""
        world, files = self._world, self._world.source.files
        self._files += 1
        if files and world.chance.happens(0.3):
            del files[str(world.chance.one_of(sorted(files)))]
            return
        is_new = not files or world.chance.happens(0.6)
        path = f"s3://bucket/{self._files}" if is_new else str(world.chance.one_of(sorted(files)))
        files[path] = FileStat(
            path=path, size=self._files, modified_at=world.now(), version=f"v{self._files}"
        )
