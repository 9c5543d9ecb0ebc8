"""How the emulated service misbehaves: faults, limits, and answers that never arrive."""
