"""A local Wherobots Cloud that misbehaves on request. Built from the wire models only, never from the code it tests."""
