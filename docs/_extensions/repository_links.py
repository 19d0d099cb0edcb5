"""Links that are right on the repository page, put right for the site.

Pages in docs/ are read in both places: a link to a document outside of docs/ leads to the page here that
shows it.
"""

PAGES = {
    "../CONTRIBUTING.md": "/developers/contributing.md",
    "../README.md": "/index.md",
    "../CHANGELOG.md": "/developers/changelog.md",
}


def _put_right(app, name, source):
    text = source[0]
    for link, page in PAGES.items():
        text = text.replace(f"]({link})", f"]({page})")
    source[0] = text


def setup(app):
    app.connect("source-read", _put_right)
    return {"version": "1", "parallel_read_safe": True}
