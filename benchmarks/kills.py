"""Kills at random instants: an earlier result survives each, and the next start leaves nothing.

``python -m benchmarks.kills --count 500`` writes results of ``run``, ``reconstruct``, ``segment``,
``measure`` and *Save window* over earlier ones, kills the process (SIGKILL) at an instant drawn
from the seed, starts the same work again, and checks

* after the kill: the result is the earlier or the new one, whole, with the record that belongs to
  it; a volume without a record is counted apart, and has to be gone after the next start;
* after the next start: the result is whole, and no file is left that is not part of a result. In
  half of the cases the same work is done again to its end, which has to leave the new result; in the
  others only the cleaning is done with which every start begins, so that an earlier result is seen
  after it.

Half of the instants fall on the writing, which is short: the child kills itself at one of its calls
that rename, remove or make something.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from napari.components import ViewerModel

from benchmarks.stopping import stopped_in_a_sentence
from napari_snpore import Volume, make_phantom, read_volume, simulate_tilt_series, write_volume
from napari_snpore.cli import main as command_line
from napari_snpore.outputs import moves
from napari_snpore.outputs.work_folder import SUFFIX, clean_leftovers
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.viewer.shared.layers import add_layer, volume_data
from napari_snpore.viewer.window.save import save_window

KINDS = ("run", "reconstruct", "segment", "measure", "window")


def in_child(work: Callable[[], None], folder: Path, kill_at: int) -> int:
    """Start work in a forked child, in a folder; return its process number.

    Parameters
    ----------
    work : callable
    folder : Path
    kill_at : int
        The child kills itself before this one of its calls that change a folder; 0: it does not.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.chdir(folder)
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)
        if not os.environ.get("KILLS_SHOW"):
            os.dup2(quiet, 2)
        if kill_at:
            _count_calls(kill_at)
        work()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        os._exit(status)


def _count_calls(kill_at: int) -> None:
    count = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in ("replace", "rename", "unlink", "rmdir", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))
    moves.exchange = counted(moves.exchange)


def save(source: str, folder: str, name: str) -> None:
    """Save a window with one layer."""
    viewer = ViewerModel()
    add_layer(viewer, volume_data(read_volume(source), name))
    save_window(viewer, folder)


def ended(child: int, seconds: float = 600.0) -> int:
    """Wait for a child, kill it after some time, and return its status; -9 after a kill."""
    end = time.monotonic() + seconds
    while True:
        number, status = os.waitpid(child, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        time.sleep(0.001)


class Case:
    """One kind of work in a folder of its own, with the two results that it may leave."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.output = (
            folder
            / {
                "run": "result",
                "measure": "result",
                "window": "window",
                "reconstruct": "volume.tif",
                "segment": "phases.tif",
            }[kind]
        )
        self.known: dict[str, str] = {}
        self.took_s = 0.0
        self.calls = 250  # at most, that change a folder

    def words(self, version: str) -> list[str]:
        """Words of the child for one of two versions of the result, ``a`` or ``b``."""
        quick = {"a": "8", "b": "9"}[version]
        if self.kind == "run":
            return ["run", f"{version}.toml", "-o", "result"]
        if self.kind == "reconstruct":
            words = ["reconstruct", "tilts.tif", "-o", "volume.tif", "--overwrite", "--no-align"]
            return [*words, "--method", "sirt", "--iterations", quick]
        if self.kind == "segment":
            words = ["segment", "grey.tif", "-o", "phases.tif", "--overwrite", "-t", "0.5"]
            return [*words, "-t", {"a": "6", "b": "7"}[version], "--directions", "8"]
        if self.kind == "measure":
            return ["measure", "labels.tif", "-o", "result", "--no-details", "--limit-nm", quick]
        return ["window", "grey.tif", "window", version]

    def start(self, version: str, kill_at: int = 0) -> int:
        """Start the work in a child, and return its process number."""
        words = self.words(version)
        if self.kind == "window":
            return in_child(lambda: save(*words[1:]), self.folder, kill_at)
        return in_child(lambda: command_line(words), self.folder, kill_at)

    def warm_up(self) -> None:
        """Load the kernels once, before any child is forked."""
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            if self.kind == "window":
                save(*self.words("a")[1:])
            else:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
                    command_line(self.words("a"))
        finally:
            os.chdir(before)

    def learn(self) -> None:
        """Make both versions and note what each looks like."""
        for version in "ba":
            begun = time.monotonic()
            status = ended(self.start(version))
            self.took_s = time.monotonic() - begun
            if status != 0:
                raise RuntimeError(f"{self.kind} {version} ended with status {status}")
            self.known[self.digest()] = version
        if len(self.known) != 2:
            raise RuntimeError(f"both versions of {self.kind} look alike")

    def digest(self) -> str:
        """Digest of the result: of its content, and of what its record says about it."""
        digest = hashlib.sha256()
        for path in self._files():
            digest.update(path.relative_to(self.folder).as_posix().encode())
            digest.update(_content(path))
        return digest.hexdigest()

    def _files(self) -> list[Path]:
        if self.output.is_dir():
            return sorted(path for path in self.output.rglob("*") if path.is_file())
        record = self.output.with_name(f"{self.output.name}.record.json")
        return [path for path in (self.output, record) if path.is_file()]

    def state(self) -> str:
        """``a`` or ``b``; ``no record`` for a volume alone; else ``broken``."""
        files = self._files()
        if self.output.suffix == ".tif" and files == [self.output]:
            return "no record"
        return self.known.get(self.digest(), "broken")

    def leftovers(self, allowed: set[str]) -> list[str]:
        """Names in the folder that are no input and no result."""
        return [
            path.name
            for path in self.folder.iterdir()
            if path.name not in allowed and path not in self._files() and path != self.output
        ]


def _content(path: Path) -> bytes:
    """Return the content of a file without times and machine."""
    if path.name.endswith("record.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        kept = {name: record[name] for name in ("command", "parameters", "outputs")}
        return json.dumps(kept, sort_keys=True).encode()
    if path.name == "window.json":
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return json.dumps(manifest["files"], sort_keys=True).encode()
    return path.read_bytes()


def make_inputs(folder: Path, size: int) -> None:
    """Write the inputs of all kinds of work: grey values, labels, tilts and two recipes."""
    phantom = make_phantom("pristine", shape=(size, size, size), spacing=0.4, seed=0)
    write_volume(folder / "grey.tif", phantom.volume)
    write_volume(folder / "labels.tif", Volume(phantom.phases, phantom.volume.spacing))
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-60, 61, 15.0), dose=1000, seed=0)
    write_tilts(folder / "tilts.tif", series)
    for version, threshold in (("a", 6.0), ("b", 7.0)):
        (folder / f"{version}.toml").write_text(
            f'[input]\nvolume = "grey.tif"\n[envelope]\ndirections = 8\n[output]\nfigures = []\n'
            f"[measure]\ndetails = false\n[threshold]\nvalues = [0.5, {threshold}]\n",
            encoding="utf-8",
        )
    read_volume(folder / "grey.tif")


def kill_once(case: Case, draw: random.Random, allowed: set[str]) -> Counter[str]:
    """Kill the work once, look, start again, look; return what was found."""
    found: Counter[str] = Counter()
    before = case.state()
    version = "b" if before == "a" else "a"
    if draw.random() < 0.5:
        kill_at = draw.randint(1, case.calls)
        status = ended(case.start(version, kill_at))
        if status == 0:  # there are fewer calls than that
            case.calls = kill_at - 1
    else:
        status = ended(case.start(version), draw.uniform(0.0, 1.05) * case.took_s)
    if status not in (0, -signal.SIGKILL):
        found["FAILED"] += 1
    found["killed" if status == -signal.SIGKILL else "ended before"] += 1
    found["work folder left"] += bool(case.leftovers(allowed))
    state = case.state()
    found[{before: "earlier result", version: "new result"}.get(state, state)] += 1
    if draw.random() < 0.5:
        status, right = ended(case.start(version)), {version}
        found["started again"] += 1
        found["FAILED"] += status != 0
    else:
        clean_leftovers(case.folder)
        right = {"a", "b"}
    state = case.state()
    is_whole = state in right
    found["whole after the next start" if is_whole else "WRONG after the next start"] += 1
    found["leftovers"] += len(case.leftovers(allowed))
    return found


def run(
    count: int, seed: int, size: int, kinds: tuple[str, ...] = KINDS
) -> dict[str, Counter[str]]:
    """Kill ``count`` times, the kinds of work in turn; return what was found by kind."""
    draw = random.Random(seed)
    table: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        inputs = Path(place) / "inputs"
        inputs.mkdir()
        make_inputs(inputs, size)
        cases = []
        for kind in kinds:
            folder = Path(place) / kind
            shutil.copytree(inputs, folder)
            cases.append(Case(kind, folder))
            cases[-1].warm_up()
            cases[-1].learn()
        allowed = {path.name for path in inputs.iterdir()}
        while (killed := sum(row["killed"] for row in table.values())) < count:
            case = cases[killed % len(cases)]
            table[case.kind] += kill_once(case, draw, allowed)
    return table


def is_wrong(table: dict[str, Counter[str]]) -> bool:
    """Return whether a result was lost or mixed, or anything was left."""
    return any(
        row["FAILED"] or row["broken"] or row["WRONG after the next start"] or row["leftovers"]
        for row in table.values()
    )


def main(report: Callable[[str], object] = print) -> int:
    """Run the kills that the command line asks for; 1 if anything was lost or left."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    os.environ.update(SNPORE_THREADS="1", QT_QPA_PLATFORM="offscreen")
    words.add_argument("--count", type=int, default=500)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--size", type=int, default=64, help="voxels along each axis")
    asked = words.parse_args()
    table = run(asked.count, asked.seed, asked.size)
    report(f"{asked.count} kills, seed {asked.seed}, {asked.size}³; hidden folders end in {SUFFIX}")
    for kind, row in table.items():
        report(f"{kind:<12}" + ", ".join(f"{what} {number}" for what, number in row.items()))
    return int(is_wrong(table))


if __name__ == "__main__":
    with stopped_in_a_sentence("no count was made."):
        sys.exit(main())
