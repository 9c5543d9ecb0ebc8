"""Local files that a plan names, uploaded to storage: once per content and region, before the first run is created."""
