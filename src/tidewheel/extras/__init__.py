"""IO managers and resources for other packages; each module needs its package and is imported only when asked for."""
