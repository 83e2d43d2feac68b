"""Cron: expressions, their ticks in a time zone, and the numbering of those ticks."""
