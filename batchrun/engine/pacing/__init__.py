"""When the next request may start."""
