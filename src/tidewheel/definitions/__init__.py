"""The user side: what users write; turns decorated functions into specs."""
