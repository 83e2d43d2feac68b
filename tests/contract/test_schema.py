"""A schema made at once and one made step by step are the same."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from tidewheel.errors import NotSupportedError
from tidewheel.storage import versions
from tidewheel.storage.engines.choice import open_backend
from tidewheel.storage.engines.postgres import PostgresBackend
from tidewheel.storage.engines.sqlite import SqliteBackend
from tidewheel.storage.ledger import open_ledger
from tidewheel.storage.tables.complete import HEAD_REVISION, metadata


def described(conn):
    """Everything of a schema that can be compared, whatever the order in which it was made."""
    inspector = sa.inspect(conn)
    found = {}
    for table in inspector.get_table_names():
        columns = {
            column["name"]: (
                str(column["type"]),
                column["nullable"],
                column.get("default"),
                column.get("comment"),
            )
            for column in inspector.get_columns(table)
        }
        found[table] = {
            "columns": list(columns.items()),
            "key": inspector.get_pk_constraint(table),
            "unique": by_name(inspector.get_unique_constraints(table)),
            "checks": by_name(inspector.get_check_constraints(table)),
            "foreign": by_name(inspector.get_foreign_keys(table)),
            "indexes": by_name(inspector.get_indexes(table)),
            "options": inspector.get_table_options(table),
        }
    if conn.dialect.name == "sqlite":
        # reflection does not see everything of SQLite's indexes and table options
        rows = conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        for name, text in rows:
            words = " ".join(text.split())
            found[name] = found.get(name, {}) | {
                "text": words if words.startswith("CREATE INDEX") else words.rpartition(")")[2],
                "autoincrement": "AUTOINCREMENT" in words,
            }
    return found


def by_name(entries):
    return sorted((str(entry["name"]), plain(entry)) for entry in entries)


def plain(value):
    """Conditions of indexes are objects that compare by identity; their texts tell."""
    if isinstance(value, dict):
        return sorted((key, plain(each)) for key, each in value.items())
    return str(value)


def test_sqlite_by_steps_equals_sqlite_at_once(tmp_path):
    at_once = open_backend(tmp_path / "at_once.db")
    by_steps = SqliteBackend(tmp_path / "by_steps.db")
    with by_steps.write() as conn:
        versions.migrate(conn, None)
    with at_once.read() as one, by_steps.read() as two:
        assert described(two) == described(one)
        assert versions.revision_of(two) == HEAD_REVISION
    at_once.close()
    by_steps.close()


@pytest.mark.xdist_group("postgres")
def test_postgres_by_steps_equals_postgres_at_once(empty_postgres, postgres_address):
    at_once = open_backend(postgres_address)
    by_steps = PostgresBackend(empty_postgres.replace("postgresql://", "postgresql+psycopg://"))
    with by_steps.write() as conn:
        versions.migrate(conn, None)
    with at_once.read() as one, by_steps.read() as two:
        assert described(two) == described(one)
        assert versions.revision_of(two) == HEAD_REVISION
    at_once.close()
    by_steps.close()


def test_the_comparison_sees_differences(tmp_path):
    backend = open_backend(tmp_path / "one.db")
    with backend.read() as conn:
        before = described(conn)
    for change in (
        "DROP INDEX ix_run_job",
        "ALTER TABLE setting ADD COLUMN more TEXT",
        "CREATE INDEX ix_more ON setting (value)",
    ):
        with backend.write() as conn:
            conn.exec_driver_sql(change)
        with backend.read() as conn:
            after = described(conn)
        assert after != before
        before = after
    backend.close()


def test_the_newest_migration_is_the_one_that_new_ledgers_are_stamped_with():
    config = Config()
    config.set_main_option("script_location", str(versions.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD_REVISION


def test_a_ledger_opened_again_is_left_as_it_is(lasting_address):
    first = open_ledger(lasting_address)
    first.put_setting("a", "b")
    first.close()
    second = open_ledger(lasting_address)
    assert second.get_setting("a") == "b"
    assert second.stats()["revision"] == HEAD_REVISION
    second.close()


@pytest.mark.xdist_group("postgres")
def test_an_empty_postgres_gets_its_schema_when_opened(empty_postgres):
    ledger = open_ledger(empty_postgres)
    with ledger.backend.read() as conn:
        assert set(sa.inspect(conn).get_table_names()) == set(metadata.tables)
    ledger.close()


def test_a_newer_ledger_is_refused_with_advice(lasting_address):
    ledger = open_ledger(lasting_address)
    with ledger.backend.write() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ledger.close()
    with pytest.raises(NotSupportedError, match=r"got 9999: a newer Tidewheel has written it"):
        open_ledger(lasting_address)


def test_a_migration_that_fails_leaves_nothing(tmp_path):
    backend = SqliteBackend(tmp_path / "ledger.db")
    with backend.write() as conn:
        conn.exec_driver_sql("CREATE TABLE tick (unexpected TEXT)")
    with pytest.raises(sa.exc.OperationalError, match="tick already exists"), backend.write() as conn:
        versions.migrate(conn, None)
    with backend.read() as conn:
        assert sa.inspect(conn).get_table_names() == ["tick"]
    backend.close()


def open_many_at_once(address):
    with ThreadPoolExecutor(4) as pool:
        ledgers = list(pool.map(lambda _: open_ledger(address), range(4)))
    for number, ledger in enumerate(ledgers):
        ledger.put_setting("a", str(number))
        assert ledgers[0].get_setting("a") == str(number)
    for ledger in ledgers:
        ledger.close()


def test_several_may_open_a_new_file_at_once(tmp_path):
    open_many_at_once(tmp_path / "ledger.db")


@pytest.mark.xdist_group("postgres")
def test_several_may_open_an_empty_postgres_at_once(empty_postgres):
    open_many_at_once(empty_postgres)
