"""Config: schemas old and new, validation, values from the environment."""
