"""Homes whose ledger cannot be used: every command says what is wrong and what to do, none prints a traceback."""

import os
import sqlite3
import stat

import pytest

from tidewheel.cli.main import main
from tidewheel.errors import LedgerUnusableError
from tidewheel.storage.ledger import open_ledger

PIPELINE = "import tidewheel as tw\n\n@tw.asset\ndef one():\n    return 1\n"


def said_by(capsys, *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    captured = capsys.readouterr()
    return ended.value.code, captured.out + captured.err


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    open_ledger(str(home / "ledger.db")).close()
    return home


@pytest.fixture
def pipeline(tmp_path):
    file = tmp_path / "pipeline.py"
    file.write_text(PIPELINE)
    return str(file)


def commands(home, pipeline: str) -> list[list[str]]:
    return [
        ["run", "list", "--home", str(home)],
        ["asset", "list", "--home", str(home)],
        ["materialize", "-f", pipeline, "--home", str(home)],
        ["doctor", "--home", str(home)],
    ]


def test_a_file_that_is_no_ledger(home, pipeline, capsys):
    for left in home.glob("ledger.db*"):
        left.unlink()
    (home / "ledger.db").write_bytes(b"no database at all " * 500)
    for command in commands(home, pipeline):
        code, text = said_by(capsys, *command)
        assert code == 1
        assert "not a database" in text and "put a copy of it in its place" in text
        assert "Traceback" not in text


def test_pages_that_are_damaged_are_found_by_the_doctor(home, capsys):
    file = home / "ledger.db"
    with sqlite3.connect(file) as raw:
        raw.executemany("INSERT INTO setting VALUES (?, ?)", [(f"k{n}", "v" * 50) for n in range(2_000)])
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    size = file.stat().st_size
    with file.open("r+b") as handle:
        handle.seek(size - 40_000)
        handle.write(b"\xff" * 20_000)
    code, text = said_by(capsys, "doctor", "--home", str(home))
    assert code == 1
    assert "damaged:" in text or "malformed" in text
    assert "Traceback" not in text


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for the superuser")
def test_a_folder_that_must_not_be_written_to(tmp_path, pipeline, capsys):
    home = tmp_path / "locked"
    home.mkdir()
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        for command in commands(home, pipeline)[:3]:
            code, text = said_by(capsys, *command)
            assert code == 1
            assert "--home DIR" in text
            assert "Traceback" not in text
    finally:
        home.chmod(stat.S_IRWXU)


def test_a_home_that_is_a_file(tmp_path, pipeline, capsys):
    home = tmp_path / "file"
    home.write_text("")
    code, text = said_by(capsys, "materialize", "-f", pipeline, "--home", str(home))
    assert code == 2
    assert str(home) in text and "Traceback" not in text


def test_an_address_without_a_database_says_where_but_not_the_password():
    with pytest.raises(LedgerUnusableError) as caught:
        open_ledger("postgresql://me:secret@127.0.0.1:1/nothing")
    assert "127.0.0.1:1/nothing" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_wrong_settings_are_said_once(home, capsys):
    (home / "tidewheel.toml").write_text("max_concurrent_runs = 'many'\n")
    code, text = said_by(capsys, "doctor", "--home", str(home))
    assert code == 1
    assert text.count("max_concurrent_runs") == 1
    assert "another program holds" not in text
