import subprocess
import sys
from pathlib import Path

import pytest

from tidewheel.storage.engines.choice import open_backend


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}"])
def test_a_file_is_made_with_its_folders(tmp_path, form):
    path = tmp_path / "deep" / "mine.db"
    backend = open_backend(form.format(path))
    assert backend.path == path
    assert path.exists()
    backend.close()


def test_a_folder_holds_its_ledger(tmp_path):
    backend = open_backend(tmp_path)
    assert backend.path == tmp_path / "ledger.db"
    backend.close()


@pytest.mark.parametrize("address", [":memory:", "sqlite://", "sqlite:///:memory:"])
def test_memory_has_no_file(address):
    backend = open_backend(address)
    assert backend.path is None
    backend.close()


def test_another_kind_of_address_is_refused():
    with pytest.raises(ValueError, match="got 'mysql://x'"):
        open_backend("mysql://x")


def test_memory_ledgers_are_apart():
    one, two = open_backend(":memory:"), open_backend(":memory:")
    with one.write() as conn:
        conn.exec_driver_sql("INSERT INTO setting (key, value) VALUES ('a', 'b')")
    with two.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM setting").scalar() == 0
    one.close()
    two.close()


def loaded_by(module):
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


@pytest.mark.parametrize(
    "module", ["tidewheel.storage.ports.ledger", "tidewheel.storage.bitmaps", "tidewheel.storage"]
)
def test_the_contract_loads_no_database_library(module):
    assert not loaded_by(module) & {"sqlalchemy", "alembic", "psycopg", "sqlite3"}


def test_a_ledger_in_sqlite_loads_neither_alembic_nor_postgres():
    assert not loaded_by("tidewheel.storage.ledger") & {
        "alembic",
        "psycopg",
        "sqlalchemy.dialects.postgresql",
    }


def test_migrations_lie_in_the_package():
    from tidewheel.storage.versions import MIGRATIONS

    assert sorted(path.name for path in Path(MIGRATIONS).iterdir() if path.suffix) == [
        "env.py",
        "script.py.mako",
    ]
