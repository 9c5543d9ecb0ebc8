"""batchrun: submit many Wherobots job runs and know that each was created once."""
