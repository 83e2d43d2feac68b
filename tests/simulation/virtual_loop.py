"""An event loop whose time passes only when nobody has anything to do."""

from __future__ import annotations

import asyncio
import contextvars
import selectors
from typing import Any

OWNER: contextvars.ContextVar[str] = contextvars.ContextVar("OWNER", default="world")
"""To whom a task belongs, so that all tasks of a process that is killed can be ended."""


class NothingCanHappenError(AssertionError):
    """All tasks wait for each other: there is no timer left that could wake one."""


class _Selector(selectors.SelectSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise NothingCanHappenError("every task waits, and no timer is set")
        if timeout > 0:
            self.loop.virtual_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time()`` starts at 0 and jumps to the next timer. Deterministic: there is no input from outside."""

    def __init__(self) -> None:
        selector = _Selector()
        self.virtual_s = 0.0
        super().__init__(selector)
        selector.loop = self
        self._clock_resolution = 1e-7
        self.owned: dict[str, dict[asyncio.Task[Any], None]] = {}
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        return self.virtual_s

    def _make_task(self, loop: Any, coro: Any, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, context=context)
        owner = context.get(OWNER, "world") if context is not None else OWNER.get()
        tasks = self.owned.setdefault(
            owner, {}
        )  # in the order of their making: a set would have another each time
        tasks[task] = None
        task.add_done_callback(lambda done: tasks.pop(done, None))
        return task

    def end_tasks_of(self, owner: str) -> None:
        """Cancel whatever a process was doing."""
        for task in list(self.owned.get(owner, ())):
            task.cancel()
