"""Pages of the reference, written before each build from what the program itself reads.

Public names from ``__all__`` of the package, its figures and its window, commands from the parser of
``snpore``, keys of recipes and studies from their schema with the comments of docs/recipe.md and
docs/study.md, columns from ``measurement/columns.py``, licences of the dependencies from what is installed.
Nothing here is written by hand, so that nothing can be out of date.
"""

from pathlib import Path

import api_pages
import command_pages
import key_pages
import licence_page


def pages():
    """Return the text of each page by its name inside reference/generated/."""
    return {
        **api_pages.pages(),
        **api_pages.widget_pages(),
        **command_pages.pages(),
        **key_pages.pages(),
        **licence_page.pages(),
    }


def _write(app):
    folder = Path(app.srcdir) / "reference" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app):
    app.connect("builder-inited", _write)
    return {"version": "1", "parallel_read_safe": True}
