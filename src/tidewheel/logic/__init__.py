"""The functional core: decisions as functions of values; no clock, no I/O, no randomness."""
