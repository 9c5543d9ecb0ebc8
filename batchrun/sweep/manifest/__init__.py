"""Read a manifest: parse TOML into tables, apply the flags that override them, and collect every problem."""
