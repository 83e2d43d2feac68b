"""Watches over all of it: lost runs, late ticks, figures, traces."""
