"""One server for all tests of a test process that do not need one of their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.graphql.serving import GraphQLServer

CODE = Path(__file__).with_name("code.py")
SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "code.py"}


@pytest.fixture(scope="session")
def server() -> Iterator[GraphQLServer]:
    """A server that serves ``code.py``."""
    folder = Path(tempfile.mkdtemp(prefix="tw-gql-"))
    running = GraphQLServer(folder, CODE)
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)
