"""How the documentation is built: `make docs`, or sphinx-build -W docs docs/_build."""

from importlib.metadata import version as version_of

project = "cooee"
author = "the cooee contributors"
copyright = f"2026, {author}"
version = release = version_of("cooee")

extensions = ["myst_parser"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

smartquotes = False  # "--terminal" stays what one types

html_theme = "furo"
html_title = "cooee"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6b58", "color-brand-content": "#0b6b58"},
    "dark_css_variables": {"color-brand-primary": "#63c7b2", "color-brand-content": "#63c7b2"},
}
html_show_sphinx = False
html_copy_source = False
