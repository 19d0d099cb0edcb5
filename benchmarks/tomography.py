"""Time of reconstruction relative to ASTRA (CPU) and scikit-image; own time and memory for asv.

``python -m benchmarks.tomography`` prints the ratios.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.data import fibre_series
from benchmarks.peers import SparseSirt, astra_slice, iradon_slice, ratio, two_processes
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.discrete.blur_search import find_blur
from napari_snpore.tomography.discrete.polish import polish_labels
from napari_snpore.tomography.discrete.slab_levels import slab_levels
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.options import Options, Sirt, Tv
from napari_snpore.tomography.projector import backproject, project
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.slice_preview import SlicePreview
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.tv_reconstruction import middle_rows
from napari_snpore.tomography.weights import image_weights

SLICES = 128
SIRT_ITERATIONS = 30


def ours(series: TiltSeries, **options: Any) -> Callable[[], int]:
    """Return a call that reconstructs all slices of a series."""

    def work() -> int:
        reconstruct(series, **options)
        return series.shape[1]

    return work


def theirs(
    pool: ProcessPoolExecutor, series: TiltSeries, peer: Callable[..., Any], *options: Any
) -> Callable[[], int]:
    """Return a call that reconstructs one slice in each of two processes."""
    sinograms = [np.ascontiguousarray(series.images[:, y]) for y in range(2)]

    def work() -> int:
        tasks = [pool.submit(peer, sinogram, series.angles_deg, *options) for sinogram in sinograms]
        return len([task.result() for task in tasks])

    return work


class SirtAgainstAstra:
    """SIRT, 71 tilts, 30 iterations, non-negative: per slice, two cores each."""

    params = (256, 512)
    param_names = ("width",)
    timeout = 1200

    def setup(self, width: int) -> None:
        _need("astra")

    def track_ratio(self, width: int) -> float:
        series = fibre_series(width, SLICES)
        with two_processes() as pool:
            peer = theirs(pool, series, astra_slice, "SIRT", SIRT_ITERATIONS)
            return ratio(
                ours(series, iterations=SIRT_ITERATIONS), peer, rounds=5 if width < 500 else 3
            )

    track_ratio.unit = "ratio"


class WbpAgainstPeers:
    """Weighted backprojection, 71 tilts: per slice, two cores each."""

    params = (("astra", "skimage"), (256, 512))
    param_names = ("peer", "width")
    timeout = 600

    def setup(self, peer: str, width: int) -> None:
        _need(peer)

    def track_ratio(self, peer: str, width: int) -> float:
        series = fibre_series(width, SLICES)
        with two_processes() as pool:
            call = (astra_slice, "FBP", 1) if peer == "astra" else (iradon_slice,)
            return ratio(ours(series, method="wbp"), theirs(pool, series, *call), rounds=7)

    track_ratio.unit = "ratio"


class SirtAgainstSparse:
    """Time of SIRT relative to a CSR matrix of scipy on 64 slices at once, half of them per
    thread.
    """

    params = (256, 512)
    param_names = ("width",)
    timeout = 1200

    def setup(self, width: int) -> None:
        _need("astra")

    def track_ratio(self, width: int) -> float:
        series = fibre_series(width, SLICES)
        peer = SparseSirt(series.images[:, :64], series.angles_deg)
        return ratio(ours(series, iterations=10), lambda: peer.run(10), rounds=3)

    track_ratio.unit = "ratio"


class TvStep:
    """Time of one iteration of TV with blur divided by one of SIRT, which projects as often, without
    start and end of the run.
    """

    params = (256, 512)
    param_names = ("width",)
    timeout = 600

    def track_ratio(self, width: int) -> float:
        series = fibre_series(width, SLICES)

        def seconds(few: Options, many: Options) -> float:
            short, long = (ours(series, method=options) for options in (few, many))
            short()  # compiles
            return min(_time(long) for _ in range(3)) - min(_time(short) for _ in range(3))

        sirt = seconds(Sirt(iterations=4), Sirt(iterations=16))
        few, many = (
            Tv(iterations=count, weight=1.0, blur_px=1.0, reweight=False, tolerance=0)
            for count in (4, 16)
        )
        return seconds(few, many) / sirt

    track_ratio.unit = "ratio"


class DiscreteSteps:
    """Time of finding the blur and of polishing divided by TV with a known blur."""

    params = ("find_blur", "polish")
    param_names = ("step",)
    timeout = 1200

    def setup(self, step: str) -> None:
        series = fibre_series(176, SLICES)
        self.series = replace(series, images=blur_images(series.images, 1.0))
        self.volume = reconstruct(self.series, method=Tv(blur_px=1.0, iterations=60))

    def track_ratio(self, step: str) -> float:
        series = self.series
        tv = _time(ours(series, method=Tv(blur_px=1.0)))
        if step == "find_blur":
            return _time(lambda: len(find_blur(series).curve)) / tv
        noise = noise_model(series)
        rows = middle_rows(SLICES, 32)
        weights = image_weights(series.images, noise)
        found = slab_levels(
            np.ascontiguousarray(self.volume.data[:, slice(*rows)]),
            np.ascontiguousarray(series.images[:, slice(*rows)]),
            np.ascontiguousarray(weights[:, slice(*rows)]),
            series.angles_deg,
            blur_px=1.0,
        )
        if found is None:
            raise RuntimeError("No rising levels fit the images.")
        labels = (np.digitize(self.volume.data, found.thresholds) + 1).astype(np.uint8)

        def polish() -> int:
            return polish_labels(
                labels,
                series.images,
                series.angles_deg,
                levels=(0.0, 0.0, *found.levels),
                blur_px=1.0,
                weights=weights,
            ).changed

        return _time(polish) / tv

    track_ratio.unit = "ratio"


class Preview:
    """Time of one plane by SIRT with 20 iterations: the preview of the form after each change."""

    params = (256, 512)
    param_names = ("width",)

    def setup(self, width: int) -> None:
        self.preview = SlicePreview(fibre_series(width, 1))
        self.preview.reconstruct(0, iterations=1)

    def time_slice(self, width: int) -> None:
        self.preview.reconstruct(0, iterations=20)


class Reconstruction:
    """Own time and memory, for the history of one machine."""

    params = (("sirt", "cgls", "tv", "dart", "wbp"), (1, 64, 128))
    param_names = ("method", "slices")

    def setup(self, method: str, slices: int) -> None:
        self.series = fibre_series(256, slices)
        self.options = {} if method == "wbp" else {"iterations": 1 if method == "dart" else 10}
        reconstruct(self.series, method=method, **self.options)

    def time_reconstruct(self, method: str, slices: int) -> None:
        reconstruct(self.series, method=method, **self.options)

    def peakmem_reconstruct(self, method: str, slices: int) -> None:
        reconstruct(self.series, method=method, **self.options)


class ProjectorPair:
    """One forward and one backward projection of 128 slices."""

    params = (256, 512)
    param_names = ("width",)

    def setup(self, width: int) -> None:
        self.series = fibre_series(width, SLICES)
        self.volume = np.ones((width, SLICES, width), np.float32)
        project(self.volume[:, :8], self.series.angles_deg)

    def time_project(self, width: int) -> None:
        project(self.volume, self.series.angles_deg)

    def time_backproject(self, width: int) -> None:
        backproject(self.series.images, self.series.angles_deg)


def _time(work: Callable[[], int]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _preview_seconds(width: int) -> float:
    preview = Preview()
    preview.setup(width)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        preview.time_slice(width)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _need(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise NotImplementedError(f"{module} is not installed")


def main() -> None:
    """Print every ratio; above 1 the package is faster."""
    for width in SirtAgainstAstra.params:
        value = SirtAgainstAstra().track_ratio(width)
        sys.stdout.write(
            f"SIRT, 71 tilts, {SIRT_ITERATIONS} iterations, N = {width}: {value:.1f} x ASTRA CPU linear\n"
        )
    for width in SirtAgainstSparse.params:
        value = SirtAgainstSparse().track_ratio(width)
        sys.stdout.write(
            f"SIRT, 71 tilts, 10 iterations, N = {width}: {value:.1f} x scipy CSR @ dense\n"
        )
    for width in TvStep.params:
        sys.stdout.write(
            f"TV, N = {width}: {TvStep().track_ratio(width):.2f} of a SIRT iteration\n"
        )
    for step in DiscreteSteps.params:
        case = DiscreteSteps()
        case.setup(step)
        sys.stdout.write(f"{step}: {case.track_ratio(step):.2f} of TV\n")
    for width in Preview.params:
        best = _preview_seconds(width)
        sys.stdout.write(f"One plane, SIRT with 20 iterations, N = {width}: {best:.2f} s\n")
    for peer in WbpAgainstPeers.params[0]:
        for width in WbpAgainstPeers.params[1]:
            value = WbpAgainstPeers().track_ratio(peer, width)
            sys.stdout.write(f"WBP, 71 tilts, N = {width}: {value:.1f} x {peer}\n")


if __name__ == "__main__":
    main()
