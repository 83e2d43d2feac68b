"""The ledger: everything that must survive, behind one small contract; SQL lives here alone."""
