"""Documents name files that exist, and the Python example of the README runs as written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from napari_snpore import Volume, make_phantom, simulate_tilt_series
from napari_snpore.study.phantom_files import write_tilts

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PATH = re.compile(r"(?<![\w/.-])((?:[\w-]+/)+[\w-]+\.(?:py|md|toml|yaml))\b")
"""A path with a folder; names with a placeholder such as ``<format>`` are not matched."""
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
"""The target of a link or a picture inside the repository."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_exists(document):
    text = document.read_text(encoding="utf-8")
    for path in PATH.findall(text) + LINK.findall(text):
        places = [base / path for base in (ROOT, ROOT / "napari_snpore", document.parent)]
        places += made_of(path)
        assert any(place.exists() for place in places), f"{document.name} names {path}"


def made_of(page):
    """Return what a page is made of that only the site's build writes, which checks its name."""
    if page.startswith("reference/generated/"):
        return [ROOT / "docs" / "_extensions" / "api_pages.py"]
    if not page.startswith("gallery/"):
        return []
    source = ROOT / "examples" / Path(page).relative_to("gallery").with_suffix(".py")
    return [source.with_name("README.rst") if source.stem == "index" else source]


def test_paths_are_found_in_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert {"napari_snpore/history.py", "study/report.py"} <= set(PATH.findall(text))


def test_the_python_example_of_the_readme_runs(tmp_path):
    # voxels fine enough for the blur of 0.15 nm to be found
    fibre = make_phantom("sodiated", shape=(60, 40, 60), spacing=0.2, seed=1)
    series = simulate_tilt_series(fibre, angles_deg=np.arange(-69.0, 70.0, 6.0), dose=2e3, seed=1)
    path = write_tilts(tmp_path / "series.tif", series)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert '"HAADF.mrc"' in example
    names = {}
    exec(example.replace('"HAADF.mrc"', repr(str(path))), names)
    assert isinstance(names["phases"], Volume)
    assert names["phases"].spacing == pytest.approx((0.2, 0.2, 0.2))
    assert set(np.unique(names["phases"].data)) == {1, 2, 3}
    voxels = int((names["phases"].data == 3).sum())
    assert names["table"]["volume_nm3"].sum() == pytest.approx(voxels * 0.2**3)
