"""From a point to a payload: names, templates, conversions, and the compiled sweep that puts them together."""
