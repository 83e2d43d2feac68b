"""Contexts of IO managers that a test makes: their resources are there, and are closed with the ``with`` block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import tidewheel as tw


@pytest.mark.parametrize("build", [tw.build_output_context, tw.build_input_context])
def test_resources_end_with_the_block(build: Any) -> None:
    steps: list[str] = []

    @tw.resource
    def opened(_: Any) -> Iterator[str]:
        steps.append("opened")
        yield "value"
        steps.append("closed")

    with build(resources={"one": opened}) as context:
        assert context.resources.one == "value"
        assert steps == ["opened"]
    assert steps == ["opened", "closed"]
    with build() as plain:
        assert plain.resources._asdict() == {}
