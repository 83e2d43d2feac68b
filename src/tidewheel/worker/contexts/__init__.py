"""What users' functions are handed."""
