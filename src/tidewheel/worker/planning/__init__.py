"""What a run is to do, worked out before it starts."""
