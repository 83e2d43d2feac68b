"""A table in metadata is made of records."""

from __future__ import annotations

import pytest

from tidewheel.errors import ParameterCheckError
from tidewheel.values.metadata import MetadataValue, TableRecord


def test_records_of_another_kind_are_refused() -> None:
    with pytest.raises(ParameterCheckError, match="TableRecord"):
        MetadataValue.table(records=[{"level": 3}])  # type: ignore[list-item]


def test_the_schema_follows_the_first_record() -> None:
    table = MetadataValue.table(records=[TableRecord({"level": 3, "name": "north"})])
    assert [(one.name, one.type) for one in table.schema.columns] == [("level", "int"), ("name", "string")]
