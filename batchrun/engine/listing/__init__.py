"""Reads the service's lists of runs, and tells whose runs are in them."""
