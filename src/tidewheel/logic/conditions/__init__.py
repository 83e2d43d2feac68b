"""Automation conditions: trees of data, and the functions that rewrite, evaluate and explain them."""
