"""Polishing of segmented phases by the tilt images: the one implementation for window, ``snpore
run``, commands and Python.

What polishing needs beside the phases, the blur and the levels, is taken from their history and
from the images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import HistoryStep, PolishStep, ReconstructStep, last_step
from napari_snpore.numerals import number
from napari_snpore.study.recipe import PolishSection
from napari_snpore.tomography.detector_blur import check_blur_px
from napari_snpore.tomography.discrete.blur_search import FEWEST_TILTS
from napari_snpore.tomography.discrete.input_checks import MAX_PHASES, check_blur
from napari_snpore.tomography.discrete.phase_levels import levels_of_phases, levels_rise
from napari_snpore.tomography.discrete.polish import polish_phases
from napari_snpore.tomography.image_faults import image_faults
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume, check_same_spacing

_NOISE_SHARE = 0.05
_LEVELS_SHARE = 0.15
"""Shares of the work for the noise, and for noise and levels."""


def polish_segmented(
    phases: Volume,
    series: TiltSeries | None,
    *,
    blur_px: float | None = None,
    section: PolishSection | None = None,
    out: Any = None,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Volume:
    """Correct phases voxel by voxel by the aligned images that their volume was made from.

    Parameters
    ----------
    phases : Volume of integers, shape (z, y, x)
        0 exterior, held fixed where there is an envelope; 1 the darkest phase (vacuum), 2..N.
    series : TiltSeries or None
        The aligned images behind the volume, vacuum at 0; their (y, x) is that of the phases.
    blur_px : float, optional
        Standard deviation of the blur of the images, px; default: of the reconstruction, as the
        history of the phases has it.
    section : PolishSection, optional
        ``boundary_weight`` and ``sweeps``; ``enabled`` is not asked for.
    out : array of uint8, optional
        Where polished phases are written; phases that stay as they are stay where they are.
    threads : int, optional
        The result is the same bit for bit.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Volume of uint8
        With a :class:`~napari_snpore.history.PolishStep` as its last step. Where the images give no
        levels that rise from phase to phase, or the blur is wider than half of the smallest
        objects, the phases are as they were, and the ``note`` of that step says why.

    Raises
    ------
    InputError
        No images, no known blur or one out of range, images of another shape, more than 5 phases.
    DisagreementError
        A pixel that is not as large as a voxel.
    Stopped
        ``should_stop`` returned true.
    """
    how = section or PolishSection()
    if series is None:
        raise InputError("There are no tilt images behind this volume; polishing needs them.")
    _check_same_field(phases, series)
    if blur_px is not None:
        check_blur_px(blur_px)
    blur = known_blur(phases.history) if blur_px is None else float(blur_px)
    problem = _blur_problem(phases, blur)
    if problem is not None:
        return _left_alone(phases, blur, problem)
    faults = image_faults(series, should_stop=should_stop)
    if faults.weighty:
        return _left_alone(phases, blur, str(faults.sentence))
    noise = noise_model(
        series, progress=share_of(progress, 0.0, _NOISE_SHARE), should_stop=should_stop
    )
    levels = levels_of_phases(
        phases, series, blur_px=blur, noise=noise, threads=threads, should_stop=should_stop
    )
    if not levels_rise(levels):
        return _left_alone(phases, blur, _levels_problem(levels))
    polished, _ = polish_phases(
        phases,
        series,
        levels=levels,
        blur_px=blur,
        noise=noise,
        boundary_weight=how.boundary_weight,
        sweeps=how.sweeps,
        out=out,
        threads=threads,
        progress=share_of(progress, _LEVELS_SHARE, 1.0),
        should_stop=should_stop,
    )
    return polished


def known_blur(history: Sequence[HistoryStep]) -> float:
    """Return the blur (px) that was in the model of a reconstruction.

    Raises
    ------
    InputError
        A reconstruction without a blur in its model, or a history without a reconstruction.
    """
    reason = why_blur_unknown(history)
    made = last_step(history, ReconstructStep)
    if reason is not None or made is None or made.blur_px is None:
        raise InputError(f"{reason} Give blur_px, or reconstruct with TV and a blur.")
    return made.blur_px


def why_blur_unknown(history: Sequence[HistoryStep]) -> str | None:
    """Return a sentence that says why the blur of the images behind a volume is not known; None
    where it is.
    """
    made = last_step(history, ReconstructStep)
    if made is None:
        return "The volume was not reconstructed here, so that the blur of its images is not known."
    if made.blur_px is None:
        return f"The reconstruction ({made.method.upper()}) has no blur of the images in its model."
    if made.blur_from not in ("user", "images"):
        return "The blur of the images could not be found."
    return None


def why_not_polished(
    history: Sequence[HistoryStep],
    series: TiltSeries | None,
    section: PolishSection | None = None,
    *,
    phases: int = 3,
) -> str | None:
    """Return a sentence that says why the phases of a volume are not polished; None where they are.

    Parameters
    ----------
    history : sequence of HistoryStep
        Of the volume or of its phases.
    series : TiltSeries or None
        The aligned images behind it.
    section : PolishSection, optional
        ``enabled = "auto"`` also asks for a volume made by TV, for enough tilts and for no more
        phases than are possible; ``True`` for what is necessary only.
    phases : int
        How many there are, the exterior not counted.
    """
    enabled = "auto" if section is None else section.enabled
    if enabled is False:
        return "It was switched off."
    if series is None:
        return "There are no tilt images behind this volume."
    reason = why_blur_unknown(history)
    if reason is not None or enabled is True:
        return reason
    if phases > MAX_PHASES:
        return f"There are {phases} phases; at most {MAX_PHASES} can be polished."
    tilts = len(series.angles_deg)
    if tilts < FEWEST_TILTS:
        return f"There are {tilts} tilts; with fewer than {FEWEST_TILTS} too many phases fit them."
    return None


def _check_same_field(phases: Volume, series: TiltSeries) -> None:
    images, shape = series.shape[1:], phases.shape
    if shape[1:] != images:
        raise InputError(
            f"The phases have shape {shape}, and the images {images} pixels (y, x): polish the phases of"
            " the whole volume with the aligned images that it was made from."
        )
    check_same_spacing(
        phases.spacing, (series.pixel_size_nm,) * 3, second="pixel size of the series"
    )


def _left_alone(phases: Volume, blur_px: float, problem: str) -> Volume:
    note = f"{problem} The phases are as the thresholds made them."
    return phases.after(PolishStep.left_alone(blur_px, note), phases.data)


def _blur_problem(phases: Volume, blur_px: float) -> str | None:
    try:
        check_blur(blur_px, phases.data)
    except InputError as error:
        return str(error)
    return None


def _levels_problem(levels: tuple[float, ...]) -> str:
    """Say what is wrong with levels that do not rise."""
    empty = [label for label, level in enumerate(levels) if level != level]
    if len(levels) < 3:
        return "No phase is brighter than vacuum."
    if empty:
        return f"Phase {empty[0]} has no voxel in the images."
    shown = ", ".join(number(level) for level in levels[1:])
    return f"The grey levels that fit the images do not rise from phase to phase ({shown})."
