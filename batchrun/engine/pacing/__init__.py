"""Decides when the next request may start."""
