"""A server elsewhere: over its socket, or over HTTP."""
