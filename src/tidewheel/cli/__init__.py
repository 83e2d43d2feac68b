"""The command line: the only place that may see both sides."""
