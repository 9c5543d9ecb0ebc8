"""Created runs until they end: statuses, cancellation, logs, costs."""
