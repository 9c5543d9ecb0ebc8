"""Pictures as SVG: plain functions of values. Colors are classes, so that one style sheet serves light, dark and print."""
