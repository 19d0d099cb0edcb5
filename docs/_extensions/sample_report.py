"""The report of the sample of three states, made by each build as its page says: no copy is kept that could
be out of date.
"""

import contextlib
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

PAGE = Path(__file__).parents[1] / "three_states_report.md"
FOLDER = "reports"
"""Of the built site."""


def make_report(folder):
    """Run the code of the page; write the report's three files into a folder."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with TemporaryDirectory() as work, contextlib.chdir(work):
        exec(compile(code, PAGE.name, "exec"), {})
        folder.mkdir(parents=True, exist_ok=True)
        for path in Path(work).glob(f"{PAGE.stem}.*"):
            shutil.copy(path, folder)


def _after_the_pages(app, exception):
    if exception is None and app.builder.format == "html":
        make_report(Path(app.outdir) / FOLDER)


def setup(app):
    app.connect("build-finished", _after_the_pages)
    return {"version": "1", "parallel_read_safe": True}
