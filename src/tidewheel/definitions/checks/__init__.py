"""Asset checks, written and ready-made."""
