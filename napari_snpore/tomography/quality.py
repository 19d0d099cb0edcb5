"""Quality of a reconstruction: resolution guide and elongation by the geometry, residuals, mass
over the tilts.

Crowther's resolution guide is given in terms of the tilt step (doi 10.1098/rspa.1970.0119), the
elongation by the missing wedge after doi 10.1002/jemt.1060090405. The page of definitions says what
each number means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, run_blocks
from napari_snpore.errors import DisagreementError, InputError
from napari_snpore.history import HistoryStep, ReconstructStep, last_step
from napari_snpore.tomography.detector_blur import blur_images, gaussian_taps
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class Quality:
    """Numbers that describe the quality of one reconstruction.

    Attributes
    ----------
    residual_per_tilt : tuple of float
        ``‖b - s A x‖ / ‖b‖`` of each image b against the projection A x of the volume; nan for an
        image of zeros.
    residual : float
        The same over all images.
    gray_factor : float
        s, the one factor that fits the projections to the images best: 1 where the volume keeps the
        scale of the images; weighted backprojection of a limited range lies below 1, by about range
        / 180°.
    crowther_nm : float
        Resolution guide D·Δθ for linear methods, across the beam; times ``wedge_elongation`` along
        it.
    wedge_elongation : float
        Factor by which the missing wedge draws small features out along the beam.
    thickness_nm : float
        D, the thickness of the object as :func:`estimate_thickness` found it in the aligned images.
    tilt_range_deg, tilt_step_deg : float
        Last tilt less first, and the median step.
    mass_variation : float
        Standard deviation over mean of the summed grey value of the images: 0 for an object that
        stays in view on a dark background.
    mass_per_tilt : tuple of float
        That sum for each image, in grey units.
    """

    residual_per_tilt: tuple[float, ...]
    residual: float
    gray_factor: float
    crowther_nm: float
    wedge_elongation: float
    thickness_nm: float
    tilt_range_deg: float
    tilt_step_deg: float
    mass_variation: float
    mass_per_tilt: tuple[float, ...]


def assess(
    series: TiltSeries,
    volume: Volume,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Quality:
    """Compare a reconstruction with the tilt series that it was made from.

    Its projections are blurred as in the model of the reconstruction, where that had a blur.

    Parameters
    ----------
    series : TiltSeries
        The aligned series.
    volume : Volume, shape (z, y, x)
        The whole reconstruction: as long as the images along y and as wide along x. D and D·Δθ are
        read from its history; estimated from the images where the history has none.
    threads, progress, should_stop
        As in :func:`~napari_snpore.tomography.projector.project`.

    Returns
    -------
    Quality

    Raises
    ------
    InputError
        A volume that does not cover the images.
    DisagreementError
        A voxel size more than 1 % off the pixel size.
    """
    tilts, slices, width = series.shape
    if volume.shape[1:] != (slices, width):
        raise InputError(
            f"volume has {volume.shape[1:]} voxels along (y, x), the images have {(slices, width)}; the whole reconstruction "
            "is needed, not a part of it."
        )
    if any(abs(size / series.pixel_size_nm - 1) > 0.01 for size in volume.spacing):
        raise DisagreementError(
            f"volume has voxels of {volume.spacing} nm, the images have pixels of {series.pixel_size_nm:g} nm; they must agree."
        )
    guide = resolution_guide_of(volume.history) or resolution_guide(series)
    made = last_step(volume.history, ReconstructStep)
    blur_px = 0.0 if made is None or made.blur_px is None else made.blur_px
    reach = len(gaussian_taps(blur_px)) // 2  # rows beside a block that its images need
    measured, projected, both, mass = np.zeros((4, tilts))
    rows = max(
        1, _BLOCK_BYTES // (4 * width * max(volume.shape[0], tilts))
    )  # a volume may be larger than memory
    for first in range(0, slices, rows):
        here = slice(first, min(first + rows, slices))
        low, high = max(here.start - reach, 0), min(here.stop + reach, slices)
        shadows = project(
            volume.data[:, low:high], series.angles_deg, threads=threads, should_stop=should_stop
        )
        blurred = blur_images(shadows, blur_px, threads=threads, should_stop=should_stop)
        shadows = blurred[:, here.start - low : here.stop - low]
        for tilt in range(tilts):
            check_stop(should_stop)
            image, shadow = (
                np.asarray(series.images[tilt][here], np.float64),
                shadows[tilt].astype(np.float64),
            )
            measured[tilt] += np.square(image).sum()
            projected[tilt] += np.square(shadow).sum()
            both[tilt] += (image * shadow).sum()
            mass[tilt] += image.sum()
        if progress is not None:
            progress(here.stop, slices)
    factor = both.sum() / projected.sum() if projected.sum() > 0 else 0.0
    left = np.maximum(measured - 2 * factor * both + factor**2 * projected, 0)
    tilt_range, step = float(np.ptp(series.angles_deg)), tilt_step(series.angles_deg)
    return Quality(
        residual_per_tilt=tuple(np.sqrt(_share(left, measured)).tolist()),
        residual=float(np.sqrt(_share(left.sum(), measured.sum()))),
        gray_factor=float(factor),
        crowther_nm=guide.crowther_nm,
        wedge_elongation=wedge_elongation(min(tilt_range / 2, 90.0)),
        thickness_nm=guide.thickness_nm,
        tilt_range_deg=tilt_range,
        tilt_step_deg=step,
        mass_variation=float(_share(mass.std(), abs(mass.mean()))),
        mass_per_tilt=tuple(mass.tolist()),
    )


def _share(part: Any, whole: Any) -> Any:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)


def wedge_elongation(max_tilt_deg: float) -> float:
    """Return the elongation along the beam for tilts up to ``±max_tilt_deg``.

    ``sqrt((α + sin α cos α) / (α - sin α cos α))`` with α in radians (doi 10.1002/jemt.1060090405).

    Raises
    ------
    InputError
        An angle that is not above 0 and at most 90 degrees.

    Examples
    --------
    >>> round(wedge_elongation(69), 2)
    1.33
    """
    if not 0 < max_tilt_deg <= 90:
        raise InputError(
            f"max_tilt_deg is {max_tilt_deg}; an angle above 0 and at most 90 degrees is needed."
        )
    alpha = math.radians(max_tilt_deg)
    mixed = math.sin(alpha) * math.cos(alpha)
    return math.sqrt((alpha + mixed) / (alpha - mixed))


def tilt_step(angles_deg: ArrayLike) -> float:
    """Return the median step between neighbouring tilts in degrees; NaN for a single one."""
    steps = np.diff(np.unique(np.asarray(angles_deg, np.float64)))
    return float(np.median(steps)) if steps.size else math.nan


def crowther_nm(thickness_nm: float, step_deg: float) -> float:
    """Return the resolution guide ``D·Δθ`` in nm for an object of diameter ``thickness_nm`` tilted
    in steps of ``step_deg``.

    Raises
    ------
    InputError
        A thickness or a step that is not positive.

    Examples
    --------
    >>> round(crowther_nm(80, 2), 1)
    2.8
    """
    for name, value in (("thickness_nm", thickness_nm), ("step_deg", step_deg)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value}; a positive number is needed.")
    return thickness_nm * math.radians(step_deg)


@dataclass(frozen=True)
class ResolutionGuide:
    """Thickness D of the object (``thickness_nm``) and resolution guide D·Δθ (``crowther_nm``)."""

    thickness_nm: float
    crowther_nm: float


def resolution_guide(series: TiltSeries) -> ResolutionGuide:
    """Compute the resolution guide D·Δθ of an aligned series, D by :func:`estimate_thickness`.

    The reconstruction stores it in its history, and every display reads it from there: see
    :func:`resolution_guide_of`.

    Parameters
    ----------
    series : TiltSeries
        The aligned series.
    """
    thickness = estimate_thickness(series)
    return ResolutionGuide(thickness, crowther_nm(thickness, tilt_step(series.angles_deg)))


def resolution_guide_of(history: Sequence[HistoryStep]) -> ResolutionGuide | None:
    """Return the resolution guide of the last reconstruction in a history, None without one.

    Examples
    --------
    >>> resolution_guide_of([ReconstructStep("sirt", thickness_nm=80.0, crowther_nm=2.8).step])
    ResolutionGuide(thickness_nm=80.0, crowther_nm=2.8)
    """
    made = last_step(history, ReconstructStep)
    if made is None or made.thickness_nm is None or made.crowther_nm is None:
        return None
    return ResolutionGuide(made.thickness_nm, made.crowther_nm)


def estimate_thickness(series: TiltSeries) -> float:
    """Estimate the diameter of the object across the tilt axis in nm.

    For each image: the profile across the axis (mean along it, less its 2nd percentile as
    background), and the width over which it exceeds a tenth of its maximum; the median over the
    tilts. A disc of diameter D reads 0.995 D; an object that fills the images reads their width at
    most.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.zeros((3, 1, 100)); images[..., 30:70] = 5
    >>> round(estimate_thickness(TiltSeries(images, [-2, 0, 2], 0.5)), 3)
    20.0
    """
    widths = run_blocks(
        lambda tilt: _width(np.asarray(series.images[tilt], np.float64).mean(axis=0)),
        range(len(series.angles_deg)),
    )
    return float(np.median(widths)) * series.pixel_size_nm


def _width(profile: NDArray[np.float64]) -> int:
    above = profile - np.percentile(profile, 2)
    inside = np.flatnonzero(above > 0.1 * above.max())
    return int(inside[-1] - inside[0] + 1) if len(inside) else len(profile)
