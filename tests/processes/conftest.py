"""Databases for servers whose home keeps its ledger elsewhere."""

from tests.databases import postgres_address, postgres_server  # noqa: F401
