"""Plain immutable values that every other layer may hold; imports the standard library and msgspec only."""
