"""What `batchrun doctor` checks."""
