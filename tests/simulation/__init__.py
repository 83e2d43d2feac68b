"""The whole control plane on a virtual clock: real services, a real ledger in memory, a simulated machine that fails."""
