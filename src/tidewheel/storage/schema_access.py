"""The tables of users, tokens, sessions and the audit."""

from __future__ import annotations
