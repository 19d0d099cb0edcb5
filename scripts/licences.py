"""Refuse GPL among the packages that napari-snpore cannot do without, and among what those need.

LGPL is fine. A package that states no licence, or one that is not known here, is refused too: somebody
has to look. Extras are the user's choice and are not refused. `--list` prints all packages with their licences, those of
the extras for users among them, as Markdown: the page "Licences" of the documentation.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "napari-snpore"

COPYLEFT = re.compile(r"(?<![A-Z])(A?GPL|(AFFERO )?GENERAL PUBLIC)")
LESSER = re.compile(r"LGPL\w*|(GNU )?(LESSER|LIBRARY) GENERAL PUBLIC", re.IGNORECASE)
PERMISSIVE = re.compile(
    r"\b(BSD|0BSD|MIT|APACHE|ISC|PSF|PYTHON SOFTWARE FOUNDATION|MPL|HPND|ZLIB|UNLICENSE|CC0|PUBLIC DOMAIN)\b"
    r"|\bMATPLOTLIB\b|\bCNRI\b"
)
PERMISSIVE_TEXT = "Redistribution and use in source and binary forms"


def needed(name: str) -> dict[str, Distribution]:
    """Return a package and all that it needs on this machine, by name; extras where asked for."""
    found: dict[str, Distribution] = {}
    todo = [Requirement(name)]
    looked_at = set()
    while todo:
        wanted = todo.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in looked_at:
            continue
        looked_at.add(key)
        found[key[0]] = here = distribution(wanted.name)
        for line in here.requires or []:
            other = Requirement(line)
            extras = ["", *wanted.extras]
            if other.marker is None or any(other.marker.evaluate({"extra": one}) for one in extras):
                todo.append(other)
    return found


def stated(package: Distribution) -> str:
    """Return the licence that a package states: the SPDX expression, else the classifiers, else the
    field or its first line.
    """
    about = package.metadata
    if about.get("License-Expression"):
        return str(about["License-Expression"])
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: ") and line != "License :: OSI Approved"
    ]
    if classifiers:
        return ", ".join(classifiers)
    text = str(about.get("License") or "").strip()
    return "BSD" if PERMISSIVE_TEXT in text else text.split("\n")[0]


def objection(licence: str) -> str | None:
    """Return why a licence is refused; None for one that is fine.

    Examples
    --------
    >>> objection("LGPL-3.0-or-later") is objection("BSD-3-Clause AND MIT") is None
    True
    >>> objection("GPL-2.0-only OR MIT") is None
    True
    >>> objection("GPL-3.0-only")
    'is GPL'
    >>> objection("")
    'states no licence that is known here'
    """
    if " OR " in licence:  # the user may choose
        objections = [objection(one) for one in licence.split(" OR ")]
        return None if None in objections else objections[0]
    rest = LESSER.sub("", licence).upper()
    if COPYLEFT.search(rest):
        return "is GPL"
    if PERMISSIVE.search(rest) or LESSER.search(licence):
        return None
    return "states no licence that is known here"


USERS_EXTRAS = ("window", "gui", "pyside", "astra", "mesh", "movie", "cluster", "xarray")
"""Extras that a user may choose; `dev` and `docs` are for those who change the program."""


def page() -> str:
    """Return the list of packages with their licences, as Markdown."""
    by_extra: dict[str, dict[str, Distribution]] = {}
    absent = []
    for extra, wanted in _wanted_by_extra().items():
        try:
            found = [needed(one) for one in wanted]
            by_extra[extra] = {name: package for each in found for name, package in each.items()}
        except PackageNotFoundError as error:
            absent.append(f"`{extra}` ({error.name})")
    packages: dict[str, Distribution] = {}
    for found in by_extra.values():
        packages.update(found)
    lines = [
        "# Licences",
        "",
        "napari-snpore is BSD-3-Clause. All packages that an installation brings, with the licence that each states, read by",
        "`python scripts/licences.py --list` from what is installed. Nothing that the package cannot do without is GPL:",
        "`make check` refuses it. PyQt6, in the extra `gui`, is GPL (`pyside` is not), and so is ASTRA, in `astra`.",
        "",
        "| package | version | licence | comes with |",
        "|---|---|---|---|",
    ]
    for name, package in sorted(packages.items()):
        extras = [extra for extra, found in by_extra.items() if name in found]
        comes_with = (
            "every installation" if "" in extras else ", ".join(f"`{one}`" for one in extras)
        )
        licence = stated(package) or "not stated"
        lines.append(
            f"| {package.metadata['Name']} | {package.version} | {licence} | {comes_with} |"
        )
    if absent:
        lines += [
            "",
            f"Not installed where this list was made, and not in it: {', '.join(absent)}.",
        ]
    return "\n".join(lines) + "\n"


def _wanted_by_extra() -> dict[str, list[str]]:
    """Return what pyproject.toml asks for: "" for every installation, then each extra alone."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"]
    wanted = {"": project["dependencies"]}
    for extra in USERS_EXTRAS:
        wanted[extra] = []
        for entry in extras[extra]:
            inner = re.fullmatch(rf"{PACKAGE}\[(\w+)\]", entry)
            wanted[extra] += extras[inner[1]] if inner else [entry]
    return wanted


def main(arguments: list[str]) -> int:
    """Print one line per package that is refused; return how many there are."""
    if arguments == ["--list"]:
        print(page(), end="")
        return 0
    try:
        packages = needed(PACKAGE)
    except PackageNotFoundError as error:
        print(f"{error}: install the package first.", file=sys.stderr)
        return 1
    packages.pop(PACKAGE)
    wrong = 0
    for name, package in sorted(packages.items()):
        licence = stated(package)
        if (why := objection(licence)) is not None:
            wrong += 1
            print(f"{name} {package.version} {why}: {licence!r}", file=sys.stderr)
    print(f"{len(packages)} packages are needed without extras; {wrong} of them are refused.")
    return wrong


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
