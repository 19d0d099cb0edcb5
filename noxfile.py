"""Environments of the tests: interpreters, Qt bindings, oldest and newest dependencies; the built
distribution, tried as a stranger gets it; the lock file.

``make matrix`` and ``make dist`` run sessions of this file, on any system ``nox -s NAME`` does. nox
rather than tox: a session here reads what was built or installed before it goes on, in Python.
Tests are chosen after two hyphens: ``nox -s backend-3.12 -- tests/measurement``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import nox
from packaging.requirements import Requirement
from packaging.version import Version

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv"  # the oldest versions are found by its resolver
nox.options.reuse_venv = "yes"
nox.options.sessions = ["backend", "window", "lowest", "newest", "napari_pre"]
nox.options.download_python = "never"  # an interpreter that is missing is said, not fetched

# uv was installed beside nox, in an environment that nobody has to activate
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

ROOT = Path(__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
OLDEST_PYTHON = "3.11"  # which all the oldest dependencies have wheels for
NEWEST_PYTHON = "3.13"  # the newest that the tests have passed with
BINDINGS = {"pyqt6": "gui", "pyside6": "pyside"}

BACKEND_TESTS = ["pytest", "hypothesis", "SimpleITK", "xarray"]
WINDOW_TESTS = [*BACKEND_TESTS, "pytest-qt", "pytest-xvfb; sys_platform == 'linux'"]
RESULTS = ROOT / "build" / "matrix"
LOCK = ROOT / "requirements" / "dev.txt"

# pyenv's shims answer for one version only, those of its other interpreters fail when they are run
_PYENV = sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin"))
os.environ["PATH"] = os.pathsep.join([*map(str, _PYENV[::-1]), os.environ["PATH"]])


def install(session: nox.Session, extra: str, *packages: str) -> None:
    """Install this checkout with an extra ("" for the backend) and further packages or options."""
    session.install("-e", f".[{extra}]" if extra else ".", *packages)


def run_tests(session: nox.Session, *default: str, window: bool = True) -> None:
    """Run the tests that were chosen, else ``default``, and write their counts for the table of
    ``make matrix``. An environment without a window leaves out the chosen ones that need it.
    """
    chosen = session.posargs or list(default)
    if not window:  # the conftest.py of these imports napari
        chosen = [word for word in chosen if not word.startswith("tests/viewer")]
        if session.posargs and not chosen:
            session.log("Installed; all tests that were chosen need the window.")
            return
    folder = Path(session.virtualenv.location)
    RESULTS.mkdir(parents=True, exist_ok=True)
    binding = "pyside6" if "pyside" in session.name else "pyqt6"
    session.run(
        *("python", "-m", "pytest", "-q"),
        f"--junit-xml={RESULTS / f'{session.name}.xml'}",
        *chosen,
        # kernels of numba apart: another version of it throws away those that it finds
        env={"NUMBA_CACHE_DIR": str(folder / "numba"), "PYTEST_QT_API": binding, "QT_API": binding},
    )


@nox.session(python=PYTHONS)
def backend(session: nox.Session) -> None:
    """All tests that need no window, in an environment without napari and Qt."""
    install(session, "", *BACKEND_TESTS)
    run_tests(session, window=False)


@nox.session(python=PYTHONS)
@nox.parametrize("binding", list(BINDINGS), ids=list(BINDINGS))
def window(session: nox.Session, binding: str) -> None:
    """The tests of the window with a Qt binding; on Linux in a virtual screen."""
    install(session, BINDINGS[binding], *WINDOW_TESTS)
    run_tests(session, "tests/viewer")


@nox.session(python=OLDEST_PYTHON, reuse_venv=False)  # what is installed would not be lowered
@nox.parametrize("extra", ["", "gui"], ids=["backend", "window"])
def lowest(session: nox.Session, extra: str) -> None:
    """The oldest versions that pyproject.toml allows, those of the backend or of the window too."""
    # what tests need is no direct dependency: theirs are the newest
    session.install("-e", f".[{extra}]" if extra else ".", "--resolution", "lowest-direct")
    session.install(*(WINDOW_TESTS if extra else BACKEND_TESTS))
    # napari needs newer versions of some packages of the backend than the backend alone
    check_bounds(session, "window" if extra else "dependencies")
    run_tests(session, *(["tests/viewer"] if extra else []), window=bool(extra))


@nox.session(python=NEWEST_PYTHON)
def newest(session: nox.Session) -> None:
    """All tests with the newest versions of everything, also where an environment is there."""
    install(session, "gui", *WINDOW_TESTS, "--upgrade")
    run_tests(session)


@nox.session(python=NEWEST_PYTHON)
def napari_pre(session: nox.Session) -> None:
    """The tests of the window with the newest napari, pre-releases included."""
    # the version in the requirement allows pre-releases of napari and of nothing else
    install(session, "gui", *WINDOW_TESTS, "napari>=0.9.0a0", "--upgrade")
    run_tests(session, "tests/viewer")


def check_bounds(session: nox.Session, group: str) -> None:
    """Refuse a lower bound that the resolver could not take: nothing would ever test it."""
    command = ("uv", "pip", "list", "--format", "json")
    listed = session.run(*command, silent=True, stderr=subprocess.DEVNULL, external=True)
    installed = {one["name"].lower(): one["version"] for one in json.loads(str(listed))}
    too_low = []
    for wanted in map(Requirement, PROJECT.get(group) or PROJECT["optional-dependencies"][group]):
        (bound,) = wanted.specifier
        found = installed[wanted.name.lower()]
        if Version(found) != Version(bound.version):
            too_low.append(f"{wanted} (installed: {found})")
    if too_low:
        session.error(f"These lower bounds are not met by any installation: {', '.join(too_low)}")


@nox.session(python=False)
def lock(session: nox.Session) -> None:
    """Write the lock file anew where it no longer fits pyproject.toml; ``-- --upgrade`` takes the
    newest versions, ``-- --check`` writes nothing and fails where it does not fit.
    """
    # hashes, and no address of an index: pip and uv take the files from the one that they are set to
    command = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"]
    command += [word for extra in ("gui", "dev", "docs") for word in ("--extra", extra)]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-annotate", "--quiet"]
    command += ["--no-header", "--output-file"]
    if "--check" not in session.posargs:
        session.run(*command, str(LOCK), *session.posargs, external=True)
        return
    made = Path(session.create_tmp()) / LOCK.name
    shutil.copy(LOCK, made)  # versions that are in it are kept where they fit
    session.run(*command, str(made), external=True)
    if made.read_bytes() != LOCK.read_bytes():
        session.error(f"{LOCK.relative_to(ROOT)} does not fit pyproject.toml: make lock")


@nox.session(python=False)
def dist(session: nox.Session) -> None:
    """Build both distributions into dist/, the wheel from the source distribution, and check them;
    then try each where no checkout is. ``-- --all`` runs all tests of the source distribution.
    """
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("uv", "build", "--quiet", external=True)
    for name in ("check_dist", "try_wheel", "try_sdist"):
        session.notify(name)


@nox.session
def check_dist(session: nox.Session) -> None:
    """Check metadata and README of what is in dist/ as the package index does."""
    session.install("twine")
    session.run("twine", "check", "--strict", *map(str, (built(".tar.gz"), built(".whl"))))


def built(suffix: str) -> Path:
    """Return the one file in dist/ with this suffix."""
    (path,) = (ROOT / "dist").glob(f"*{suffix}")
    return path


@nox.session(reuse_venv=False)
def try_wheel(session: nox.Session) -> None:
    """Install the wheel with a window into a new environment, and use it outside the checkout."""
    session.install(f"{built('.whl')}[gui]")
    with session.chdir(session.create_tmp()):
        script = ROOT / "scripts" / "try_wheel.py"
        # isolated: neither the folder of the script nor the current one is searched for modules
        screen = (
            ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"] if sys.platform == "linux" else []
        )
        session.run(*screen, "python", "-I", str(script), external=bool(screen))
    session.log(f"Look at {Path(session.create_tmp()) / 'window.png'}")


SDIST_SHARE = ("test_distribution.py", "test_packaging.py", "test_volume.py", "test_history.py")
"""Tests that the source distribution is tried with: a minute or less. All together take three quarters of an hour."""


@nox.session(reuse_venv=False)
def try_sdist(session: nox.Session) -> None:
    """Unpack the source distribution elsewhere, install it and run a share of its tests."""
    folder = Path(session.create_tmp())
    shutil.rmtree(folder)
    with tarfile.open(built(".tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    every = "--all" in session.posargs
    if every:
        session.install(f"{unpacked}[gui]", *WINDOW_TESTS)
    else:
        session.install(str(unpacked), *BACKEND_TESTS)
    chosen = [] if every else [f"tests/{name}" for name in SDIST_SHARE]
    with session.chdir(unpacked):
        session.run("python", "-m", "pytest", "-q", *chosen)


@nox.session
def github(session: nox.Session) -> None:
    """Check the files in .github/ against the schemas that come with the checker."""
    session.install("check-jsonschema")
    templates = set((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    config = ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"
    for kind, files in {
        "github-workflows": sorted((ROOT / ".github" / "workflows").glob("*.yml")),
        "dependabot": [ROOT / ".github" / "dependabot.yml"],
        "github-issue-forms": sorted(templates - {config}),
        "github-issue-config": [config],
    }.items():
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{kind}", *map(str, files))
