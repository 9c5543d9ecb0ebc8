"""A local Wherobots Cloud, made to misbehave on request. Built from the wire models only."""
