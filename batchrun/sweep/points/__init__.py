"""Which points there are: axes, files, ranges, tests, and the space that they span."""
