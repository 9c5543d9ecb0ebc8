"""Turn a point into a payload: names, templates, conversions, and the compiled sweep that combines them."""
