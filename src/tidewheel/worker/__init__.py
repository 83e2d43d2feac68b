"""The user side's processes and execution: location process, run worker, step runner, contexts."""
