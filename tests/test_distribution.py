"""The source distribution holds what its tests and the commands of the README need."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def included():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        entry.strip("/")
        for entry in settings["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    }


def test_everything_in_version_control_is_in_the_source_distribution():
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: what is here came from a distribution")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    tracked = {line.split("/")[0] for line in listed.splitlines()}
    assert (
        tracked - {"pyproject.toml", ".gitignore"} == included()
    )  # hatchling adds these two by itself


@pytest.mark.parametrize(
    "name", ["sample_volumes", "scripts", "Makefile", "benchmarks", "docs", "README.md"]
)
def test_what_tests_read_is_there(name):
    assert name in included()
    assert (ROOT / name).exists()
