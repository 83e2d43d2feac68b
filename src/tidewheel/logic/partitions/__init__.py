"""Partitions: definitions, keys and windows as ordinals, sets as bitmaps, and mappings between sets."""
