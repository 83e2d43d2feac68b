"""All tables: importing this module is what makes the MetaData complete."""

from __future__ import annotations

from tidewheel.storage import schema, schema_access, schema_conditions, schema_queue, schema_triggers
from tidewheel.storage.metadata import HEAD_REVISION, metadata

__all__ = [
    "HEAD_REVISION",
    "metadata",
    "schema",
    "schema_access",
    "schema_conditions",
    "schema_queue",
    "schema_triggers",
]
