"""Declarative automation: conditions, the older policies, the sensors that serve them."""
