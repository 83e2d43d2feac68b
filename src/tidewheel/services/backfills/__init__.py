"""Backfills: the duty that makes them, and what people change about them."""
