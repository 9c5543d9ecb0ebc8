"""What is checked before the first request: that the ledger fits the plan, and the service's runs the ledger."""
