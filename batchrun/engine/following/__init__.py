"""Follows runs to their end, while a session sends and after it."""
