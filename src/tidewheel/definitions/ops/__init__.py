"""Ops, the graphs that connect them, their types and hooks."""
