"""The contract of the ledger, part by part."""
