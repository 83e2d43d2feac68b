"""Reaches parts of the server that it does not offer by a public name: its duties, its knowledge of dynamic partitions."""

from __future__ import annotations

from tidewheel.services.server import Server


def ended_duty(server: Server, name: str) -> str | None:
    """Why a duty does not run, in a sentence; None when it does."""
    for task in server._tasks:
        if task.get_name() == name:
            if not task.done():
                return None
            if task.cancelled():
                return f"the duty {name!r} was stopped"
            return f"the duty {name!r} ended with an error: {task.exception()!r}"
    return f"the duty {name!r} has not begun: code is still being loaded"


async def note_dynamic_partitions(server: Server) -> None:
    """Dynamic partitions were changed: whoever remembers them reads them again."""
    await server.database.read(server._resolver.read_dynamic, server.database.ledger)
