"""Runs: launched, admitted, taken in, ended."""
