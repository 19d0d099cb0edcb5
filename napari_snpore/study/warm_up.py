"""Compilation of all kernels before they are needed, on a rod of a few voxels.

numba compiles a kernel when it is first called and keeps it on disk: the first study on a machine
would wait for all of them. :func:`warm_up` compiles them in the order of the work; :func:`serve`
does so in a child process of the window (:mod:`napari_snpore.kernel_process`), which may ask for
single kernels meanwhile.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.files._amira_kernels import expand_runs
from napari_snpore.kernel_process import is_stamped, lower_priority, stamp_folders, write_stamp
from napari_snpore.kernels import KernelRequest
from napari_snpore.measurement.diffusion import effective_diffusivity
from napari_snpore.measurement.face_distance import distance_to_faces
from napari_snpore.measurement.labelling import label_objects, separate_objects
from napari_snpore.measurement.neighbors import nearest_neighbors
from napari_snpore.measurement.objects import measure_objects
from napari_snpore.measurement.thickness import local_thickness
from napari_snpore.outputs.file_lock import lock
from napari_snpore.segmentation.cleanup import majority_filter
from napari_snpore.segmentation.envelope import EnvelopeOptions, make_envelope
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.phases import segment
from napari_snpore.tomography.options import Dart, Sirt, Tv
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.reconstruction import reconstruct, warm_up_sirt, warm_up_tv
from napari_snpore.tomography.shell_correlation import fourier_shell_correlation
from napari_snpore.tomography.slice_preview import SlicePreview
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.working_frames import WorkingFrames
from napari_snpore.volume import Volume

_SIDE = 12
_ANGLES_DEG = np.linspace(-60.0, 60.0, 3)
_GRAY_TYPES, _RARE_GRAY_TYPES = ("u1", "u2"), ("i2", "f8")
_IDLE_S = 60.0
"""After this time with nothing to do the child process ends."""

_LOCK = "snpore-kernels.lock"


@dataclass(frozen=True)
class Job:
    """Kernels that one part of the work calls.

    Attributes
    ----------
    name : str
    folder : str
        Folder of the package in which they are: a request for another kernel of it brings the job
        forward.
    run : callable
    """

    name: str
    folder: str
    run: Callable[[], object]


def jobs() -> list[Job]:
    """Return all warm-ups, in the order in which their kernels are needed."""
    images, gray, objects = "tomography", "segmentation", "measurement"
    return [
        Job("shifts", images, _shifts),
        Job("preview by SIRT", images, partial(_preview, Sirt(iterations=1, stop="iterations"))),
        Job("preview by TV", images, partial(_preview, Tv(iterations=2, blur_px=1.0))),
        Job("SIRT", images, warm_up_sirt),
        Job("TV", images, warm_up_tv),
        Job("gray values of f4", gray, partial(_gray, "f4")),
        Job("envelope", gray, _envelope),
        *(Job(f"gray values of {kind}", gray, partial(_gray, kind)) for kind in _GRAY_TYPES),
        Job("majority filter", gray, partial(majority_filter, _phases(), radius=1)),
        Job("objects", objects, _objects),
        Job("distances to faces", objects, partial(distance_to_faces, _rod() > 0, (1.0, 1.0, 2.0))),
        Job("separated objects", objects, _separated),
        Job("thickness", objects, _thickness),
        Job("neighbours", objects, _neighbors),
        Job("diffusion", objects, _diffusion),
        Job("shell correlation", images, _shells),
        *(Job(f"gray values of {kind}", gray, partial(_gray, kind)) for kind in _RARE_GRAY_TYPES),
        Job("DART", images, _dart),
        Job("Amira", "files", _runs),
    ]


def warm_up(
    more: Sequence[str] = (),
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> None:
    """Compile all kernels, or load them from numba's cache.

    Takes some 15 to 20 s of one processor the first time on a machine.

    Parameters
    ----------
    more : sequence of str
        Further warm-ups, ``module:function``.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; called between the jobs.

    Raises
    ------
    Stopped
        ``should_stop`` returned true.
    """
    todo = [*jobs(), *_further(more)]
    for done, job in enumerate(todo):
        check_stop(should_stop)
        job.run()
        if progress is not None:
            progress(done + 1, len(todo))
    write_stamp(more)


def serve() -> None:
    """Compile all kernels, and those asked for on standard input, until it ends.

    Standard output says, one JSON object a line: ``{"answer": n}`` a request was dealt with,
    ``{"job": name}`` a warm-up was, ``{"done": k, "total": n}``. The first argument of the command
    line is a list of further warm-ups, ``module:function``, in JSON; they are named as they are
    written there.
    """
    lower_priority()
    more = json.loads(sys.argv[1]) if len(sys.argv) > 1 else []
    lines: SimpleQueue[str] = SimpleQueue()
    Thread(target=_read, args=(lines,), daemon=True).start()
    gc.disable()  # compilation leaves little to collect, and a tenth of its time would go there
    _Server(more, lines, _say).run()


class _Server:
    """Runs warm-ups one by one, and requests before the next of them."""

    def __init__(
        self, more: Sequence[str], lines: SimpleQueue[str], say: Callable[[dict[str, Any]], None]
    ) -> None:
        self._more = more
        self._todo = deque([] if is_stamped(more) else [*jobs(), *_further(more)])
        self._total = len(self._todo)
        self._lines = lines
        self._say = say
        self._lock: int | None = None
        self._locks = True

    def run(self) -> None:
        """Return when nothing was left to do for a minute."""
        self._tell()
        last = time.monotonic()
        while self._todo or time.monotonic() - last < _IDLE_S:
            busy = self._answer() or self._advance()
            if busy:
                last = time.monotonic()

    def _answer(self) -> bool:
        """Deal with one request; wait a little for one where nothing else is to do."""
        waits = not self._todo or (self._lock is None and self._locks and not self._take_turn())
        try:
            line = self._lines.get(timeout=0.5) if waits else self._lines.get_nowait()
        except Empty:
            return False
        asked = json.loads(line)
        number = asked.pop("number")
        with contextlib.suppress(Exception):  # what does not compile fails where it is called
            KernelRequest(**asked).compile()
        self._say({"answer": number})
        folder = asked["module"].split(".")[1]
        self._todo = deque(sorted(self._todo, key=lambda job: job.folder != folder))
        return True

    def _take_turn(self) -> bool:
        """Take the lock that lets one process of the machine compile all; return whether it is
        held.
        """
        for folder in stamp_folders():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._lock = lock(folder / _LOCK)
            except OSError:
                continue
            if self._lock is not None and is_stamped(
                self._more
            ):  # by the process that held it before
                self._todo.clear()
                self._tell()
            return self._lock is not None
        self._locks = False  # no folder to write
        return True

    def _advance(self) -> bool:
        if not self._todo or (self._lock is None and self._locks):
            return False
        job = self._todo.popleft()
        with contextlib.suppress(Exception):  # the step that needs it says so
            job.run()
        self._say({"job": job.name})
        if not self._todo:
            write_stamp(self._more)
            if self._lock is not None:
                os.close(self._lock)
        self._tell()
        return True

    def _tell(self) -> None:
        self._say({"done": self._total - len(self._todo), "total": self._total})


def _read(lines: SimpleQueue[str]) -> None:
    """Take requests; the process ends with the one that asks."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _further(names: Sequence[str]) -> list[Job]:
    def run(name: str) -> Callable[[], object]:
        module, _, function = name.partition(":")
        return lambda: getattr(import_module(module), function)()

    return [Job(name, "", run(name)) for name in names]


def _shifts() -> None:
    frames = WorkingFrames(_images(), 1, ((_SIDE - 1) / 2,) * 2)
    frames.resampled(0.0, np.zeros((len(_ANGLES_DEG), 2)))


def _preview(method: Sirt | Tv) -> None:
    SlicePreview(_series(), threads=1).reconstruct(_SIDE // 2, method=method)


def _gray(kind: str) -> None:
    data = _rod().astype(kind)
    with contextlib.suppress(InputError):
        gray_histogram(data)
    segment(data, (0.5, 2.0))


def _envelope() -> None:
    volume = Volume(_rod(), (1.0, 1.0, 1.0))
    make_envelope(volume, 0.5, EnvelopeOptions(ray_length_nm=3.0))


def _objects() -> None:
    measure_objects(_labels(), spacing=1.0)


def _thickness() -> None:
    local_thickness(_rod() == 4, spacing=1.0)


def _diffusion() -> None:
    effective_diffusivity(np.ones((_SIDE,) * 3, np.bool_), direction="z", spacing=1.0)


def _neighbors() -> None:
    labels = _labels()
    labels[0, 0, 0] = labels.max() + 1
    nearest_neighbors(labels, spacing=1.0)


def _runs() -> None:
    expand_runs(np.frombuffer(b"\x01\x00", np.uint8), np.empty(1, np.uint8))


def _separated() -> None:
    separate_objects(_rod() > 0, spacing=1.0, contrast_nm=1.0)


def _shells() -> None:
    fourier_shell_correlation(_rod(), _rod(), spacing=1.0, angles_deg=_ANGLES_DEG)


def _dart() -> None:
    reconstruct(_series(), method=Dart(iterations=2))


def _series() -> TiltSeries:
    return TiltSeries(_images(), _ANGLES_DEG, 1.0)


def _images() -> NDArray[np.float32]:
    return project(_rod(), _ANGLES_DEG)


def _labels() -> NDArray[np.uint32]:
    return np.asarray(label_objects(_rod() == 4))


def _phases() -> NDArray[np.uint8]:
    return np.digitize(_rod(), [0.5, 2.0]).astype(np.uint8) + np.uint8(1)


def _rod() -> NDArray[np.float32]:
    """Return a rod along y (carbon 1) with a core (tin 4), float32, (z, y, x)."""
    rod = np.zeros((_SIDE,) * 3, np.float32)
    rod[3:9, :, 3:9] = 1.0
    rod[5:7, :, 5:7] = 4.0
    return rod


def main() -> None:
    """Compile all kernels unless they are in the cache, and call the further warm-ups that the
    command line names, ``module:function``: for ``scripts/environment``.
    """
    if is_stamped(sys.argv[1:]):
        return
    print("Preparing for this machine (once, about 20 s) ...", file=sys.stderr, flush=True)
    gc.disable()
    warm_up(sys.argv[1:])


if __name__ == "__main__":
    main()
