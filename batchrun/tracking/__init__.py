"""Created runs, followed to their end: statuses, cancelling, logs, costs."""
