"""Summaries and exports of a batch, made from its ledger alone."""
