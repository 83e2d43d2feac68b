"""Brings a database's schema into being, and from older revisions to the newest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable, SetColumnComment, SetTableComment

from tidewheel.errors import NotSupportedError
from tidewheel.storage.tables.complete import HEAD_REVISION, metadata
from tidewheel.storage.tables.main import schema_version
from tidewheel.storage.tables.metadata import after_creation

MIGRATIONS = Path(__file__).parent / "migrations"

_creations: dict[str, tuple[str, ...]] = {}


def revision_of(conn: sa.Connection) -> str | None:
    """The revision of a database's schema, or None when it has none yet."""
    if not sa.inspect(conn).has_table(schema_version.name):
        return None
    return conn.execute(sa.select(schema_version.c.version_num)).scalar()


def is_current(conn: sa.Connection) -> bool:
    """Whether nothing is to be done."""
    return revision_of(conn) == HEAD_REVISION


def create_or_migrate(conn: sa.Connection) -> None:
    """Make the schema or bring it up to date, in the connection's transaction, which keeps others out.

    Raises:
        NotSupportedError: when a newer Tidewheel has written the database.
    """
    revision = revision_of(conn)
    if revision is None:
        create(conn)
    elif revision != HEAD_REVISION:
        migrate(conn, revision)


def create(conn: sa.Connection) -> None:
    """Make all tables in an empty database, at the newest revision."""
    # As metadata.create_all, but made into text once: in-memory ledgers are opened by the thousand, and create_all
    # takes three times as long (it asks for each table whether it exists, and compiles each statement again).
    statements = _creations.get(conn.dialect.name)
    if statements is None:
        statements = _creations[conn.dialect.name] = tuple(_creation(conn.dialect))
    for statement in statements:
        conn.exec_driver_sql(statement)
    conn.execute(schema_version.insert(), {"version_num": HEAD_REVISION})


def _creation(dialect: sa.Dialect) -> list[str]:
    statements: list[Any] = []
    for table in metadata.sorted_tables:
        statements.append(CreateTable(table))
        statements.extend(
            CreateIndex(index) for index in sorted(table.indexes, key=lambda index: str(index.name))
        )
        if dialect.supports_comments and not dialect.inline_comments:
            if table.comment:
                statements.append(SetTableComment(table))
            statements.extend(SetColumnComment(column) for column in table.columns if column.comment)
    texts = [str(statement.compile(dialect=dialect)).strip() for statement in statements]
    return [*texts, *after_creation(dialect.name)]


def migrate(conn: sa.Connection, revision: str | None, target: str = "head") -> None:
    """Take an existing database step by step from its revision to the target."""
    from alembic import command  # noqa: PLC0415 - takes 0.2 s to load and is needed once per release
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise NotSupportedError(
            f"expected a ledger of revision {HEAD_REVISION} or older, got {revision}: a newer Tidewheel has written "
            "it; upgrade this installation"
        )
    command.upgrade(config, target)
