"""What one run is made of and how it moves on: statuses, plan of steps, progress, retries."""
