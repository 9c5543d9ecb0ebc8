"""Plan, client and ledger together: every run created once."""
