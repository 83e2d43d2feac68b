"""The same small user programs on Dagster and on Tidewheel, and what can be observed of each."""
