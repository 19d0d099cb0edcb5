"""Processes that read damaged inputs, each with a limit of memory, watched from outside for its time.

A case is made from the seed of the session and its number alone. The processes are forked from one
that has imported everything, so that a new one after a hang or a crash costs little.
"""

from __future__ import annotations

import faulthandler
import json
import mmap
import os
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from fuzzing.corpus import Sample
from fuzzing.mutations import copy_of, damage_folder, pick
from fuzzing.outcome import MEMORY_BASE, MEMORY_PER_BYTE, RIGHT, Outcome, class_of
from fuzzing.readers import READERS

WEIGHTS = {
    "image": 10,
    "series": 3,
    "recipe": 2,
    "plate": 1,
    "transform": 1,
    "figure": 1,
    "window": 0.5,
    "run": 1,
}
"""How often a kind of input is drawn; windows and runs take longest."""

_ADDRESS_SPACE = 2 * 2**30
"""Bytes that a process may reserve beyond what it has at its start."""

_CASES_PER_PROCESS = 2000
"""After so many cases a process is replaced, so that what one leaves behind does not add up."""

_HARNESS = 3
"""Exit status of a process whose fault is our own, not the reader's."""

_NOW = struct.Struct("<qd")


@dataclass(frozen=True)
class Limits:
    """What one case may take: seconds, and where inputs that went wrong are kept."""

    seconds: float = 5.0
    findings: Path = Path("build/fuzz")


def make_case(
    samples: Sequence[Sample], seed: int, number: int, folder: Path
) -> tuple[Sample, str]:
    """Write one damaged input into a new folder; return its sample and what was done."""
    rng = np.random.default_rng([seed, number])
    kinds = sorted({sample.kind for sample in samples})
    weights = np.array([WEIGHTS[kind] for kind in kinds])
    kind = str(rng.choice(kinds, p=weights / weights.sum()))
    sample = pick(rng, [one for one in samples if one.kind == kind])
    copy_of(sample.folder, folder)
    return sample, f"{sample.folder.name}/{damage_folder(rng, folder)}"


def run_case(samples: Sequence[Sample], seed: int, number: int, folder: Path) -> Outcome:
    """Damage one input in a new folder, read it, and return what came of it."""
    sample, change = make_case(samples, seed, number, folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    before = _memory("VmRSS")
    _forget_peak()
    error: BaseException | None = None
    _limit_space(_memory("VmSize") + _ADDRESS_SPACE)
    try:
        READERS[sample.kind](folder / sample.open)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as raised:
        error = raised
    finally:
        _limit_space(resource.RLIM_INFINITY)
    result, words = class_of(error)
    taken = _memory("VmHWM") - before
    if result in RIGHT and taken > MEMORY_BASE + MEMORY_PER_BYTE * size:
        result, words = "memory", f"{taken:,} bytes for an input of {size:,}; {words}"
    return Outcome(number, sample.kind, result, change, words)


def run_cases(
    samples: Sequence[Sample], seed: int, numbers: range, workers: int, until: float, limits: Limits
) -> Iterator[Outcome]:
    """Yield the outcomes of cases, in no order, until all are done or ``until`` (monotonic s).

    A case beyond its time is tried once more alone, with three times as much, because a busy
    machine is no hang.
    """
    crew = [_Worker(samples, seed, numbers[k::workers], limits) for k in range(workers)]
    doubtful: list[int] = []
    try:
        while any(not worker.done for worker in crew):
            for worker in crew:
                for outcome in worker.poll(limits.seconds, stop=time.monotonic() > until):
                    if outcome.result == "hang":
                        doubtful.append(outcome.number)
                    else:
                        yield outcome
            time.sleep(0.02)
        for number in doubtful:
            again = _Worker(samples, seed, range(number, number + 1), limits)
            crew.append(again)
            while not again.done:
                yield from again.poll(3 * limits.seconds, stop=False)
                time.sleep(0.02)
    finally:
        for worker in crew:
            worker.end()


class _Worker:
    """One forked process that runs its numbers in order, and what is known of it from outside."""

    def __init__(
        self, samples: Sequence[Sample], seed: int, numbers: range, limits: Limits
    ) -> None:
        self._samples, self._seed, self._numbers, self._limits = samples, seed, numbers, limits
        self._now = mmap.mmap(-1, _NOW.size)
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._rest = b""
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.done = len(numbers) == 0
        if not self.done:
            self._start(0)

    def _start(self, first: int) -> None:
        self._now[:] = _NOW.pack(-1, time.monotonic() + 60)  # a minute to warm up
        read_end, write_end = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(read_end)
            status = _HARNESS
            try:
                self._work(first, write_end)
                status = 0
            except BaseException:
                traceback.print_exc(file=self._errors)
            finally:
                os._exit(status)
        os.close(write_end)
        os.set_blocking(read_end, False)
        self._pipe = read_end

    def _work(self, first: int, write_end: int) -> None:
        _limit_process()
        for sample in self._samples:
            _warm_up(sample, self._folder / "warm")
        for index in range(first, min(first + _CASES_PER_PROCESS, len(self._numbers))):
            number = self._numbers[index]
            self._now[:] = _NOW.pack(index, time.monotonic())
            folder = self._folder / str(number)
            outcome = run_case(self._samples, self._seed, number, folder)
            self._keep(outcome, folder)
            os.write(
                write_end, json.dumps(asdict(outcome)).encode("utf-8", "replace")[:60_000] + b"\n"
            )

    def _keep(self, outcome: Outcome, folder: Path) -> None:
        if not outcome.is_right:
            place = self._limits.findings / f"{outcome.result.replace(' ', '-')}-{outcome.number}"
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(folder, place, symlinks=True, ignore=_special_files)
            (place / "why.txt").write_text(
                f"{outcome.change}\n{outcome.words}\n", "utf-8", "replace"
            )
        shutil.rmtree(folder, ignore_errors=True)

    def poll(self, seconds: float, *, stop: bool) -> list[Outcome]:
        """Return new outcomes; start the process again after a hang or a crash."""
        if self.done:
            return []
        found = self._received()
        index, since = _NOW.unpack(self._now[:])
        ended, status = os.waitpid(self._pid, os.WNOHANG)
        if ended:
            found += self._received()
            os.close(self._pipe)
            if status == 0:
                self._go_on(index, stop)
            elif os.waitstatus_to_exitcode(status) == _HARNESS:
                self._errors.seek(0)
                raise RuntimeError(f"The harness failed in case {index}: {self._errors.read()}")
            else:
                found.append(self._lost(index, "crash", f"ended with {status}"))
                self._go_on(index, stop)
        elif time.monotonic() - since > seconds:
            self.end()
            found += [self._lost(index, "hang", f"no end after {seconds:g} s")]
            self._go_on(index, stop)
        elif stop:
            self.end()
        return found

    def _go_on(self, index: int, stop: bool) -> None:
        self.done = stop or index + 1 >= len(self._numbers)
        if not self.done:
            self._start(index + 1)

    def _lost(self, index: int, result: str, words: str) -> Outcome:
        number = self._numbers[max(index, 0)]
        folder = self._folder / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        sample, change = make_case(self._samples, self._seed, number, folder)
        outcome = Outcome(number, sample.kind, result, change, words)
        self._keep(outcome, folder)
        return outcome

    def _received(self) -> list[Outcome]:
        with suppress(BlockingIOError):
            while block := os.read(self._pipe, 65536):
                self._rest += block
        *lines, self._rest = self._rest.split(b"\n")
        return [Outcome(**json.loads(line)) for line in lines]

    def end(self) -> None:
        """Kill the process, by its id, and remove its folder."""
        if not self.done and self._pid:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                os.close(self._pipe)
            self._pid = 0
            self.done = True


def _limit_process() -> None:
    """Send what libraries print nowhere; no core files."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    if "FUZZ_SHOW" not in os.environ:
        os.dup2(nowhere, 2)
    faulthandler.disable()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(1000)


def _limit_space(size: int) -> None:
    """Limit the address space of this process (bytes): beyond it memory is refused, not taken."""
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))


def _warm_up(sample: Sample, folder: Path) -> None:
    """Read a sound input once, so that what is imported with it does not count."""
    copy_of(sample.folder, folder)
    with suppress(Exception):
        READERS[sample.kind](folder / sample.open)
    shutil.rmtree(folder, ignore_errors=True)


def _special_files(folder: str, names: list[str]) -> list[str]:
    paths = [Path(folder) / name for name in names]
    return [
        path.name for path in paths if not (path.is_symlink() or path.is_file() or path.is_dir())
    ]


def _memory(field: str) -> int:
    """Return a size (bytes) of this process from /proc, 0 where there is none."""
    with suppress(OSError), open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(f"{field}:"):
                return 1024 * int(line.split()[1])
    return 0


def _forget_peak() -> None:
    with suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as peak:
        peak.write("5")
