"""Polished phases: labels of a volume corrected voxel by voxel, by the tilt images.

Thresholds of a reconstruction carry its errors. Polishing starts from them and lowers ``E = 1/2 Σ
(G P x - b)² / power + β Σ unlike pairs``: the images as they would be measured (projector P, blur G
on the detector) against those that were, each pixel by the power of its noise, and the surface
between unlike voxels. As the first sum is a negative log-likelihood, β is in natural units: it does
not change with dose, contrast or voxel size of the images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.blocks import check_out
from napari_snpore.compute import Progress, ShouldStop, share_of, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.history import PolishStep
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.tomography.discrete.input_checks import (
    MAX_PHASES,
    check_blur,
    checked_images,
    checked_labels,
    checked_levels,
    slab_of_images,
)
from napari_snpore.tomography.discrete.label_images import LabelImages
from napari_snpore.tomography.discrete.sweeps import Sweeps, rows_at_a_time
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.projector import checked_angles, checked_count
from napari_snpore.tomography.row_slabs import RowSlab, most_rows, row_slabs
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.weights import image_weights, least_power_of_slabs
from napari_snpore.volume import Volume, check_same_spacing

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Labels = NDArray[np.uint8]

BOUNDARY_WEIGHT = 0.3
"""Default β. Chosen with ``benchmarks/calibrate_polish.py`` on shapes of another family (cuts of
random fields, balls; bright phase at 2, 3.5 and 12 times carbon): of 0.15, 0.3, 0.6 and 1.0 the
smallest that did not break bright clusters into pieces (their number rose by a third at 0.15, before
polishing was kept from it). More
of it makes fewer wrong voxels up to 0.6, but takes away thin walls and narrow pores, so that the
fractions drift: at 1.0 by half as much again. Labels of such shapes alone are most likely under 0.5
to 0.8 (pseudo-likelihood, Besag 1975, doi 10.2307/2987782; ``benchmarks/boundary_weight.py``). At a
lower dose the first sum of the energy becomes smaller by itself."""

SWEEPS = 6
"""Default of the most sweeps: later ones change next to nothing."""

_FIRST_BRIGHT = 3
"""First phase that grows only beside itself: a single bright voxel explains noise too easily."""


_CAUTION = (2.0, 1.5)
"""Factors of the curvature in the first sweeps, 1 in the others. Where many voxels are wrong
together, each sees the error of all, and the first ones visited would pay for the rest with too
large a change. A factor above 1 takes part of it only; the energy still falls. From cuts of random
fields with swollen pores this ended with 5.0 % of the voxels wrong for 5.9 % without (low dose), and
8.0 % for 12.8 % (ten times the dose). Much larger factors stay near the start and need more sweeps."""


_IMAGES_BYTES, _VOXEL_BYTES, _LEAST = 40.0, 9.0, 15e6
"""Peak in bytes per pixel of the images, per voxel, and the rest."""


@dataclass(frozen=True, eq=False)
class Polished:
    """Polished labels and how they came about.

    Attributes
    ----------
    labels : uint8 array, shape (z, y, x)
        0 where the given ones were 0.
    levels : tuple of float
        Grey value of each label, as fitted last; of the labels of ``held`` and of vacuum as given.
    held : tuple of int
        Labels whose level was held as given at last, because the fitted one was more than 10 % away
        from it.
    residual_before, residual : float
        Mean of (images − model)² / power with the given labels and levels, and with the polished
        ones.
    changed : int
        Voxels that differ from the given labels.
    changes : tuple of int
        Voxels that each sweep changed.
    """

    labels: Labels
    levels: tuple[float, ...]
    held: tuple[int, ...]
    residual_before: float
    residual: float
    changed: int
    changes: tuple[int, ...]


@stops_at_once
def polish_phases(
    phases: Volume,
    series: TiltSeries,
    *,
    levels: Sequence[float],
    blur_px: float,
    noise: NoiseModel | None = None,
    boundary_weight: float = BOUNDARY_WEIGHT,
    sweeps: int = SWEEPS,
    fit_levels: bool = False,
    bright_grows_only: bool = True,
    out: Any = None,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> tuple[Volume, tuple[float, ...]]:
    """Correct the phases of a volume voxel by voxel, by the tilt images that it was made from.

    For phases near the truth already: thresholds of a reconstruction with the blur in its model.
    Each sweep visits the voxels beside an unlike one in a fixed order and gives each the phase of
    least energy, given all others. The energy is half the squared residual of the images, each
    pixel over the power of its noise, plus ``boundary_weight`` per pair of unlike neighbours.

    Parameters
    ----------
    phases : Volume of integers, shape (z, y, x)
        0 exterior, which is held fixed, and 1..N, N at most 5; not changed.
    series : TiltSeries
        Aligned images of the same rows along y, vacuum at 0.
    levels : sequence of float
        Grey value of each phase 0..N, in units of the images per voxel; those of 1..N rise. A level
        of 0 is vacuum (exterior, pore) and stays 0.
    blur_px : float
        Standard deviation of the Gaussian blur of the images, in pixels.
    noise : NoiseModel, optional
        Of the images; default :func:`~napari_snpore.tomography.noise.noise_model` of the series.
    boundary_weight : float
        Energy of a pair of unlike voxels across a face; a half and a third of it across an edge and
        a corner. In units of a log-likelihood, see :data:`BOUNDARY_WEIGHT`. Images without noise
        are followed alone, as with 0.
    sweeps : int
        Most sweeps; fewer where one after the first two changes nothing.
    fit_levels : bool
        Fit the levels to the images by weighted least squares after each sweep. A level that drifts
        by more than 10 % from the given one is held there; the history says so. Where small pores
        are lost in carbon, its level falls with each sweep, and more voxels become carbon
        (``benchmarks/outline_and_levels.py``); hence not by default, and only for volumes of one slab.
    bright_grows_only : bool
        Give phases from 3 on only to voxels that share a face or an edge with one of them, and take
        them only from voxels whose neighbours of these phases hang together (26) without them.
    out : array of integers, shape (z, y, x), optional
        Where the phases are written, slab by slab of rows, and not that of ``phases``, whose rows beside a
        slab are read again; default a new array.
    threads : int, optional
        Default :func:`~napari_snpore.threads.thread_count`; the result is the same bit for bit.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    (Volume of uint8, tuple of float)
        Polished phases, with a :class:`~napari_snpore.history.PolishStep`, and the levels of 0..N.

    Raises
    ------
    InputError
        Phases and images that do not fit each other, levels that do not rise, a blur wider than
        8 px or than half of the smallest objects.
    DisagreementError
        A pixel that is not as large as a voxel.
    Stopped
        ``should_stop`` returned true.

    Notes
    -----
    Memory: 40 bytes per pixel of the images and 9 per voxel, of one slab. Volumes of more than
    :data:`~napari_snpore.tomography.row_slabs._SLAB_VOXELS` voxels are polished in slabs of rows, whose
    edges depend on the shape alone, each with rows beside it; a slab ends its sweeps where nothing changes
    in it.

    References
    ----------
    J. Besag, On the statistical analysis of dirty pictures, doi
    10.1111/j.2517-6161.1986.tb01412.x
    """
    pixel = series.pixel_size_nm
    check_same_spacing(phases.spacing, (pixel, pixel, pixel), second="pixel size of the series")
    slabs = row_slabs(phases.shape, blur_px, multiple=rows_at_a_time(blur_px))
    check_memory(
        f"Polishing {shape_text(phases.shape)} voxels by {len(series.angles_deg)} images",
        polish_bytes(phases.shape, series.shape, blur_px, on_disk=out is not None),
    )
    check_blur(blur_px, phases.data)
    if out is not None:
        check_out(out, phases.shape, "iu", MAX_PHASES)
    if fit_levels and len(slabs) > 1:
        raise InputError("fit_levels is for volumes that are polished in one slab; leave it out.")
    model = noise_model(series, should_stop=should_stop) if noise is None else noise
    if model.a == model.b == 0:
        boundary_weight = 0.0  # it is measured against noise, and there is none
    least = least_power_of_slabs(slabs, series.images, model, threads, should_stop)
    angles = checked_angles(series.angles_deg)

    def given_of(slab: RowSlab) -> tuple[Labels, Floats, Doubles, tuple[float, ...], Floats]:
        labels, images = slab_of_images(phases.data, series, slab)
        weights = image_weights(
            images, model, least_power=least, threads=threads, should_stop=should_stop
        )
        return labels, images, angles, checked_levels(levels, labels), weights

    shares = [(slab.last - slab.first) / phases.shape[1] for slab in slabs]
    misfit = None
    if len(slabs) > 1:  # what a boundary costs is the same in all of them
        each = [
            _label_images(*given_of(slab), blur_px, slab.inside, threads, should_stop)[1]
            for slab in slabs
        ]
        misfit = sum(share * one for share, one in zip(shares, each, strict=True))
    target, parts = out, list[Polished]()
    for number, slab in enumerate(slabs):
        part = _polish(
            *given_of(slab),
            misfit=misfit,
            blur_px=blur_px,
            boundary_weight=boundary_weight,
            sweeps=sweeps,
            fit_levels=fit_levels,
            bright_grows_only=bright_grows_only,
            inside=slab.inside,
            first_row=slab.low,
            threads=threads,
            progress=share_of(progress, number / len(slabs), (number + 1) / len(slabs)),
            should_stop=should_stop,
        )
        if target is None:
            target = part.labels if len(slabs) == 1 else np.empty(phases.shape, np.uint8)
        if target is not part.labels:
            target[:, slab.first : slab.last] = part.labels[:, slab.inside]
        parts.append(replace(part, labels=part.labels[:0]))
    if progress is not None:
        progress(1000, 1000)
    step = PolishStep(
        levels=parts[0].levels,
        held=parts[0].held,
        blur_px=float(blur_px),
        boundary_weight=float(boundary_weight),
        sweeps=max(len(part.changes) for part in parts),
        residual_before=sum(
            a * part.residual_before for a, part in zip(shares, parts, strict=True)
        ),
        residual_after=sum(a * part.residual for a, part in zip(shares, parts, strict=True)),
        changed_voxels=sum(part.changed for part in parts),
        noise_a=model.a,
        noise_b=model.b,
    )
    return phases.after(step, target), parts[0].levels


def polish_bytes(
    shape: tuple[int, int, int],
    images: tuple[int, int, int],
    blur_px: float = 0.0,
    *,
    on_disk: bool = False,
) -> float:
    """Return the memory that polishing takes for a volume (z, y, x) and images (tilt, y, x); ``on_disk``:
    beside phases that are written into an array on disk.
    """
    rows = most_rows(shape, blur_px, multiple=rows_at_a_time(blur_px))
    needed = (
        _IMAGES_BYTES * images[0] * rows * images[2] + _VOXEL_BYTES * shape[0] * rows * shape[2]
    )
    whole = 0.0 if on_disk or len(row_slabs(shape)) == 1 else float(math.prod(shape))
    return needed + whole + _LEAST


def polish_labels(
    labels: ArrayLike,
    images: ArrayLike,
    angles_deg: ArrayLike,
    *,
    levels: Sequence[float],
    blur_px: float,
    weights: ArrayLike,
    boundary_weight: float = BOUNDARY_WEIGHT,
    sweeps: int = SWEEPS,
    fit_levels: bool = False,
    bright_grows_only: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Polished:
    """Polish labels with plain arrays: the core of :func:`polish_phases`.

    Parameters
    ----------
    labels : uint8 array, shape (z, y, x)
        0 is held fixed (exterior), 1..N may change into each other; there need not be a 0.
    images : array, shape (tilt, y, x)
        Aligned images, vacuum at 0, as wide as the volume or not.
    angles_deg : array-like, shape (tilt,)
    levels : sequence of float
        Grey value of each label 0..N, in units of the images per voxel. Those of 1..N rise. A level
        of 0 is vacuum and never fitted.
    blur_px : float
        Standard deviation of the blur of the images, in pixels.
    weights : array, shape (tilt, y, x)
        One over the power of the noise of each pixel (in squared units of the images).
    boundary_weight, sweeps, fit_levels, bright_grows_only
        See :func:`polish_phases`.
    threads, progress, should_stop
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Polished

    Raises
    ------
    InputError
        Arrays that do not fit each other, levels that do not rise, labels without a level, a blur
        that is wider than 8 px or than half of the smallest object.
    """
    given = checked_labels(labels)
    measured = checked_images(images, given)
    angles = checked_angles(angles_deg)
    powers = np.ascontiguousarray(weights, np.float32)
    if powers.shape != measured.shape or len(angles) != len(measured):
        raise InputError(
            f"weights has shape {powers.shape} and angles_deg {len(angles)} angles for images of"
            f" shape {measured.shape}; the same shape and one angle per image are needed."
        )
    given_levels = checked_levels(levels, given)
    check_blur(blur_px, given)
    polished = _polish(
        given,
        measured,
        angles,
        given_levels,
        powers,
        blur_px=blur_px,
        boundary_weight=boundary_weight,
        sweeps=sweeps,
        fit_levels=fit_levels,
        bright_grows_only=bright_grows_only,
        inside=slice(None),
        first_row=0,
        misfit=None,
        threads=threads,
        progress=progress,
        should_stop=should_stop,
    )
    if progress is not None:
        progress(1000, 1000)
    return polished


def _label_images(
    labels: Labels,
    images: Floats,
    angles: Doubles,
    levels: tuple[float, ...],
    powers: Floats,
    blur_px: float,
    inside: slice,
    threads: int | None,
    should_stop: ShouldStop | None,
) -> tuple[LabelImages, float]:
    """Return the images of labels, and their residual in the rows ``inside``."""
    fitted = [label for label, level in enumerate(levels) if level != 0]
    model = LabelImages(images, powers, angles, blur_px, fitted, threads, should_stop, inside)
    model.project(labels)
    return model, model.residual(levels)


def _polish(
    given: Labels,
    measured: Floats,
    angles: Doubles,
    given_levels: tuple[float, ...],
    powers: Floats,
    *,
    blur_px: float,
    boundary_weight: float,
    sweeps: int,
    fit_levels: bool,
    bright_grows_only: bool,
    inside: slice,
    first_row: int,
    misfit: float | None,
    threads: int | None,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Polished:
    """Polish the rows of a slab; those ``inside`` count for its residual, and ``misfit`` is that of the
    whole volume before.
    """
    if not (math.isfinite(boundary_weight) and boundary_weight >= 0):
        raise InputError(f"boundary_weight is {boundary_weight}; 0 or more is needed.")
    rounds = checked_count("sweeps", sweeps)
    now = given_levels
    held: tuple[int, ...] = ()
    model, residual_before = _label_images(
        given, measured, angles, now, powers, blur_px, inside, threads, should_stop
    )
    residual = residual_before
    of_whole = 1.0 if misfit is None or not residual > 0 else misfit / residual
    field = Sweeps(
        given,
        powers,
        angles,
        blur_px=blur_px,
        boundary_weight=boundary_weight,
        exterior_as=int(given_levels[0] == given_levels[1]),
        grows_from=_FIRST_BRIGHT if bright_grows_only else MAX_PHASES + 2,
        first_row=first_row,
    )
    changes: list[int] = []
    for sweep in range(rounds):
        # what the model does not explain is no evidence for a single voxel: the images count as if
        # their noise were as large as the residual is
        field.weigh_boundary(boundary_weight * max(residual * of_whole, 1.0))
        field.set_forces(model.forces(now))
        done = field.run(
            now,
            caution=_CAUTION[sweep] if sweep < len(_CAUTION) else 1.0,
            threads=threads,
            progress=share_of(progress, sweep / rounds, (sweep + 1) / rounds),
            should_stop=should_stop,
        )
        changes.append(done.changed)
        if done.changed or sweep == 0:
            model.project(field.labels)
            if fit_levels:
                now, held = model.fit(given_levels)
            residual = model.residual(now)
        if not done.changed and sweep >= len(_CAUTION):
            break
    polished = field.labels
    return Polished(
        polished,
        now,
        held,
        residual_before,
        residual,
        int(np.count_nonzero(polished[:, inside] != given[:, inside])),
        tuple(changes),
    )
