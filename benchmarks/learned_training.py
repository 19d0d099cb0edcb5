"""Training of the network on the tilt images of one series, without a known volume.

The tilts are dealt out in two halves. The network sees the TV reconstruction of one half, and its
output is projected, blurred and compared with the images of the *other* half, whose noise is
independent of the input (after Noise2Inverse, doi 10.1109/TCI.2020.3019647): it cannot learn the
noise. The residual passes the ramp filter, so that all frequencies count alike, and goes back
through the transposed blur and projection, the package's own pair, into the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from benchmarks.learned_network import (
    first_parameters,
    forward,
    jax_modules,
    stacked_planes,
)
from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.projector import backproject, project
from napari_snpore.tomography.wbp import ramp_filter

Floats = NDArray[np.float32]

_BLOCK = 12
"""Neighbouring rows of one step: the blur along y joins them."""

_RIM = 2
"""Rows at a cut end of a block that are not compared: 95 % of a blur of one pixel reach no farther."""

_VALIDATIONS = 10
"""How often the images for validation are predicted on the way."""

_VALIDATION_ROWS = 32

_INFERENCE_ROWS = 8


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How the network is trained.

    Parameters
    ----------
    features : int
        Channels of the first level; 16 make 0.12 million weights.
    epochs : float
        How often each row is seen.
    rate : float
        First learning rate of Adam; it falls to 0 by a cosine.
    seed : int
        Of the first weights, the order of the rows, and the mirror images.
    """

    features: int = 16
    epochs: float = 20.0
    rate: float = 2e-3
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Views:
    """Some tilt images, the weights of their pixels (1 on average), and the blur of all of them."""

    images: Floats
    weights: Floats
    angles_deg: NDArray[np.float64]
    blur_px: float

    def of(self, tilts: Sequence[int]) -> Views:
        """Return some of them."""
        chosen = list(tilts)
        return Views(
            self.images[chosen], self.weights[chosen], self.angles_deg[chosen], self.blur_px
        )

    def rest(self, volume: Floats, rows: slice, threads: int | None = None) -> Floats:
        """Return projections of some rows of a volume (z, rows, x) less their images."""
        images = project(volume, self.angles_deg, detector_px=self.images.shape[2], threads=threads)
        return blur_images(images, self.blur_px, threads=threads) - self.images[:, rows]


@dataclass(frozen=True, eq=False)
class RestoringNetwork:
    """A trained network.

    Attributes
    ----------
    parameters : list of (kernel, bias)
        See :mod:`~benchmarks.learned_network`.
    scale : float
        Grey value that the network sees as 1.
    curve : tuple of (int, float)
        Steps and the mean square of the images for validation on the way; the parameters are those of
        the least.
    """

    parameters: Any
    scale: float
    curve: tuple[tuple[int, float], ...]

    def apply(self, volume: Floats, *, should_stop: ShouldStop | None = None) -> Floats:
        """Return the restored volume, float32 (z, y, x)."""
        jax, _, _ = jax_modules()
        return _applied(jax.jit(forward), self.parameters, volume, self.scale, should_stop)


def gray_scale(volume: Floats) -> float:
    """Return the grey value that the network sees as 1: a quarter of the brightest."""
    return max(float(np.percentile(volume, 99.9)) / 4, 1e-6)


def train(
    inputs: tuple[Floats, Floats],
    halves: tuple[Views, Views],
    whole: Floats,
    validation: Views,
    settings: TrainingSettings,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> RestoringNetwork:
    """Train a network to predict each half of the tilts from the other.

    Parameters
    ----------
    inputs : two float32 arrays, shape (z, y, x)
        Reconstructions of the halves.
    halves : two Views
        The images of the halves, in the same order.
    whole : float32, shape (z, y, x)
        Reconstruction of both halves, as the network is applied in the end.
    validation : Views
        Images of neither half; those weights are kept that predict them best.
    settings : TrainingSettings
    threads, progress, should_stop
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    RestoringNetwork
    """
    jax, jnp, optax = jax_modules()
    rng = np.random.default_rng(settings.seed)
    slices = whole.shape[1]
    block = min(_BLOCK, slices)
    steps = max(int(settings.epochs * slices / (block - 2 * _RIM)), 1)
    scale = gray_scale(whole)
    optimizer = optax.adam(optax.cosine_decay_schedule(settings.rate, steps))
    parameters = jax.tree.map(jnp.asarray, first_parameters(settings.features, settings.seed))
    state = optimizer.init(parameters)
    output = jax.jit(forward)

    def step(parameters: Any, state: Any, planes: Any, slope: Any) -> tuple[Any, Any]:
        # the chain rule: the slope of the loss by the output comes from the projector pair
        gradient = jax.grad(lambda weights: (forward(weights, planes) * slope).mean())(parameters)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(parameters, updates), state

    compiled = jax.jit(step)
    best, least = parameters, np.inf
    curve: list[tuple[int, float]] = []
    curve.append((0, _prediction(output, parameters, whole, validation, scale, threads)))
    looks = {round(steps * (k + 1) / _VALIDATIONS) for k in range(_VALIDATIONS)}
    for number in range(1, steps + 1):
        check_stop(should_stop)
        one = int(rng.integers(2))
        first = int(rng.integers(slices - block + 1))
        rows = slice(first, first + block)
        turned = tuple(slice(None, None, int(way)) for way in rng.choice((-1, 1), 2))
        planes = stacked_planes(inputs[one], np.arange(first, first + block)) / np.float32(scale)
        planes = np.ascontiguousarray(planes[:, turned[0], turned[1]])
        restored = np.asarray(output(parameters, planes), np.float32)[:, turned[0], turned[1]]
        slope = _slope(
            restored * np.float32(scale), halves[1 - one], rows, whole.shape[:2], threads
        )
        padded = np.zeros_like(restored)
        padded[:, : slope.shape[1], : slope.shape[2]] = slope / scale
        padded = np.ascontiguousarray(padded[:, turned[0], turned[1]])
        parameters, state = compiled(parameters, state, planes, padded)
        if number in looks:
            square = _prediction(output, parameters, whole, validation, scale, threads)
            curve.append((number, square))
            if square < least:
                best, least = parameters, square
        if progress is not None:
            progress(number, steps)
    return RestoringNetwork(jax.tree.map(np.asarray, best), scale, tuple(curve))


def _slope(
    planes: Floats, views: Views, rows: slice, shape: tuple[int, int], threads: int | None
) -> Floats:
    """Return the slope of ½ ⟨√w r, ramp √w r⟩ by the grey values, (row, z, x); r = G A x − b with pixels
    of weight w. ``shape``: voxels (z, y) of the volume.
    """
    depth, slices = shape
    width = views.images.shape[2]
    volume = np.ascontiguousarray(planes[:, :depth, :width].transpose(1, 0, 2))
    rest = views.rest(volume, rows, threads)
    # at a cut end the blur misses the rows beyond
    low = _RIM if rows.start > 0 else 0
    high = _RIM if rows.stop < slices else 0
    rest[:, :low] = 0
    rest[:, rest.shape[1] - high :] = 0
    roots = np.sqrt(views.weights[:, rows])
    rest *= roots
    size = scipy.fft.next_fast_len(2 * width, real=True)
    spectra = scipy.fft.rfft(rest, size, axis=2) * ramp_filter(size, "ram-lak").astype(np.float32)
    filtered = scipy.fft.irfft(spectra, size, axis=2)[..., :width].astype(np.float32)
    filtered = blur_images(filtered * roots, views.blur_px, threads=threads)
    back = backproject(filtered, views.angles_deg, thickness_px=depth, threads=threads)
    # as in filtered backprojection: a step of one against a residual of one
    return back.transpose(1, 0, 2) * np.float32(np.pi / len(views.angles_deg))


def _prediction(
    output: Any, parameters: Any, volume: Floats, views: Views, scale: float, threads: int | None
) -> float:
    """Return the mean square that the restored middle rows leave of the images for validation."""
    first = max((volume.shape[1] - _VALIDATION_ROWS) // 2, 0)
    rows = slice(first, min(first + _VALIDATION_ROWS, volume.shape[1]))
    restored = _applied(output, parameters, volume, scale, None, rows)
    squares = views.rest(restored, rows, threads) ** 2 * views.weights[:, rows]
    return float(squares[:, _RIM : squares.shape[1] - _RIM].mean(dtype=np.float64))


def _applied(
    output: Any,
    parameters: Any,
    volume: Floats,
    scale: float,
    should_stop: ShouldStop | None,
    rows: slice | None = None,
) -> Floats:
    depth, slices, width = volume.shape
    first, last = (0, slices) if rows is None else (rows.start, rows.stop)
    restored = np.empty((depth, last - first, width), np.float32)
    for start in range(first, last, _INFERENCE_ROWS):
        check_stop(should_stop)
        # always as many rows: another number is another program to compile
        places = np.minimum(np.arange(start, start + _INFERENCE_ROWS), last - 1)
        planes = np.asarray(output(parameters, stacked_planes(volume, places) / np.float32(scale)))
        taken = min(_INFERENCE_ROWS, last - start)
        part = planes[:taken, :depth, :width].transpose(1, 0, 2) * np.float32(scale)
        restored[:, start - first : start - first + taken] = part
    return restored
