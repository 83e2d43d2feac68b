"""Steps: their inputs, the user's function, their outputs; in this process, in threads, in processes."""
