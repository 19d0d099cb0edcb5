"""Run sessions of noxfile.py and print what ran and what did not, as a table.

``python scripts/matrix.py [SESSION ...] [-- TESTS ...]``: all sessions without a name.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "build" / "matrix"
REPORT = RESULTS / "report.json"


def counts(path: Path) -> str:
    """Return what pytest counted, from its JUnit file; "" where it wrote none."""
    if not path.exists():
        return ""
    suite = ElementTree.parse(path).getroot().find("testsuite")
    assert suite is not None
    number = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    passed = number["tests"] - failed - number["skipped"]
    return f"{passed} passed, {failed} failed, {number['skipped']} skipped"


def table(sessions: list[dict[str, Any]]) -> str:
    """Return one row per session: its name, how it ended, what was counted or why it did not run."""
    rows = [("session", "result", "tests")]
    for one in sessions:
        # "name" is that of the function; the first signature has interpreter and parameters
        name, result = (one["signatures"] or [one["name"]])[0], one["result"]
        if result == "skipped":
            version = re.search(r"\d\.\d+", name)
            what = f"Python {version[0]} is not on this machine." if version else "left out"
            rows.append((name, "not run", what))
        else:
            none = "installed; no chosen test runs here" if result == "success" else ""
            rows.append((name, result, counts(RESULTS / f"{name}.xml") or none))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def main(arguments: list[str]) -> int:
    """Run the sessions, print the table; return 0 if none failed and at least one ran."""
    names, _, tests = " ".join(arguments).partition("--")
    command = [str(Path(sys.executable).with_name("nox")), "--report", str(REPORT)]
    command += ["--no-error-on-missing-interpreters"]
    command += [word for name in names.split() for word in ("--session", name)]
    RESULTS.mkdir(parents=True, exist_ok=True)
    for path in RESULTS.iterdir():  # of an earlier run
        path.unlink()
    status = subprocess.run([*command, "--", *tests.split()], cwd=ROOT, check=False).returncode
    if not REPORT.exists():
        return status or 1
    sessions = json.loads(REPORT.read_text(encoding="utf-8"))["sessions"]
    print(table(sessions))
    if not any(one["result"] == "success" for one in sessions):
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
