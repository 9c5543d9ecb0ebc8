"""The commands, a file each, loaded when called."""
