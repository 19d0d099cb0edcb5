"""What surrounds the package agrees with it: sessions and make targets that workflows and pages name,
the lock file, the conda recipe, and the manifest's icon and categories.
"""

from __future__ import annotations

import ast
import re
import runpy
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LOCK = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
ON_CONDA = {"dask": "dask-core", "matplotlib": "matplotlib-base"}
"""Names on conda-forge that are not those of PyPI, in lower case."""


def targets():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w-]+):", text, re.MULTILINE))


def sessions():
    """Names of the functions that nox runs, read without nox: no test needs it installed."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    return {
        one.name
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
        and any(ast.unparse(by).startswith("nox.session") for by in one.decorator_list)
    }


def named(text):
    """Return the make targets and the sessions that a text calls."""
    made = re.findall(r"\bmake ([a-z][\w-]+)", text)
    run = re.findall(r"\bnox(?: --[\w-]+)* -s \"?([a-z]\w+)", text)
    run += re.findall(r"SESSIONS=['\"]?([a-z]\w+)", text)
    return set(made), set(run)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_targets_and_sessions_that_exist(path):
    text = path.read_text(encoding="utf-8")
    made, run = named(text)
    assert made <= targets()
    assert run <= sessions()
    chosen = [
        session
        for job in yaml.safe_load(text)["jobs"].values()
        for session in job.get("strategy", {}).get("matrix", {}).get("session", [])
    ]
    assert {re.match(r"\w+", one)[0] for one in chosen} <= sessions()
    assert made or run or chosen


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_targets_and_sessions_that_exist(path):
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", text, re.DOTALL)
    code = "\n".join("".join(one) for one in found)
    made, run = named(code)
    assert made <= targets()
    assert run <= sessions()


def test_classifiers_are_the_interpreters_that_passed():
    listed = {one.rpartition(" ")[2] for one in PROJECT["classifiers"] if " 3." in one}
    assert listed == {"3.11", "3.12", "3.13", "3.14"}


def test_the_lock_file_names_no_address():
    assert not re.findall(r"://|^--|^-e|/opt|file:", LOCK, re.MULTILINE)
    assert LOCK.count("--hash=sha256:") > LOCK.count("==")


@pytest.mark.parametrize("extra", ["", "gui", "window", "dev", "docs"])
def test_the_lock_file_fits_what_the_project_asks_for(extra):
    pins = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;\\]+)", LOCK, re.MULTILINE):
        pins.setdefault(canonicalize_name(name), []).append(version)
    wanted = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for entry in map(Requirement, wanted):
        name = canonicalize_name(entry.name)
        if name != PROJECT["name"]:
            assert any(entry.specifier.contains(one) for one in pins[name]), entry


@pytest.mark.parametrize(
    ("group", "entries"),
    [
        ("run", PROJECT["dependencies"]),
        ("run_constraints", PROJECT["optional-dependencies"]["window"]),
    ],
)
def test_the_conda_recipe_needs_what_the_project_needs(group, entries):
    recipe = yaml.safe_load((ROOT / "packaging/conda/recipe.yaml").read_text(encoding="utf-8"))
    found = [one for one in recipe["requirements"][group] if not one.startswith("python ")]
    expected = []
    for entry in map(Requirement, entries):
        name = entry.name.lower()
        expected.append(f"{ON_CONDA.get(name, name)} {entry.specifier}")
    assert found == expected


def test_manifest_has_an_icon_and_categories():
    manifest = yaml.safe_load((ROOT / "napari_snpore/napari.yaml").read_text(encoding="utf-8"))
    package, _, resource = manifest["icon"].partition(":")
    assert (ROOT / package / resource).read_text(encoding="utf-8").startswith("<svg")
    assert {"Segmentation", "Measurement"} <= set(manifest["categories"])


def test_the_table_of_the_matrix_says_what_did_not_run(monkeypatch, tmp_path):
    matrix = runpy.run_path(str(ROOT / "scripts" / "matrix.py"))
    monkeypatch.setitem(matrix["table"].__globals__, "RESULTS", tmp_path)
    (tmp_path / "lowest(backend).xml").write_text(
        '<testsuites><testsuite tests="9" failures="1" errors="1" skipped="3"/></testsuites>',
        encoding="utf-8",
    )
    lines = matrix["table"](
        [
            {"name": "lowest", "signatures": ["lowest(backend)"], "result": "failed"},
            {"name": "backend", "signatures": ["backend-3.14"], "result": "skipped"},
            {"name": "backend", "signatures": ["backend-3.12"], "result": "success"},
        ]
    ).splitlines()
    assert lines[1].split() == "lowest(backend) failed 4 passed, 2 failed, 3 skipped".split()
    assert lines[2].split() == "backend-3.14 not run Python 3.14 is not on this machine.".split()
    assert lines[3].split() == "backend-3.12 success installed; no chosen test runs here".split()
