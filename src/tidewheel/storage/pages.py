"""Reads several pages of rows with one query, so that a list of things with a list each does not cost a query each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

PAGES_IN_A_QUERY = 200
"""SQLite takes at most 500 selects in one query."""


def read_pages(
    conn: sa.Connection, statements: Sequence[sa.Select[Any]], key: str
) -> list[list[sa.Row[Any]]]:
    """The rows of each statement (all of the same columns), descending by the column ``key``."""
    found: list[list[sa.Row[Any]]] = [[] for _ in statements]
    for start in range(0, len(statements), PAGES_IN_A_QUERY):
        chunk = statements[start : start + PAGES_IN_A_QUERY]
        if len(chunk) == 1:
            found[start] = list(conn.execute(chunk[0]))
            continue
        numbered = []
        for place, statement in enumerate(chunk):
            page = statement.subquery()
            numbered.append(sa.select(page, sa.literal(start + place, sa.Integer).label("page_number")))
        for row in conn.execute(sa.union_all(*numbered)):
            found[row.page_number].append(row)
    for rows in found:
        rows.sort(key=lambda row: row._mapping[key], reverse=True)
    return found
