"""How fast every long step ends when it is asked to, and how long any call keeps the window frozen.

``python -m benchmarks.cancel --size 256`` runs each step once to its end and then stops it at
several instants, drawn evenly over its length, and prints one row a step:

* ``return_s``: longest time from the wish to the return with :class:`~napari_snpore.errors.Stopped`;
* ``looks_s``: longest time between two looks at ``should_stop`` by the thread that returns;
* ``hold_s``: longest time in which no other thread of Python ran, such as the window's;
* ``rest_s``: longest work of threads that were left behind after the return, in CPU seconds;
* ``whole_s``: CPU seconds of the whole step.

Times are the lesser of the clock's and of the process's CPU seconds: what waits for a busy machine
is left out, so that the figures do not depend on its load. A row above a limit (half a second, a
fifth for ``hold_s``, one for ``rest_s``) is marked, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import gc
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from benchmarks.cancel_steps import STEPS, Inputs, Step
from benchmarks.stopping import stopped_in_a_sentence
from napari_snpore.errors import Stopped

LIMITS = {"return_s": 0.5, "looks_s": 0.5, "hold_s": 0.2, "rest_s": 1.0}
_TICK_S = 0.002
_OWN_THREADS = "snpore"
_LONGEST_REST_S = 30.0


@dataclass(frozen=True)
class Instant:
    """An instant on the clock and on that of the process's CPU seconds."""

    clock: float
    cpu: float

    @classmethod
    def now(cls) -> Instant:
        return cls(time.perf_counter(), time.process_time())

    def since(self, earlier: Instant) -> float:
        """Return the seconds that passed, without those in which this process had to wait."""
        return min(self.clock - earlier.clock, self.cpu - earlier.cpu)


@dataclass
class Row:
    """What was measured of one step."""

    step: str
    size: int
    return_s: float = 0.0
    looks_s: float = 0.0
    hold_s: float = 0.0
    rest_s: float = 0.0
    whole_s: float = 0.0
    stops: int = 0
    where: str = ""

    @property
    def over(self) -> list[str]:
        """The columns above their limit."""
        return [name for name, limit in LIMITS.items() if getattr(self, name) > limit]


class Ticker(threading.Thread):
    """Stands for the window: ticks as long as it can, and makes the wish at its instant."""

    def __init__(self, wish_at: float) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self.wish: Instant | None = None
        self._start, self._wish_at = Instant.now(), wish_at
        self._ended = threading.Event()

    def run(self) -> None:
        before = Instant.now()
        while not self._ended.is_set():
            time.sleep(_TICK_S)
            now = Instant.now()
            self.longest = max(self.longest, now.since(before))
            if self.wish is None and now.cpu - self._start.cpu >= self._wish_at:
                self.wish = before if now.since(before) > 0.1 else now
            before = now

    def end(self) -> None:
        self._ended.set()
        self.join()


class Looks:
    """``should_stop`` that notes how long the thread that returns did not ask."""

    def __init__(self, ticker: Ticker) -> None:
        self._ticker, self._thread = ticker, threading.get_ident()
        self._before, self._place = Instant.now(), "the start"
        self.longest, self.where = 0.0, ""

    def __call__(self) -> bool:
        self.note()
        return self._ticker.wish is not None

    def note(self) -> None:
        if threading.get_ident() == self._thread:
            now, place = Instant.now(), _place()
            gap = now.since(self._before)
            if gap > self.longest:
                self.longest, self.where = gap, f"{self._place} and {place}"
            self._before, self._place = now, place


def _place() -> str:
    """Return where in the package the step asked, innermost first, outside of the pools."""
    frame, words = sys._getframe(2), []
    while frame is not None and len(words) < 4:
        path = frame.f_code.co_filename
        if "napari_snpore" in path and not path.endswith("compute.py"):
            words.append(f"{Path(path).name}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(words) or "the end"


def measure(name: str, step: Step, inputs: Inputs, stops: int) -> Row:
    """Run a step once to its end, and stop it at ``stops`` instants."""
    row = Row(name, inputs.size)
    work = step(inputs)
    _run(row, work, float("inf"))
    for number in range(stops):
        _run(row, step(inputs), row.whole_s * (number + 0.5) / stops)
    return row


def _run(row: Row, work: Callable[..., object], wish_at: float) -> None:
    gc.collect()
    ticker = Ticker(wish_at)
    begin = Instant.now()
    ticker.start()
    looks = Looks(ticker)
    stopped = False
    try:
        work(progress=lambda done, total: None, should_stop=looks)
    except Stopped:
        stopped = True
    looks.note()
    end = Instant.now()
    if wish_at == float("inf"):
        row.whole_s = end.cpu - begin.cpu
        row.looks_s, row.where = looks.longest, looks.where
    if stopped and ticker.wish is not None:
        row.stops += 1
        row.return_s = max(row.return_s, end.since(ticker.wish))
        row.rest_s = max(row.rest_s, _rest())
    ticker.end()
    row.hold_s = max(row.hold_s, ticker.longest)


def _rest() -> float:
    """Return the CPU seconds of threads that were left behind, once they have ended."""
    begin = Instant.now()
    while any(thread.name.startswith(_OWN_THREADS) for thread in threading.enumerate()):
        time.sleep(0.01)
        if time.process_time() - begin.cpu > _LONGEST_REST_S:
            return float("inf")
    return time.process_time() - begin.cpu


def main() -> None:
    """Print the rows, and write them as CSV where that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--size", type=int, default=256, help="edge of the volume, in voxels")
    parser.add_argument("--tilts", type=int, default=61)
    parser.add_argument("--stops", type=int, default=4, help="instants at which a step is stopped")
    parser.add_argument("--steps", default="", help="names, or parts of them, with commas between")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--list", action="store_true", help="print the names of the steps")
    given = parser.parse_args()
    words = [word for word in given.steps.split(",") if word]
    chosen = {n: s for n, s in STEPS.items() if not words or any(word in n for word in words)}
    if given.list:
        print("\n".join(chosen))
        return
    inputs, small = Inputs(given.size, given.tilts), Inputs(48, 21)
    columns = [field.name for field in fields(Row) if field.name != "where"]
    print("  ".join(f"{name:>{26 if name == 'step' else 8}}" for name in columns), flush=True)
    rows = []
    for name, step in chosen.items():
        step(small)(progress=None, should_stop=None)  # compiles and imports
        row = measure(name, step, inputs, given.stops)
        rows.append(row)
        numbers = [row.return_s, row.looks_s, row.hold_s, row.rest_s, row.whole_s]
        figures = "  ".join(f"{number:8.2f}" for number in numbers)
        mark = f"  over: {', '.join(row.over)}; longest between {row.where}" if row.over else ""
        print(f"{name:>26}  {row.size:8}  {figures}  {row.stops:8}{mark}", flush=True)
        if given.csv is not None:  # after each: all of it takes long
            pd.DataFrame([vars(row) for row in rows]).round(3).to_csv(given.csv, index=False)
    sys.exit(any(row.over for row in rows))


if __name__ == "__main__":
    with stopped_in_a_sentence("the rows above are all that was measured."):
        main()
