"""Databases for servers whose home keeps its ledger elsewhere; nothing of a test's servers outlives the test."""

from collections.abc import Iterator

import pytest

from tests.databases import postgres_address, postgres_server  # noqa: F401
from tests.processes import serving


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """A test that fails before it stops its server costs only itself, not those that follow in its process."""
    before = len(serving.STARTED)  # those of wider fixtures
    yield
    while len(serving.STARTED) > before:
        serving.STARTED.pop().clear_away()
