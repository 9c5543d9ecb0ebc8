"""Submission throughput on this machine, measured with synthetic runs and every safety measure on."""
