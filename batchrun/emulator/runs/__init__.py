"""What the emulated service holds: runs, their lives, and what is said of them."""
