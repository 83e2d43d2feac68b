"""Reads the facts that conditions ask for, and explains what came of them."""
