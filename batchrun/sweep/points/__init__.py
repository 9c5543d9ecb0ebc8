"""The points of a sweep: axes and their sources, rules that select points, and the space that they span."""
