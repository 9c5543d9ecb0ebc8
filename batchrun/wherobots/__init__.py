"""The Runs API as the service speaks it: models, client, transport. Knows nothing of batches."""
