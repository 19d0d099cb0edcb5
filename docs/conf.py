"""Settings of the documentation site: `make docs` builds it into build/site/.

Sphinx, because the reference comes from numpydoc docstrings and the gallery from scripts that are run; mkdocs
has neither without plugins of its own. Pages stay Markdown (MyST), as the repository page shows them.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")
DOCS = Path(__file__).parent
sys.path[:0] = [
    str(DOCS / "_extensions"),
    str(DOCS.parent),
]  # this checkout, not another that is installed

from numpydoc.xref import DEFAULT_LINKS  # noqa: E402

import napari_snpore  # noqa: E402
from napari_snpore import figures  # noqa: E402

project = "napari-snpore"
author = "The napari-snpore authors"
copyright = f"2026, {author}. Version {napari_snpore.__version__}"  # noqa: A001
version = release = napari_snpore.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "reference_pages",
    "sample_report",
    "links",
]

root_doc = "index"
# README.md is the table of contents on the repository page, as index.md is here
exclude_patterns = ["README.md", "_extensions"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

smartquotes = False  # two hyphens begin an option
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

autosummary_generate = False  # reference_pages.py writes the pages
autodoc_typehints = "none"  # the types are in the docstrings, in words
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
DEFAULT_LINKS.clear()  # they lead to other sites, which a build without a network cannot look up
numpydoc_xref_ignore = "all"  # but those:
numpydoc_xref_aliases = {
    name: f"{module.__name__}.{name}"
    for module in (figures, napari_snpore)
    for name in module.__all__
    if name[0].isupper()
}

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "subsection_order": [
        f"../examples/{name}" for name in ("first_steps", "measuring", "limits", "notebooks")
    ],
    "first_notebook_cell": "%matplotlib inline",  # shows figures that are unknown to pyplot
    "within_subsection_order": "FileNameSortKey",
    "filename_pattern": r"\.py$",
    "image_scrapers": ["gallery_pictures.figures_of_the_example"],
    "backreferences_dir": "gallery/used",
    "doc_module": ("napari_snpore",),
    "reference_url": {"napari_snpore": None},
    "download_all_examples": False,
    "abort_on_example_error": True,
    "show_signature": False,
    "capture_repr": ("_repr_html_",),  # tables; the rest is printed
    "min_reported_time": 1e9,  # seconds of the machine that built the page say nothing
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"napari-snpore {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "logo": {"text": "napari-snpore"},
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
