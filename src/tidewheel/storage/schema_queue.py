"""The tables of backfills and pools."""

from __future__ import annotations
