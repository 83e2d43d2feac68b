"""A resource with an async ``yield_for_execution`` lives in the event loop of the run's async functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import PrivateAttr

import tidewheel as tw
from tidewheel.errors import InvalidInvocationError

EVENTS: list[str] = []


class Session(tw.ConfigurableResource):
    """Opened and closed asynchronously."""

    url: str = "here"
    _loop: Any = PrivateAttr(default=None)

    @property
    def loop(self) -> Any:
        """The loop that it was opened in."""
        return self._loop

    @asynccontextmanager
    async def yield_for_execution(self, context: tw.InitResourceContext) -> AsyncIterator[Session]:  # type: ignore[override]
        """Open, hand over, close."""
        await asyncio.sleep(0)
        self._loop = asyncio.get_running_loop()
        EVENTS.append("open")
        try:
            yield self
        finally:
            EVENTS.append("closed")


class Wrapper(tw.ConfigurableResource):
    """Has an async resource inside."""

    session: Session


@tw.asset
async def page(session: Session) -> str:
    assert session.loop is asyncio.get_running_loop()
    return session.url


@tw.asset
async def pages(context: tw.AssetExecutionContext, page: str, session: Session) -> Any:
    assert session.loop is asyncio.get_running_loop()
    yield tw.Output([page, page])


@tw.asset
def broken(session: Session) -> None:
    raise ValueError(session.url)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    EVENTS.clear()


def test_functions_run_in_the_loop_of_the_resource() -> None:
    result = tw.materialize([page, pages], resources={"session": Session()})
    assert result.output_for_node("pages") == ["here", "here"]
    assert EVENTS == ["open", "closed"]


def test_closed_when_a_step_fails() -> None:
    result = tw.materialize([broken], resources={"session": Session()}, raise_on_error=False)
    assert not result.success
    assert EVENTS == ["open", "closed"]


def test_inside_another_resource() -> None:
    @tw.asset
    def uses(wrapper: Wrapper) -> str:
        return wrapper.session.url

    assert tw.materialize([uses], resources={"wrapper": Wrapper(session=Session(url="there"))}).success
    assert EVENTS == ["open", "closed"]


def test_direct_calls_need_a_loop() -> None:
    with pytest.raises(InvalidInvocationError, match="event_loop="):
        asyncio.run(page(tw.build_asset_context(resources={"session": Session()})))
    loop = asyncio.new_event_loop()
    try:
        with tw.build_asset_context(resources={"session": Session()}, event_loop=loop) as context:
            assert loop.run_until_complete(page(context)) == "here"
    finally:
        loop.close()
    assert EVENTS == ["open", "closed"]
