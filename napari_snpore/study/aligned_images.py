"""Aligned images behind a reconstructed volume, made again from the raw series by the volume's
history.

Polishing and the rule ``projection`` compare a volume with its images. A volume that was opened
from a file, or came back with a saved window, has none; its history says how they were made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import (
    AlignStep,
    BinStep,
    CropStep,
    HistoryStep,
    InvertContrastStep,
    LeaveOutTiltsStep,
    NormalizeMassStep,
    ReconstructStep,
    RepairPixelsStep,
    StepSchema,
    SubtractBackgroundStep,
    last_step,
    required_step,
)
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.bad_pixels import repair_pixels
from napari_snpore.tomography.contrast import invert_contrast
from napari_snpore.tomography.preparation import (
    bin_series,
    crop_series,
    normalize_mass,
    subtract_background,
)
from napari_snpore.tomography.tilt_inspection import leave_out_tilts
from napari_snpore.tomography.tilt_series import TiltSeries


def steps_to_images(
    of_volume: Sequence[HistoryStep], of_series: Sequence[HistoryStep]
) -> tuple[HistoryStep, ...] | None:
    """Return the steps from a series to the images that a volume was reconstructed from.

    Parameters
    ----------
    of_volume, of_series : sequence of HistoryStep
        The histories of both.

    Returns
    -------
    tuple of HistoryStep or None
        Empty for the aligned images themselves; None where the volume was not made from this
        series.

    Examples
    --------
    >>> raw = (HistoryStep("read", {"file": "needle.mrc"}),)
    >>> binned = (*raw, BinStep(2).step)
    >>> volume = (*binned, ReconstructStep("sirt").step)
    >>> [step.name for step in steps_to_images(volume, raw)]
    ['bin']
    >>> steps_to_images(volume, binned)
    ()
    """
    made = [place for place, step in enumerate(of_volume) if step.name == ReconstructStep.NAME]
    if not made or len(of_series) > made[-1]:
        return None
    for one, other in zip(of_volume, of_series, strict=False):
        if (one.name, _plain(one.parameters)) != (other.name, _plain(other.parameters)):
            return None
    return tuple(of_volume[len(of_series) : made[-1]])


def aligned_images(
    series: TiltSeries,
    history: Sequence[HistoryStep],
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Return the images that a volume was reconstructed from: the steps in its history, done again
    on the series it began with.

    Parameters
    ----------
    series : TiltSeries
        Raw, or at any later step before the reconstruction.
    history : sequence of HistoryStep
        Of the volume.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Raises
    ------
    InputError
        A volume that was not made from this series, by the number of tilts or by its history, or by
        a step that is unknown here.
    Stopped
        ``should_stop`` returned true.
    """
    steps = steps_to_images(history, series.history)
    if steps is None:
        raise InputError("The volume was not reconstructed from this tilt series.")
    for number, step in enumerate(steps):
        if step.name not in _AGAIN:
            raise InputError(
                f"The history holds the step '{step.name}' before the reconstruction, which cannot be done again."
            )
        schema, do = _AGAIN[step.name]
        watch = {
            "progress": share_of(progress, number / len(steps), (number + 1) / len(steps)),
            "should_stop": should_stop,
        }
        series = do(series, required_step([step], schema), watch)
    made = last_step(history, ReconstructStep)
    tilts = None if made is None else made.tilts
    if tilts is not None and tilts != len(series.angles_deg):
        raise InputError(
            f"The volume was reconstructed from {tilts} tilts; this series has {len(series.angles_deg)}."
        )
    return series


def _align(series: TiltSeries, made: Any, watch: dict[str, Any]) -> TiltSeries:
    alignment = Alignment(
        np.asarray(made.shifts_px, np.float64),
        made.axis_angle_deg,
        made.axis_offset_px,
        np.full(len(made.shifts_px), np.nan if made.residual_px is None else made.residual_px),
        handedness=made.handedness or "unknown",
        method=made.method,
    )
    return alignment.apply(series, **watch)


_Again = Callable[[TiltSeries, Any, dict[str, Any]], TiltSeries]

_AGAIN: dict[str, tuple[type[StepSchema], _Again]] = {
    LeaveOutTiltsStep.NAME: (
        LeaveOutTiltsStep,
        lambda series, made, watch: leave_out_tilts(series, made.tilts),
    ),
    RepairPixelsStep.NAME: (
        RepairPixelsStep,
        lambda series, made, watch: repair_pixels(series, threshold=made.threshold, **watch),
    ),
    CropStep.NAME: (
        CropStep,
        lambda series, made, watch: crop_series(series, tuple(made.y), tuple(made.x)),
    ),
    BinStep.NAME: (BinStep, lambda series, made, watch: bin_series(series, made.factor, **watch)),
    InvertContrastStep.NAME: (
        InvertContrastStep,
        lambda series, made, watch: invert_contrast(series, **watch),
    ),
    SubtractBackgroundStep.NAME: (
        SubtractBackgroundStep,
        lambda series, made, watch: subtract_background(series, made.level, **watch),
    ),
    NormalizeMassStep.NAME: (
        NormalizeMassStep,
        lambda series, made, watch: normalize_mass(series, **watch),
    ),
    AlignStep.NAME: (AlignStep, _align),
}


def _plain(value: Any) -> Any:
    """Return parameters with tuples as lists, as they are after a save."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value
