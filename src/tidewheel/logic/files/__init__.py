"""What happened to files between two listings."""
