"""The instance: what user code and programs ask about what happened."""
