"""Schedules and sensors of every kind, and what they ask for."""
