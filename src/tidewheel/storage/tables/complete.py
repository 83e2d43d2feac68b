"""All tables: importing this module is what makes the MetaData complete."""

from __future__ import annotations

from tidewheel.storage.tables import access as schema_access
from tidewheel.storage.tables import conditions as schema_conditions
from tidewheel.storage.tables import main as schema
from tidewheel.storage.tables import queue as schema_queue
from tidewheel.storage.tables import triggers as schema_triggers
from tidewheel.storage.tables.metadata import HEAD_REVISION, metadata

__all__ = [
    "HEAD_REVISION",
    "metadata",
    "schema",
    "schema_access",
    "schema_conditions",
    "schema_queue",
    "schema_triggers",
]
