"""Upload a plan's local files to storage: once per content and region, before the first run is created."""
