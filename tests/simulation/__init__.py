"""Whole histories of a batch, simulated from a seed: the real engine and ledger, a service and a disk that misbehave."""
