"""What an installation brings in: a backend without a window, licences, oldest versions, and the
sentence about a napari that is missing or too old.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

WITHOUT_WINDOW = """
import sys
BLOCKED = ("napari", "npe2", "qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "vispy", "magicgui", "superqt")
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
import importlib.metadata as metadata
known = metadata.version
def version(name):
    if name == "napari":
        raise metadata.PackageNotFoundError(name)
    return known(name)
metadata.version = version
from napari_snpore.cli.main import main
def snpore(*words):
    try:
        main(list(words))
    except SystemExit as ended:
        return ended.code
"""

COMMANDS = """
from napari_snpore.cli.commands import _SHORT
for command in _SHORT:
    assert not snpore(command.__name__, "--help"), command
done = [
    ("phantom", "pristine", "-o", "fibre", "--shape", "48", "24", "48", "--spacing-nm", "0.4", "--tilts"),
    ("reconstruct", "fibre/tilts.tif", "-o", "volume.tif", "--method", "sirt", "--iterations", "5"),
    ("segment", "volume.tif", "-o", "phases.tif", "-t", "0.4", "-t", "4"),
    ("measure", "fibre/phases_truth.tif", "-o", "sizes"),
    ("run", "recipe.toml", "-o", "results"),
    ("figure", "results", "-o", "plate.png"),
    ("report", "results", "-o", "report.html"),
]
open("recipe.toml", "w").write('[input]\\ntilt_series = "fibre/tilts.tif"\\n[reconstruct]\\nmethod = "sirt"\\n')
for words in done:
    assert not snpore(*words), words
assert not {name.partition(".")[0] for name in sys.modules} & set(BLOCKED)
"""


def run_python(code, *, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


def test_all_commands_of_the_backend_run_without_napari_and_qt(tmp_path):
    done = run_python(WITHOUT_WINDOW + COMMANDS, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "summary.txt").exists()
    assert (tmp_path / "plate.png").exists()
    assert (tmp_path / "report.pdf").exists()


def test_view_without_napari_says_what_to_install(tmp_path):
    done = run_python(WITHOUT_WINDOW + "sys.exit(snpore('view', '.'))", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "snpore: The window needs napari 0.9.2 or newer, and none is installed: pip install 'napari-snpore[gui]'.\n"
    )


@pytest.mark.parametrize(
    ("found", "refused"),
    [
        ("0.8.7", True),
        ("0.5.6rc1", True),
        ("0.9.0", True),
        ("0.9.2", False),
        ("0.10.1", False),
        ("1.0", False),
    ],
)
def test_plugin_in_an_old_napari_says_which_one_it_needs(found, refused, tmp_path):
    code = (
        f"import importlib.metadata as metadata\nmetadata.version = lambda name: {found!r}\n"
        "from napari_snpore.errors import InputError\n"
        "try:\n    import napari_snpore.viewer\n"
        "except InputError as error:\n    print(error)\n"
        "else:\n    print('loaded')"
    )
    said = run_python(code, cwd=tmp_path).stdout
    if refused:
        assert said == (
            f"The window of snpore needs napari 0.9.2 or newer, and {found} is installed: "
            "pip install --upgrade 'napari>=0.9.2'.\n"
        )
    else:
        assert said == "loaded\n"


def test_the_oldest_napari_is_that_of_the_extra():
    pytest.importorskip("napari")
    from napari_snpore.viewer import OLDEST_NAPARI

    (wanted,) = [one for one in PROJECT["optional-dependencies"]["window"] if "napari" in one]
    assert wanted == "napari>=" + ".".join(map(str, OLDEST_NAPARI))


def names_of(entries):
    return {re.match(r"[\w.-]+", entry)[0].lower() for entry in entries}


def test_window_and_its_binding_are_extras():
    window = {"napari", "npe2", "qtpy", "superqt", "vispy", "magicgui", "pyqt6", "pyside6"}
    extras = PROJECT["optional-dependencies"]
    assert not names_of(PROJECT["dependencies"]) & window
    assert not names_of(extras["window"]) & {"pyqt6", "pyside6", "pyqt5"}
    assert extras["gui"] == ["napari-snpore[window]", "napari[pyqt6]"]
    assert extras["pyside"][:2] == ["napari-snpore[window]", "napari[pyside6]"]
    assert names_of(extras["pyside"][2:]) == {"pyside6"}, "bounds alone"


def test_every_dependency_has_a_lower_bound_and_a_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1]
    for line in block.splitlines():
        assert re.fullmatch(r' {4}"[\w.-]+(\[\w+\])?>=[\w.]+", # .{5,}', line), line


def test_the_documentation_is_built_by_an_extra_that_no_user_needs():
    extras = PROJECT["optional-dependencies"]
    tools = names_of(extras["docs"])
    assert "sphinx" in tools
    assert not tools & names_of(PROJECT["dependencies"])
    for name, entries in extras.items():
        assert name in ("docs", "dev") or not tools & names_of(entries)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^docs = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1]
    for line in block.splitlines():
        assert re.match(r' {4}"[\w.-]+>=[\w.]+",', line), line


def test_the_list_of_licences_tells_extras_apart():
    script = runpy.run_path(str(ROOT / "scripts" / "licences.py"))
    found = script["page"]()
    lines = dict(re.findall(r"^\| ([\w.-]+) \| [^|]* \| (.*) \|$", found, re.MULTILINE))
    assert lines["numpy"].endswith("every installation")
    assert script["LESSER"].match(lines["connected-components-3d"])  # old versions spell it out
    assert "every installation" not in lines.get("napari", "`gui`")
    assert not {"Sphinx", "pytest"} & set(lines)


def write_package(site, name, *, licence="", needs=()):
    folder = site / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir(parents=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0"]
    lines += [f"License-Expression: {licence}"] if licence else []
    lines += [f"Requires-Dist: {one}" for one in needs]
    (folder / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")


def licences(site, tmp_path):
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "licences.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        env={**os.environ, "PYTHONPATH": str(site)},
    )


def test_gpl_behind_a_dependency_is_refused_and_an_extra_is_not_looked_at(tmp_path):
    site = tmp_path / "site"
    write_package(
        site, "napari-snpore", needs=["fine-one", 'the-window; extra == "gui"', "fine-one[fast]"]
    )
    write_package(site, "fine-one", licence="LGPL-3.0-only", needs=['deep-one; extra == "fast"'])
    write_package(site, "deep-one", licence="MIT")
    write_package(site, "the-window", licence="GPL-3.0-only")
    done = licences(site, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 packages are needed without extras; 0 of")
    (site / "deep_one-1.0.dist-info" / "METADATA").unlink()
    (site / "deep_one-1.0.dist-info").rmdir()
    write_package(site, "deep-one", licence="AGPL-3.0-or-later")
    done = licences(site, tmp_path)
    assert done.returncode == 1
    assert done.stderr == "deep-one 1.0 is GPL: 'AGPL-3.0-or-later'\n"


@pytest.mark.parametrize(
    ("licence", "why"),
    [
        ("GPLv3", "is GPL"),
        ("GNU General Public License v2 (GPLv2)", "is GPL"),
        ("GNU Affero General Public License v3", "is GPL"),
        ("BSD-3-Clause AND GPL-3.0-or-later", "is GPL"),
        ("GNU Lesser General Public License v3 (LGPLv3)", None),
        ("LGPL-3.0", None),
        ("GPL-2.0-only OR MIT", None),
        ("BSD License", None),
        ("Apache-2.0 WITH LLVM-exception", None),
        ("My own words", "states no licence that is known here"),
        ("", "states no licence that is known here"),
    ],
)
def test_licences_that_are_refused(licence, why):
    assert runpy.run_path(str(ROOT / "scripts" / "licences.py"))["objection"](licence) == why
