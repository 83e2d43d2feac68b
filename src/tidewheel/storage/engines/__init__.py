"""The two databases, and what each must provide."""
