"""What all tables share: their MetaData, types of columns, and the revision of the whole."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

HEAD_REVISION = "0006"
"""The newest migration, which the tables of all schema modules are equal to (a test compares them)."""

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite gives ids by itself only to a column whose type is exactly INTEGER
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Seconds: sa.types.TypeEngine[float] = sa.Double()


def use_with_postgres() -> None:
    """Tell SQLAlchemy that indexes which are partial on SQLite are so on Postgres too.

    Said where the indexes are made, it would load Postgres's dialect, 22 ms that most processes can do without.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            condition = index.dialect_options["sqlite"]["where"]
            if condition is not None:
                index.dialect_options["postgresql"]["where"] = condition


_after_creation: dict[str, list[str]] = {}


def add_after_creation(dialect: str, statements: Sequence[str]) -> None:
    """Have statements carried out when a new database's tables have been made: triggers, which no table can hold."""
    _after_creation.setdefault(dialect, []).extend(statements)


def after_creation(dialect: str) -> Sequence[str]:
    """Those statements, for a dialect."""
    return tuple(_after_creation.get(dialect, ()))
