"""What a run, or an evaluation, stands on: where it reports to, its resources, logs and signals."""
