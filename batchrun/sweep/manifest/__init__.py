"""Reading a manifest: TOML to tables, the flags that override them, and every problem found on the way."""
