"""How fast batches go here: a batch of made-up runs, submitted with every safety on, and timed."""
