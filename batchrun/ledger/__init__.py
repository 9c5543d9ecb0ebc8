"""The append-only journal, its events, and the fold that turns events into each run's state."""
