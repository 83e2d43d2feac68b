from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tidewheel as tw
from tidewheel.errors import InvalidDefinitionError
from tidewheel.extras.partition_predicates import joined_spans, partition_predicate

DAILY = tw.DailyPartitionsDefinition("2024-01-01")
STATIC = tw.StaticPartitionsDefinition(["a", "it's"])
MULTI = tw.MultiPartitionsDefinition({"day": DAILY, "shop": STATIC})
START = datetime(2024, 1, 1, tzinfo=UTC)


def of(definition: Any, keys: list[str], expression: Any = "c") -> str:
    return partition_predicate(definition, keys, expression, "asset 'x'")


def day(first: int, end: int, column: str = "c") -> str:
    moment = f"CAST({column} AS TIMESTAMP)"
    return f"({moment} >= TIMESTAMP '2024-01-{first:02} 00:00:00' AND {moment} < TIMESTAMP '2024-01-{end:02} 00:00:00')"


@pytest.mark.parametrize(
    ("definition", "keys", "expression", "sql"),
    [
        (STATIC, ["a", "it's", "a"], "c", "c IN ('a', 'it''s')"),
        (DAILY, ["2024-01-02"], "c", day(2, 3)),
        (DAILY, ["2024-01-03", "2024-01-02", "2024-01-04"], "c", day(2, 5)),
        (DAILY, ["2024-01-02", "2024-01-05"], "c", f"({day(2, 3)} OR {day(5, 6)})"),
        (
            MULTI,
            ["2024-01-02|a", "2024-01-03|a"],
            {"day": "d", "shop": "s"},
            f"(s IN ('a') AND {day(2, 4, 'd')})",
        ),
        (
            MULTI,
            ["2024-01-02|a", "2024-01-03|it's"],
            {"day": "d", "shop": "s"},
            f"((s IN ('a') AND {day(2, 3, 'd')}) OR (s IN ('it''s') AND {day(3, 4, 'd')}))",
        ),
        (STATIC, [], "c", "FALSE"),
    ],
)
def test_conditions(definition: Any, keys: list[str], expression: Any, sql: str) -> None:
    assert of(definition, keys, expression) == sql


def test_windows_are_in_their_zone() -> None:
    definition = tw.DailyPartitionsDefinition("2024-01-01", timezone="America/New_York")
    assert of(definition, ["2024-01-02"]) == day(2, 3)


@pytest.mark.parametrize(
    ("definition", "expression"),
    [
        (STATIC, None),
        (STATIC, " "),
        (DAILY, {"day": "c"}),
        (MULTI, "c"),
        (MULTI, {"day": "c"}),
        (MULTI, None),
    ],
)
def test_the_expression_is_needed(definition: Any, expression: Any) -> None:
    key = "2024-01-02|a" if definition is MULTI else ("2024-01-02" if definition is DAILY else "a")
    with pytest.raises(InvalidDefinitionError, match="asset 'x': expected the metadata 'partition_expr'"):
        of(definition, [key], expression)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10)), max_size=12))
def test_joined_spans_cover_the_same_time_without_touching(raw: list[tuple[int, int]]) -> None:
    spans = [(START + timedelta(days=at), START + timedelta(days=at + length)) for at, length in raw]
    joined = joined_spans(spans)
    assert all(before[1] < after[0] for before, after in zip(joined, joined[1:], strict=False))

    def covered(found: list[tuple[datetime, datetime]]) -> set[int]:
        return {n for n in range(70) if any(start <= START + timedelta(days=n) < end for start, end in found)}

    assert covered(joined) == covered(spans)
