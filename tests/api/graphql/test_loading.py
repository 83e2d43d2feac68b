"""The loader: joins what is asked for together, remembers it, hands errors to everybody who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from tidewheel.api.graphql.loading import Loader


class Reads:
    """Answers with the doubles of even numbers; notes how it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    async def __call__(self, keys: Sequence[int]) -> Mapping[int, int]:
        self.asked.append(list(keys))
        await asyncio.sleep(0)
        if 13 in keys:
            raise RuntimeError("unlucky")
        return {key: key * 2 for key in keys if key % 2 == 0}


def test_what_is_asked_for_together_is_read_together() -> None:
    reads = Reads()

    async def ask() -> list[int | None]:
        loader = Loader(reads)
        first = await asyncio.gather(*(loader.load(key) for key in (2, 3, 2, 4)))
        later = await loader.load(2)
        return [*first, later, await loader.load(6)]

    assert asyncio.run(ask()) == [4, None, 4, 8, 4, 12]
    assert reads.asked == [[2, 3, 4], [6]]


def test_several_keys_without_those_that_have_no_value() -> None:
    async def ask() -> list[int]:
        return await Loader(Reads()).load_many([2, 3, 4])

    assert asyncio.run(ask()) == [4, 8]


def test_what_is_known_already_is_not_read() -> None:
    reads = Reads()

    async def ask() -> int | None:
        loader = Loader(reads)
        loader.put(2, 99)
        return await loader.load(2)

    assert asyncio.run(ask()) == 99 and reads.asked == []


def test_one_who_is_cancelled_leaves_the_value_to_the_others() -> None:
    async def ask() -> list[object]:
        loader = Loader(Reads())
        others = [asyncio.ensure_future(_awaited(loader)) for _ in range(3)]
        await asyncio.sleep(0)
        others[0].cancel()
        return await asyncio.gather(*others, return_exceptions=True)

    async def _awaited(loader: Loader[int, int]) -> int | None:
        return await loader.load(2)

    found = asyncio.run(ask())
    assert isinstance(found[0], asyncio.CancelledError) and found[1:] == [4, 4]


def test_everybody_who_waits_gets_the_error() -> None:
    async def ask() -> list[object]:
        loader = Loader(Reads())
        return await asyncio.gather(loader.load(2), loader.load(13), return_exceptions=True)

    found = asyncio.run(ask())
    assert all(isinstance(one, RuntimeError) for one in found)
    with pytest.raises(RuntimeError):
        raise found[0]
