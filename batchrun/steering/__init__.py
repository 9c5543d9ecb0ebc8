"""Manage a batch from Python: cancel its runs, rerun them, read their logs, fetch their costs.

Every function takes the path of a ledger, or of the sweep next to it, and an open client of the batch's service.
"""
