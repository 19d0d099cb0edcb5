"""Longest time in which the window does not answer, for the first click of each kind.

``xvfb-run -a -s "-screen 0 1600x1000x24" python -m benchmarks.freezes`` opens napari and the
Workbench, then does the work of the guided tour, from a sample to a plate: for each station it
opens the form and presses the main button. A timer of the window runs meanwhile. Printed are the
longest time between two of its ticks, and how much of that time the GUI thread was computing: the
rest it waited, for the interpreter lock or for a processor that others had. A sampler names the
line at which it stood.

``--cold`` starts with an empty cache of kernels, in a folder of its own.
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TICK_MS = 5
_SAMPLE_S = 0.02
_PATIENCE_S = 900.0
_SETTLE_S = 1.0


class Gaps:
    """Times between ticks of the event loop, and where the GUI thread was in long ones."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_TICK_MS)
        self._main = threading.get_ident()
        self._last = (time.perf_counter(), time.thread_time())
        self._places: collections.Counter[str] = collections.Counter()
        self.reset()
        threading.Thread(target=self._sample, daemon=True).start()

    def reset(self) -> None:
        """Begin anew."""
        self.longest, self.computing, self.place = 0.0, 0.0, ""

    def _tick(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        gap, busy = now[0] - self._last[0], now[1] - self._last[1]
        if gap > self.longest:
            self.longest, self.computing = gap, busy
            self.place = self._places.most_common(1)[0][0] if self._places else ""
        self._places.clear()
        self._last = now

    def _sample(self) -> None:
        while True:
            time.sleep(_SAMPLE_S)
            if time.perf_counter() - self._last[0] < 0.1:
                continue
            frame: Any = sys._current_frames().get(self._main)
            inner, ours = None, None
            while frame is not None and ours is None:
                name = f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"
                inner = inner or name
                if "napari_snpore" in frame.f_code.co_filename:
                    ours = f"{name}:{frame.f_lineno}"
                frame = frame.f_back
            self._places[f"{ours or '-'} > {inner}"] += 1


def measure(viewer: Any) -> list[tuple[str, float, float, float, str]]:
    """Do the work; return (what, longest gap, of it computing, time of the step, place)."""
    from qtpy.QtTest import QTest

    from napari_snpore.viewer.tour.stations import SAMPLE, STATIONS

    gaps, found = Gaps(), []

    def click(what: str, act: Callable[[], object], is_done: Callable[[], bool]) -> None:
        gaps.reset()
        begun = time.perf_counter()
        act()
        QTest.qWait(10)
        while not is_done() and time.perf_counter() - begun < _PATIENCE_S:
            QTest.qWait(20)
        spent = time.perf_counter() - begun
        QTest.qWait(round(1000 * _SETTLE_S))
        found.append((what, gaps.longest, gaps.computing, spent, gaps.place))
        print(
            f"{what:32s} {gaps.longest:6.2f} s  computing {gaps.computing:6.2f} s  "
            f"took {spent:6.1f} s  {gaps.place}",
            flush=True,
        )

    held: dict[str, Any] = {}

    def open_bench() -> None:
        held["bench"] = viewer.window.add_plugin_dock_widget("napari-snpore", "Workbench")[1]

    click("Workbench: open", open_bench, lambda: "bench" in held)
    bench = _Bench(viewer, held["bench"])
    click("sample: open", lambda: bench.open_sample(SAMPLE), lambda: len(viewer.layers) > 0)
    for station in STATIONS:
        if station.form is None:
            continue
        click(f"{station.step}: open", lambda s=station: bench.open_step(s.step), lambda: True)
        form = held["bench"].form
        started = [False]

        def start(s: Any = station, form: Any = form, started: list[bool] = started) -> None:
            started[0] = s.start(bench, form)

        def is_done(s: Any = station, form: Any = form, started: list[bool] = started) -> bool:
            if not started[0]:
                started[0] = s.start(bench, form)
                return False
            return bool(s.is_done(bench, form))

        click(f"{station.step}: {station.title}", start, is_done)
    return found


class _Bench:
    """What the stations of the tour ask for."""

    def __init__(self, viewer: Any, widget: Any) -> None:
        self.viewer = viewer
        self.open_step = widget.open_step
        self.open_sample = widget.open_sample


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cold", action="store_true", help="with an empty cache of kernels")
    parser.add_argument("--picture", help="folder for pictures of the window, one every 5 s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.cold:
            os.environ["NUMBA_CACHE_DIR"] = folder
        import napari
        from qtpy.QtCore import QTimer
        from qtpy.QtTest import QTest

        viewer = napari.Viewer(show=True)
        viewer.window.resize(1500, 950)
        QTest.qWait(2000)
        timer = QTimer()
        if options.picture:
            place = Path(options.picture)
            place.mkdir(parents=True, exist_ok=True)
            count = iter(range(10**6))
            window = viewer.window._qt_window
            timer.timeout.connect(lambda: window.grab().save(str(place / f"{next(count):03d}.png")))
            timer.start(5000)
        found = measure(viewer)
        print(f"longest: {max(gap for _, gap, *_ in found):.2f} s")
        viewer.close()


if __name__ == "__main__":
    main()
