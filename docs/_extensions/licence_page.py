"""Licences of all packages that an installation brings, from what is installed."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pages():
    """Return `licences.md`."""
    script = runpy.run_path(str(ROOT / "scripts" / "licences.py"))
    return {"licences.md": script["page"]()}
