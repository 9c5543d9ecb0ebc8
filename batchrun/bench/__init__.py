"""Submission throughput on this machine, measured with synthetic runs and all safety measures enabled."""
