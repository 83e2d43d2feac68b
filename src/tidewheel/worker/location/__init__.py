"""The processes of a code location: the one that has imported the user's code, and its children."""
