"""A person's words in, a person's words out. No logic of its own."""
