"""Kinds of parameters that several commands take."""

import click

RECORD_ID = click.IntRange(0, 2**63 - 1)
"""The number of a record in the ledger."""
