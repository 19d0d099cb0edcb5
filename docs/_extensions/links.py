"""Links that are right elsewhere, put right for the site.

Pages in docs/ are read on the repository page, too: a link to a document outside of docs/ leads to the page here that
shows it. Docstrings name a function by the module that defines it: it leads to the page of its public name.
"""

import napari_snpore
import napari_snpore.figures
import napari_snpore.viewer

PAGES = {
    "../CONTRIBUTING.md": "/developers/contributing.md",
    "../README.md": "/index.md",
    "../CHANGELOG.md": "/developers/changelog.md",
}

MODULES = (napari_snpore, napari_snpore.figures, napari_snpore.viewer)
"""Their public names have pages."""


def _other_place(app, name, source):
    text = source[0]
    for link, page in PAGES.items():
        text = text.replace(f"]({link})", f"]({page})")
    source[0] = text


def _public_name(app, env, node, contnode):
    name = node.get("reftarget", "").rpartition(".")[2]
    home = next((module.__name__ for module in MODULES if name in module.__all__), None)
    if node.get("refdomain") != "py" or home is None:
        return None
    target = f"{home}.{name}"
    return env.domains["py"].resolve_xref(
        env, node["refdoc"], app.builder, "obj", target, node, contnode
    )


def setup(app):
    app.connect("source-read", _other_place)
    app.connect("missing-reference", _public_name)
    return {"version": "1", "parallel_read_safe": True}
