"""The tables of triggers beyond their own rows: policies' state and the inbox of what comes from outside."""

from __future__ import annotations
