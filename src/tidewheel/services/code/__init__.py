"""Code locations: their processes, and the catalog of what they define."""
