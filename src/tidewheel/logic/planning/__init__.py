"""Decisions of the control side: facts in, decision out."""
