"""Compares a ledger with the service: resolve, verify and recover."""
