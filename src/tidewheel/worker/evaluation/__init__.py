"""Schedules, sensors and conditions: the user's function is called, what it says is checked."""
