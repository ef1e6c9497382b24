"""How the documentation is built: `make docs`, or sphinx-build -W docs docs/_build."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for generated.py and docstrings.py beside this

project = "cooee"
author = "the cooee contributors"
copyright = f"2026, {author}"
version = release = version_of("cooee")

extensions = ["myst_parser", "sphinx.ext.autodoc", "docstrings", "sphinx.ext.napoleon", "generated"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

smartquotes = False  # "--terminal" stays what one types
default_role = "py:obj"  # `name` in a docstring: a link where there is one, else code
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_display_short_literal_types = True
python_maximum_signature_line_length = 90
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = "cooee"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6b58", "color-brand-content": "#0b6b58"},
    "dark_css_variables": {"color-brand-primary": "#63c7b2", "color-brand-content": "#63c7b2"},
}
html_show_sphinx = False
html_copy_source = False
