"""Assets: how they are declared, what they return, how they are selected."""
