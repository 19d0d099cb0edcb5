"""Thresholds of a volume: given, or suggested by its tilt images or by its histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_snpore.history import HistoryStep, ReconstructStep, last_step
from napari_snpore.segmentation.calibration import GrayCalibration, calibrate_gray
from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.projection_residual import FEW_TILTS, projection_residual
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.thresholds import Suggestion, suggest_thresholds
from napari_snpore.study.recipe import ThresholdRule, ThresholdSection
from napari_snpore.study.run_context import RunContext
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

_BY_HISTOGRAM = "The thresholds are by the histogram alone: Sn first, then carbon (HAADF)."


@dataclass(frozen=True, eq=False)
class ChosenThresholds:
    """Thresholds and where they come from.

    Attributes
    ----------
    thresholds : tuple of float
        Rising, grey units.
    method : str
        The rule that was used, or ``"given"``.
    suggestion : Suggestion or None
        None where they were given.
    calibration : GrayCalibration or None
    residual_map : ResidualMap or None
        Where the images were asked.
    note : str or None
        What was used in place of the rule that was asked for, and why.
    """

    thresholds: tuple[float, ...]
    method: str
    suggestion: Suggestion | None = None
    calibration: GrayCalibration | None = None
    residual_map: ResidualMap | None = None
    note: str | None = None


def choose_thresholds(
    volume: Volume,
    histogram: Histogram,
    section: ThresholdSection,
    series: TiltSeries | None,
    *,
    context: RunContext,
) -> ChosenThresholds:
    """Return the thresholds that a section of a recipe means for a volume.

    Parameters
    ----------
    volume : Volume
        Grey values; the blur of the images is that of the reconstruction in its history.
    histogram : Histogram
        Of the whole volume.
    section : ThresholdSection
        Values, or the rule.
    series : TiltSeries or None
        The aligned images behind the volume.
    context : RunContext
        Progress, cancel and timing of the step ``projection residual``.
    """
    if section.values is not None:
        given = tuple(map(float, section.values))
        calibration = calibrate_gray(histogram) if section.calibrated else None
        if calibration is not None:
            given = calibration.to_gray(given)
        return ChosenThresholds(given, "given", calibration=calibration)
    rule, note = rule_in_use(section.method, volume.history, series)
    if rule == "projection" and series is not None:
        with context.step("projection residual") as watch:
            found = projection_residual(
                series, volume, blur_px=blur_of(volume.history), phases=section.phases, **watch
            )
        suggestion = found.suggestion
        return ChosenThresholds(
            suggestion.thresholds, suggestion.method, suggestion, None, found, note
        )
    suggestion = suggest_thresholds(histogram, phases=section.phases, method=rule)  # type: ignore[arg-type]
    return ChosenThresholds(suggestion.thresholds, suggestion.method, suggestion, note=note)


def rule_in_use(
    rule: ThresholdRule, history: Sequence[HistoryStep], series: TiltSeries | None
) -> tuple[ThresholdRule, str | None]:
    """Return the rule that suggests the thresholds of a volume, never ``"auto"``, and a sentence
    where there are no images, or too few, to ask.

    Examples
    --------
    >>> rule_in_use("projection", (), None)[0], rule_in_use("li", (), None)
    ('haadf', ('li', None))
    """
    if rule not in ("auto", "projection"):
        return rule, None
    if series is None:
        return "haadf", f"There are no tilt images behind this volume. {_BY_HISTOGRAM}"
    if rule == "projection":
        return rule, None
    made = last_step(history, ReconstructStep)
    if made is None or made.method != "tv":
        return "haadf", None
    tilts = len(series.angles_deg)
    if tilts < FEW_TILTS:
        return "haadf", (
            f"There are {tilts} tilts; fewer than {FEW_TILTS} leave boundaries free between them."
            f" {_BY_HISTOGRAM}"
        )
    if made.blur_from is not None and made.blur_from not in ("user", "images"):
        return "haadf", f"The blur of the images is not known. {_BY_HISTOGRAM}"
    return "projection", None


def blur_of(history: Sequence[HistoryStep]) -> float:
    """Return the blur (px) in the model of a reconstruction; 0 where there was none."""
    made = last_step(history, ReconstructStep)
    return 0.0 if made is None or made.blur_px is None else made.blur_px
