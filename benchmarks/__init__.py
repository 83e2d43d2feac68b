"""Measurements, against Dagster in the same run where it is installed; nothing here is a test."""
