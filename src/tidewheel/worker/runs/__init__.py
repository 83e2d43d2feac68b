"""Runs from their first step to their last, also within the user's own program."""
