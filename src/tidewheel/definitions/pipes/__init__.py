"""The launching side of the Pipes protocol: run code elsewhere, tell it what it is for, and hear what it did."""
