"""Looking back, from the ledger only."""
