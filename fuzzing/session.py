"""Command line of the harness: ``python -m fuzzing --seconds 600 --seed 0``; exit status 1 if a case went wrong."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from fuzzing.corpus import Sample, make_corpus
from fuzzing.outcome import CLASSES, RIGHT, Outcome, table_of
from fuzzing.readers import READERS
from fuzzing.worker import Limits, run_case, run_cases

_MOST_SHOWN = 40


def main() -> int:
    words = argparse.ArgumentParser(
        prog="python -m fuzzing", description=sys.modules["fuzzing"].__doc__
    )
    words.add_argument(
        "--seed", type=int, default=0, help="decides on all inputs, with their numbers"
    )
    words.add_argument("--seconds", type=float, default=600, help="time budget")
    words.add_argument("--cases", type=int, default=100_000, help="most inputs")
    words.add_argument("--first", type=int, default=0, help="number of the first input")
    words.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 8))
    words.add_argument(
        "--limit", type=float, default=5.0, help="seconds after which an input hangs"
    )
    words.add_argument(
        "--kinds", nargs="*", choices=list(READERS), help="only these kinds of input"
    )
    words.add_argument(
        "--only", type=int, help="repeat one input in this process, with its traceback"
    )
    words.add_argument(
        "--findings",
        type=Path,
        default=Path("build/fuzz"),
        help="where inputs that went wrong are kept",
    )
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-corpus-") as folder:
        samples = _corpus(Path(folder))
        if given.kinds:
            samples = [sample for sample in samples if sample.kind in given.kinds]
        if given.only is not None:
            return _repeat(samples, given.seed, given.only)
        numbers = range(given.first, given.first + given.cases)
        until = time.monotonic() + given.seconds
        counts: Counter[tuple[str, str]] = Counter()
        wrong: list[Outcome] = []
        limits = Limits(given.limit, given.findings)
        for outcome in run_cases(samples, given.seed, numbers, given.workers, until, limits):
            counts[outcome.kind, outcome.result] += 1
            if not outcome.is_right:
                wrong.append(outcome)
                if len(wrong) <= _MOST_SHOWN:
                    print(
                        f"{outcome.result} {outcome.number} {outcome.change}: {outcome.words[:200]!r}",
                        flush=True,
                    )
    print(f"\nseed {given.seed}, {sum(counts.values()):,} inputs\n{table_of(counts)}\n")
    for name, meaning in CLASSES.items():
        print(f"{name}: {meaning}{'' if name in RIGHT else ' (wrong)'}")
    if wrong:
        print(
            f"\n{len(wrong)} went wrong; their inputs are in {given.findings}, --only NUMBER repeats one."
        )
    return int(bool(wrong))


def _corpus(folder: Path) -> list[Sample]:
    """Make the corpus in another process: Zarr starts threads, which a later fork would lose."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(make_corpus, (folder,))


def _repeat(samples: list[Sample], seed: int, number: int) -> int:
    import fuzzing.worker as worker

    readers = dict(worker.READERS)

    def shown(read):
        def call(path):
            print(f"input: {path}")
            try:
                return read(path)
            except Exception:
                traceback.print_exc()
                raise

        return call

    worker.READERS.update({kind: shown(read) for kind, read in readers.items()})
    folder = Path(tempfile.mkdtemp(prefix="fuzz-")) / str(number)
    outcome = run_case(samples, seed, number, folder)
    print(outcome)
    return int(not outcome.is_right)
