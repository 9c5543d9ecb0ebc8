"""One session of a batch: its steps, its parts, and what watches it while it runs."""
