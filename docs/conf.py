"""How the documentation is built: Markdown pages, every broken reference is an error."""

from hansa import __version__

project = "Hansa"
author = "The Hansa maintainers"
release = __version__
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"Hansa {__version__}"
nitpicky = True
