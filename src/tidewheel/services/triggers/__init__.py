"""Schedules, sensors and what is pushed: when they are due, what they said, what is made of it."""
