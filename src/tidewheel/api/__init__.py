"""How programs reach a server over HTTP."""
