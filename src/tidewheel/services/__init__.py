"""The control side: long-running duties, each one gather, decide, commit, act."""
