"""Sphinx's settings. `make site` builds from a copy of this folder with the lessons put in."""

import re

import maml_edu

project = "maml_edu"
author = "The maml_edu authors"
copyright = "the maml_edu authors; code MIT, prose and figures CC BY 4.0"
release = maml_edu.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx_copybutton"]
myst_enable_extensions = ["dollarmath", "amsmath"]
nb_execution_mode = "off"  # tools.site has run them
nb_ipywidgets_js = {}  # live.js runs the widgets
suppress_warnings = ["mystnb.unknown_mime_type", "myst.header", "misc.highlighting_failure"]

html_static_path = ["_static"]
mathjax_path = "mathjax/tex-svg.js"  # put there by tools.site: nothing is asked from outside
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "furo"
html_title = "maml_edu"
html_css_files = ["widgets.css", "site.css"]
html_js_files = ["page.js"]
html_favicon = "_static/favicon.svg"
html_show_search_summary = False  # a page that was opened from a folder may not read the others
html_show_sourcelink = False
html_copy_source = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#005a94",
        "color-brand-content": "#005a94",
        "color-brand-visited": "#6b3f99",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6cc0f5",
        "color-brand-content": "#6cc0f5",
        "color-brand-visited": "#c9a5ee",
    },
}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
default_role = "code"  # `name` in a docstring


def as_sphinx_reads(app, what, name, thing, options, lines):
    """Our docstrings say `argument: what it is`, a line or more each: a list, to Sphinx. And what
    is set in by itself is an equation, to be left as it stands."""
    made, inside, before = [], False, ["::"]
    for line in lines:
        begins = what != "module" and re.match(r"(\w+(?:, \w+)*): \S", line)
        sets_in = line.startswith(" ") and not inside and made[-1:] == [""]
        if sets_in and not before[-1].startswith(" ") and not before[-1].endswith("::"):
            made += ["::", ""]  # an equation: as it stands
        if line[:1].strip() and made and made[-1].startswith(" "):
            made.append("")  # what was set in ends here
        if begins:
            made += [""] * (not inside) + [f"- ``{begins[1]}``{line[len(begins[1]) :]}"]
            inside = True
        elif inside and line.startswith("    "):
            made.append(f"  {line.strip()}")
        else:
            made += [""] * (inside and bool(line)) + [line]
            inside = False
        before += [line] if line.strip() else []
    lines[:] = [line for line in made if not line.startswith("Alias for field number")]


def setup(app):
    app.connect("autodoc-process-docstring", as_sphinx_reads)
