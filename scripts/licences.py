"""Refuse GPL among the packages that napari-snpore cannot do without, and among what those need.

LGPL is fine. A package that states no licence, or one that is not known here, is refused too: somebody
has to look. Extras are the user's choice and are not looked at.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

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


def main() -> int:
    """Print one line per package that is refused; return how many there are."""
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
    sys.exit(min(main(), 1))
