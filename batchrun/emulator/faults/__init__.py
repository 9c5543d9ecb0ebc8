"""How the emulated service fails: faults, rate limits, responses that never arrive."""
