"""What leaves user code (specs) and the asset graph over it."""
