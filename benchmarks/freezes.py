"""Longest time in which the window does not answer, for the first click of each kind.

``python -m benchmarks freezes`` opens napari and the Workbench in a virtual screen, does the work
of the guided tour, from a sample to a plate, and then what else can be clicked first: planes and an
oblique slice, a movie, a saved window, a series in time. For each step it opens the form and
presses the main button. A timer of the window runs meanwhile. One row a click:

* ``longest_s``: longest time between two of its ticks, by the clock;
* ``computing_s``: most CPU seconds of the GUI thread between two ticks. What ``longest_s`` has
  beyond that the thread waited, for the interpreter lock, the graphics driver, or a processor that
  others had;
* ``took_s``: until the result was there.

Each run is a process of its own; of several (``--runs``) the medians are written. A row in which the
GUI thread computes for more than a fifth of a second is marked, and the exit status is 1.

``--cold`` starts with an empty cache of kernels, in a folder of its own. ``--once`` makes one run
in this process, on the screen that there is, and names the line at which the thread stood.
"""

from __future__ import annotations

import argparse
import collections
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

_TICK_MS = 5
_SAMPLE_S = 0.02
_PATIENCE_S = 900.0
_SETTLE_S = 1.0
_MOST_S = 0.2
_MOVIE_PICTURES = 12
_SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 1600x1000x24")


class Gaps:
    """Times between ticks of the event loop, and where the GUI thread was in long ones."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_TICK_MS)
        self._main = threading.get_ident()
        self._places: collections.Counter[str] = collections.Counter()
        self._seen: list[Any] = []
        self.reset()
        threading.Thread(target=self._sample, daemon=True).start()

    def reset(self) -> None:
        """Begin anew."""
        self._last = (time.perf_counter(), time.thread_time())
        self.longest, self.computing, self.place = 0.0, 0.0, ""

    def _tick(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        gap, busy = now[0] - self._last[0], now[1] - self._last[1]
        self.computing = max(self.computing, busy)
        if gap > self.longest:
            self.longest = gap
            self.place = self._places.most_common(1)[0][0] if self._places else ""
        self._places.clear()
        self._seen.clear()
        self._last = now

    def _sample(self) -> None:
        while True:
            time.sleep(_SAMPLE_S)
            if time.perf_counter() - self._last[0] < 0.1:
                continue
            frame: Any = sys._current_frames().get(self._main)
            inner, ours = None, None
            while frame is not None and ours is None:
                # given back by the window's thread: with the last frame go its locals, and Qt's
                # objects must not end in this one
                self._seen.append(frame)
                name = f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"
                inner = inner or name
                if "napari_snpore" in frame.f_code.co_filename:
                    ours = f"{name}:{frame.f_lineno}"
                frame = frame.f_back
            self._places[f"{ours or '-'} > {inner}"] += 1


class Clicks:
    """Clicks one after the other, and what was found of each.

    Parameters
    ----------
    viewer : napari.Viewer
        Its window is on the screen.
    folder : Path
        For what the clicks write.
    """

    def __init__(self, viewer: Any, folder: Path) -> None:
        self._viewer, self._folder, self._gaps = viewer, folder, Gaps()
        self.rows: list[dict[str, Any]] = []
        self._widget: Any = None

    def click(
        self,
        what: str,
        act: Callable[[], object],
        is_done: Callable[[], object] = lambda: True,
    ) -> None:
        """Do something, and wait until it is done."""
        from qtpy.QtTest import QTest

        gaps, begun = self._gaps, time.perf_counter()
        gaps.reset()
        act()
        QTest.qWait(10)
        while not is_done() and time.perf_counter() - begun < _PATIENCE_S:
            QTest.qWait(20)
        spent = time.perf_counter() - begun
        QTest.qWait(round(1000 * _SETTLE_S))
        row = {"longest_s": gaps.longest, "computing_s": gaps.computing, "took_s": spent}
        self.rows.append({"click": what, **{key: round(value, 2) for key, value in row.items()}})
        numbers = "  ".join(f"{key} {value:6.2f}" for key, value in row.items())
        print(f"{what:32s} {numbers}  {gaps.place}", flush=True)

    def tour(self) -> None:
        """Open the Workbench and go through the stations of the guided tour."""
        add = self._viewer.window.add_plugin_dock_widget

        def open_bench() -> None:
            self._widget = add("napari-snpore", "Workbench")[1]

        self.click("Workbench: open", open_bench)
        # what they import is part of the first click
        from napari_snpore.viewer.tour.stations import SAMPLE, STATIONS

        widget = self._widget
        bench = _Bench(self._viewer, widget)
        self.click("Sample: open", lambda: bench.open_sample(SAMPLE), lambda: self._viewer.layers)
        for station in STATIONS:
            if station.form is not None:
                self.click(f"{station.step}: open", lambda s=station: bench.open_step(s.step))
                self._station(bench, station, widget.form)

    def _station(self, bench: _Bench, station: Any, form: Any) -> None:
        started = False

        def start() -> None:
            nonlocal started
            started = station.start(bench, form)

        def is_done() -> bool:
            if not started:
                start()
                return False
            return bool(station.is_done(bench, form))

        self.click(f"{station.step}: {station.title.lower()}", start, is_done)

    def further(self) -> None:
        """Do what the tour does not."""
        from napari_snpore.viewer.window.opening import start_opening
        from napari_snpore.viewer.window.saving import start_saving

        viewer, widget = self._viewer, self._widget
        widget.open_step("Slices")
        slices = widget.form
        self.click("Slices: planes in 3D", lambda: slices.in_scene.setChecked(True))
        oblique = slices.oblique
        self.click("Slices: oblique", oblique.expand, lambda: oblique.slice is not None)
        self.click("Slices: oblique in 3D", lambda: oblique.in_scene.setChecked(True))
        self.click("Slices: maximise XY", lambda: setattr(slices, "maximized", "XY"))
        widget.open_step("3D scene")
        scene = widget.form
        scene.movie.frames.setValue(_MOVIE_PICTURES)
        movie = self._folder / "movie.gif"
        self.click(
            "3D scene: movie", lambda: scene.movie.save(movie), lambda: not scene.status.busy
        )
        window, status = str(self._folder / "window"), []
        self.click(
            "Window: save",
            lambda: status.append(start_saving(viewer, window)),
            lambda: not status[-1].busy,
        )
        viewer.layers.clear()
        self.click(
            "Window: open",
            lambda: status.append(start_opening(viewer, window)),
            lambda: not status[-1].busy,
        )
        viewer.layers.clear()
        self.click("Three states: open", lambda: widget.open_sample("three_states"))
        form = widget.form
        self.click("Compare: Compare", form.main_button.click, lambda: not form.status.busy)
        self.click("Compare: another pair", lambda: form.tabs.numbers.pair_box.setCurrentIndex(1))
        self.click("Compare: table", form.tabs.numbers.open_table)
        viewer.layers.clear()
        self.click("Series in time: open", lambda: widget.open_sample("swelling"))
        self.click("In situ: open", lambda: widget.open_step("In situ"))
        form = widget.form
        self.click("In situ: diameter", form.main_button.click, lambda: form.table is not None)


class _Bench:
    """What the stations of the tour ask for."""

    def __init__(self, viewer: Any, widget: Any) -> None:
        self.viewer = viewer
        self.open_step = widget.open_step
        self.open_sample = widget.open_sample


def once(picture: str | None, table: Path | None) -> None:
    """Make one run in this process."""
    import napari
    from qtpy.QtCore import QTimer
    from qtpy.QtTest import QTest

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1500, 950)
    QTest.qWait(2000)
    timer = QTimer()
    if picture:
        place = Path(picture)
        place.mkdir(parents=True, exist_ok=True)
        window = viewer.window._qt_window
        timer.timeout.connect(
            lambda: window.grab().save(str(place / f"{time.monotonic():08.0f}.png"))
        )
        timer.start(5000)
    with tempfile.TemporaryDirectory() as folder:
        clicks = Clicks(viewer, Path(folder))
        clicks.tour()
        clicks.further()
        if table is not None:
            pd.DataFrame(clicks.rows).to_csv(table, index=False)
        viewer.close()


def several(runs: int, *, cold: bool) -> pd.DataFrame:
    """Make runs, each in a process and on a screen of its own, and return the medians."""
    tables = []
    for run in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(os.environ)
            if cold:
                environment["NUMBA_CACHE_DIR"] = folder
            table = Path(folder) / "table.csv"
            print(f"run {run + 1} of {runs}", flush=True)
            words = [sys.executable, "-m", "benchmarks.freezes", "--once", "--csv", str(table)]
            subprocess.run([*_SCREEN, *words], env=environment, check=True)
            tables.append(pd.read_csv(table))
    order = tables[0]["click"]
    return pd.concat(tables).groupby("click").median().loc[order].round(2).reset_index()


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cold", action="store_true", help="with an empty cache of kernels")
    parser.add_argument("--runs", type=int, default=3, help="of which the medians are taken")
    parser.add_argument("--csv", type=Path, help="where the table is written")
    parser.add_argument("--once", action="store_true", help="one run, on the screen that there is")
    parser.add_argument("--picture", help="with --once: folder for pictures, one every 5 s")
    options = parser.parse_args()
    if options.once:
        with ExitStack() as stack:
            if options.cold:
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                os.environ["NUMBA_CACHE_DIR"] = folder
            once(options.picture, options.csv)
        return 0
    found = several(options.runs, cold=options.cold)
    if options.csv is not None:
        found.to_csv(options.csv, index=False)
    found["above"] = ["!" if value > _MOST_S else "" for value in found["computing_s"]]
    print(found.to_string(index=False))
    return int((found["computing_s"] > _MOST_S).any())


if __name__ == "__main__":
    sys.exit(main())
