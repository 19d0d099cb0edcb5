"""Print the lower bounds of the dependencies as pins, one a line: the oldest versions that the package
claims to run with.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?>=(?P<oldest>[\w.]+)")


def pins() -> list[str]:
    """Return ``name==version`` for each dependency of the backend.

    Raises
    ------
    ValueError
        A dependency without a lower bound, or with more than one.
    """
    found = []
    for entry in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]:
        bound = BOUND.fullmatch(entry)
        if bound is None:
            raise ValueError(f"{entry} in pyproject.toml needs one lower bound, such as name>=1.2.")
        found.append(f"{bound['name']}=={bound['oldest']}")
    return found


if __name__ == "__main__":
    print("\n".join(pins()))
