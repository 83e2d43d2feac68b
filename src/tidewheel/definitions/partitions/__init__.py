"""Partitions definitions, mappings between them, keys and subsets."""
