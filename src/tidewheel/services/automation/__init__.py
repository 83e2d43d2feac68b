"""Declarative automation: rounds of the condition engine, and what people ask of them."""
