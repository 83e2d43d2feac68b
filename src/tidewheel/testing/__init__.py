"""What users need to test their definitions."""
