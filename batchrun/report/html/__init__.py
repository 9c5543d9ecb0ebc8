"""The HTML page: one file that needs no network, made from the ledger alone."""
