"""How Sphinx builds the site: ``make docs``."""

from importlib.metadata import version as installed

project = "batchrun"
copyright = "the batchrun authors"  # noqa: A001 - Sphinx reads this name
release = version = installed("batchrun-wherobots")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = False
smartquotes = False  # messages and options are shown as they are typed
# Pages link to files of the repository that are not pages; the tests check that they exist.
suppress_warnings = ["myst.xref_missing", "myst.header", "misc.highlighting_failure"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "batchrun"
html_theme_options = {"sidebar_hide_name": False, "navigation_with_keys": True}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
