"""From a point to a payload: templates, names, conversions."""
