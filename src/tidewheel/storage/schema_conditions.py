"""The tables of the condition engine: memories, evaluations and owed work."""

from __future__ import annotations
