"""What a person wrote: TOML to tables, what the command line laid over them, and everything that is wrong with it."""
