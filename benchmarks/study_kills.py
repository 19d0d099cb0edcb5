"""Kills of a study at random instants: resumed, it ends with the bits of one that was not killed.

``python -m benchmarks study_kills --count 20`` runs a small study of three phantoms from tilts to
the comparison once. Then it starts the same study in an empty folder, kills it (SIGKILL) at an
instant drawn from the seed, starts it again with ``--resume``, and so on until it ends; every fourth
kill meets the child process of a fibre in place of the study. At each end all files are compared
with those of the first run; records are compared without times and machine. After each kill no
process may be left, and at the end no hidden folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from benchmarks.stopping import stopped_in_a_sentence
from napari_snpore import make_phantom, simulate_tilt_series
from napari_snpore.study.phantom_files import write_tilts

STATES = ("pristine", "sodiated", "desodiated")
_VOLATILE = ("started", "timings_s", "machine")
_LONGEST_S = 900.0
_CHILDREN_END_S = 5.0
_RECIPE = """
[study]
title = "kills"
processes = 2

[shared]
align = {{ enabled = false }}
reconstruct = {{ method = "tv", tv = {{ iterations = 15, blur_px = 0.8 }} }}
envelope = {{ ray_length_nm = 4.0, directions = 16 }}
polish = {{ enabled = true, sweeps = 2 }}
uncertainty = {{ twins = 1, draws = 3 }}
output = {{ figures = [] }}
{states}
"""


def make_inputs(folder: Path, size: int) -> Path:
    """Write the tilt series of three states and the study of them; return its recipe."""
    states = ""
    for state in STATES:
        phantom = make_phantom(state, shape=(size, size // 2, size), spacing=0.4, seed=0)
        series = simulate_tilt_series(
            phantom, angles_deg=np.arange(-66, 67, 6.0), dose=2000, seed=0
        )
        write_tilts(folder / f"{state}.tif", series)
        states += f'[[state]]\nname = "{state}"\nfibres = ["{state}.tif"]\n'
    recipe = folder / "study.toml"
    recipe.write_text(_RECIPE.format(states=states), encoding="utf-8")
    return recipe


def start(recipe: Path, out: Path, *, resume: bool) -> subprocess.Popen[bytes]:
    """Start the study in a process of its own."""
    words = [
        sys.executable,
        "-m",
        "napari_snpore",
        "compare",
        recipe.name,
        "-o",
        out.name,
        "--no-figures",
    ]
    shown = None if os.environ.get("KILLS_SHOW") else subprocess.DEVNULL
    return subprocess.Popen(
        words + ["--resume"] * resume, cwd=recipe.parent, stdout=shown, stderr=shown
    )


def can_resume(out: Path) -> bool:
    """Return whether the study has begun in a folder."""
    return (out / ".snpore-steps" / "study.json").exists() or (out / "comparison.json").exists()


def kill(study: subprocess.Popen[bytes], *, child: bool) -> str:
    """Kill a study, or the process of one of its fibres; return what was killed."""
    children = psutil.Process(study.pid).children() if study.poll() is None else []
    if child and children:
        children[0].kill()
        study.wait(_LONGEST_S)
        return "fibre"
    study.kill()
    study.wait()
    psutil.wait_procs(children, timeout=_CHILDREN_END_S)
    return "LEFT A PROCESS" if any(one.is_running() for one in children) else "study"


def contents(out: Path) -> dict[str, bytes]:
    """Return all files of a study's folder; records without times and machine."""
    found = {}
    for path in sorted(out.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            if path.suffix == ".json":
                raw = json.dumps(_lasting(json.loads(raw)), sort_keys=True).encode()
            found[path.relative_to(out).as_posix()] = raw
    return found


def _lasting(record: dict[str, object]) -> dict[str, object]:
    kept = {name: value for name, value in record.items() if name not in _VOLATILE}
    results = kept.get("results")
    if isinstance(results, dict):
        results.pop("memory_bytes", None)  # needs of as many threads as there were
        for one in results.get("fibres", []):
            one.pop("record_sha256", None)  # of a record with its times
    return kept


def run(count: int, seed: int, size: int, report: Callable[[str], object]) -> Counter[str]:
    """Kill a study ``count`` times; return what was found."""
    draw = random.Random(seed)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="study-kills-") as place:
        recipe = make_inputs(Path(place), size)
        whole = Path(place) / "whole"
        begun = time.monotonic()
        if start(recipe, whole, resume=False).wait(_LONGEST_S) != 0:
            raise RuntimeError("the study failed without any kill")
        took_s = time.monotonic() - begun
        right = contents(whole)
        report(f"one study without a kill: {len(right)} files")
        number = 0
        while found["killed"] < count:
            number += 1
            out = Path(place) / f"killed-{number}"
            while True:
                study = start(recipe, out, resume=can_resume(out))
                try:
                    status = study.wait(draw.uniform(0.1, 1.0) * took_s)
                except subprocess.TimeoutExpired:
                    if found["killed"] >= count:
                        status = study.wait(_LONGEST_S)
                    else:
                        found["killed"] += 1
                        found[f"killed: {kill(study, child=found['killed'] % 4 == 0)}"] += 1
                        continue
                if status == 0:
                    break
                found["FAILED"] += 1
                report(f"study {number} ended with status {status}")
                return found
            end = contents(out)
            same = end == right
            found["same bits at the end" if same else "OTHER BITS"] += 1
            if not same:
                names = [name for name in {**right, **end} if right.get(name) != end.get(name)]
                report(f"study {number} differs in {', '.join(names)}")
            report(f"study {number} done, {found['killed']} kills")
    return found


def is_wrong(found: Counter[str]) -> bool:
    """Return whether anything was lost, changed or left."""
    return bool(found["FAILED"] or found["OTHER BITS"] or found["killed: LEFT A PROCESS"])


def main(report: Callable[[str], object] = print) -> int:
    """Run the kills that the command line asks for; 1 if anything differed or was left."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--count", type=int, default=20)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--size", type=int, default=72, help="voxels along z and x; half along y")
    asked = words.parse_args()
    found = run(asked.count, asked.seed, asked.size, report)
    report(
        f"{asked.count} kills, seed {asked.seed}: "
        + ", ".join(f"{k} {v}" for k, v in found.items())
    )
    return int(is_wrong(found))


if __name__ == "__main__":
    with stopped_in_a_sentence("no count was made."):
        sys.exit(main())
