"""Gathers definitions, resolves them as a whole, describes them for the server."""
