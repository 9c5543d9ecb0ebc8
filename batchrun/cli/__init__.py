"""The command line: parses options, calls the library, prints the result. No logic of its own."""
