"""Runs migrations on the connection that ``storage.versions.migrate`` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from tidewheel.storage.tables.complete import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most things of a table; Alembic then makes a new table and copies
    render_as_batch=True,
    transaction_per_migration=False,
    # the caller's transaction is the only one
    transactional_ddl=False,
)
context.run_migrations()
