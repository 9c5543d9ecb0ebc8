"""How Sphinx builds the site: ``make docs``."""

import re
from importlib.metadata import version as installed
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

project = "batchrun"
copyright = "the batchrun authors"  # noqa: A001 - Sphinx reads this name
release = version = installed("batchrun-wherobots")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = False
smartquotes = False  # messages and options are shown as they are typed

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


PACING = Path(__file__).parents[1] / "batchrun" / "engine" / "pacing" / "README.md"


def setup(app: Sphinx) -> None:
    """Adapt what is written for a reader of the repository, where diagrams are drawn and folders can be opened."""
    app.connect("source-read", _for_the_site)
    app.connect("doctree-read", _dashes)


def _for_the_site(app: Sphinx, page: str, source: list[str]) -> None:
    text = PACING.read_text("utf-8") if page == "explanation/pacing" else source[0]
    folder = PACING.parent if page == "explanation/pacing" else Path(app.srcdir, page).parent
    text = re.sub(r"```mermaid\nstateDiagram-v2\n(.*?)```", lambda found: _transitions(found[1]), text, flags=re.DOTALL)

    def link(found: re.Match[str]) -> str:
        target = (folder / found[2]).resolve()
        is_on_site = target.is_file() and target.is_relative_to(app.srcdir)
        is_download = target.is_file() and target.suffix != ".md" and page != "explanation/pacing"
        return found[0] if is_on_site or is_download else found[1]

    source[0] = re.sub(r"\[([^\]]+)\]\((?!\w+:|#)([^)#\s]+)\)", link, text)


def _transitions(diagram: str) -> str:
    """A state diagram as a table: nothing draws it without scripts from elsewhere."""
    rows = re.findall(r"(\S+) --> (\w+): (.+)", diagram)
    lines = (f"| {'the start' if one == '[*]' else one} | {other} | {when} |" for one, other, when in rows)
    return "\n".join(["| from | to | when |", "|---|---|---|", *lines])


def _dashes(_: Sphinx, page: nodes.document) -> None:
    """Between a parameter and its description, autodoc writes two hyphens."""
    for text in list(page.findall(nodes.Text)):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" – "))
