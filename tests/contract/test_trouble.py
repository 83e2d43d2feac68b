"""A database that cannot go on (disk full, connections cut) is told with what to do, and used again when it can."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.databases import POSTGRES
from tidewheel.errors import LedgerUnusableError
from tidewheel.storage.ledger import open_ledger

LARGE = "x" * 200_000
NO_LIMIT = 4_294_967_294


def test_a_full_disk(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.db")
    ledger.put_setting("before", "kept")
    limit_pages(ledger, 1)  # never below what is used already: as on a disk without room
    with pytest.raises(LedgerUnusableError, match=r"ledger\.db, got: .*full; make room on its disk"):
        ledger.put_setting("large", LARGE)
    assert ledger.get_setting("before") == "kept" and ledger.get_setting("large") is None
    limit_pages(ledger, NO_LIMIT)
    ledger.put_setting("large", LARGE)
    assert ledger.get_setting("large") == LARGE
    ledger.close()


def limit_pages(ledger, count):
    with ledger.backend.write() as conn:
        conn.exec_driver_sql(f"PRAGMA max_page_count = {count}")


@pytest.mark.parametrize("database", [POSTGRES])
def test_a_connection_cut_within_a_write(database, postgres_server, postgres_address):
    ledger = open_ledger(postgres_address)
    ledger.put_setting("before", "kept")
    name = sa.make_url(postgres_address).database
    told = pytest.raises(LedgerUnusableError, match=rf"{name}.*, got: .*; check that the database runs")
    with told, ledger.backend.write() as conn:
        conn.exec_driver_sql("UPDATE setting SET value = 'lost'")
        postgres_server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        conn.exec_driver_sql("SELECT 1")
    assert ledger.get_setting("before") == "kept"
    ledger.close()


def test_a_wrong_statement_is_no_trouble_of_the_database(ledger):
    with pytest.raises(sa.exc.DBAPIError), ledger.backend.write() as conn:
        conn.exec_driver_sql("SELECT nothing FROM nowhere")
