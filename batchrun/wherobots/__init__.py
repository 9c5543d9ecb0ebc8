"""The Runs API: models, client, transport. Knows nothing of batches."""
