"""Phases of one volume by the threshold rule of another; for a worker."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.numerals import number
from napari_snpore.segmentation.calibration import calibrate_gray
from napari_snpore.segmentation.cleanup import CleanupOptions
from napari_snpore.segmentation.envelope import EnvelopeOptions
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import ThresholdSection
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.thresholding import ChosenThresholds, choose_thresholds
from napari_snpore.viewer.forms.tilt_images import TiltImages
from napari_snpore.viewer.threshold.steps import Labelled, label
from napari_snpore.volume import Volume

_THRESHOLDS = 0.4  # share of the work of one volume that finds its thresholds


@dataclass(frozen=True, eq=False)
class RuleInUse:
    """What is kept from state to state.

    Parameters
    ----------
    section : ThresholdSection
        The rule, or thresholds in units of vacuum 0 and carbon 1.
    scheme : PhaseScheme
    envelope : EnvelopeOptions or None
        None: the whole box is labelled.
    cleanup : CleanupOptions
    """

    section: ThresholdSection
    scheme: PhaseScheme
    envelope: EnvelopeOptions | None
    cleanup: CleanupOptions


@dataclass(frozen=True, eq=False)
class PhasesByRule:
    """Phases of one volume, with what they were made from.

    Attributes
    ----------
    histogram : Histogram
    chosen : ChosenThresholds
    labelled : Labelled
    calibrated : tuple of float
        The thresholds in units of vacuum 0 and carbon 1; empty where these are not found.
    """

    histogram: Histogram
    chosen: ChosenThresholds
    labelled: Labelled
    calibrated: tuple[float, ...] = ()

    @property
    def words(self) -> str:
        """Thresholds and rule, for people."""
        values = ", ".join(f"t{k} {number(t)}" for k, t in enumerate(self.chosen.thresholds, 1))
        rule = rule_name(self.chosen.method, len(self.chosen.thresholds) + 1)
        if self.chosen.method == "given":
            rule = "carried over by vacuum and carbon"
        in_carbon = ", ".join(number(value) for value in self.calibrated)
        units = f"; with vacuum = 0, carbon = 1: {in_carbon}" if in_carbon else ""
        return f"{values} ({rule}){units}"


def rule_of(
    method: str,
    thresholds: tuple[float, ...],
    histogram: Histogram,
    scheme: PhaseScheme,
    envelope: EnvelopeOptions | None,
    cleanup: CleanupOptions,
) -> RuleInUse:
    """Return the rule that made thresholds; those that were set by hand are put into units of vacuum
    0 and carbon 1.

    Raises
    ------
    InputError
        Thresholds were set by hand, and the histogram shows no vacuum and carbon to scale them by.
    """
    names, colors = list(scheme.names), list(scheme.colors)
    section = ThresholdSection(phases=len(names), names=names, colors=colors)
    if method != "given":
        section = section.model_copy(update={"method": method})
    else:
        try:
            values = calibrate_gray(histogram).to_calibrated(thresholds)
        except InputError as error:
            raise InputError(
                f"Thresholds set by hand cannot be carried over: {error} Choose a rule and press Suggest."
            ) from error
        section = section.model_copy(update={"values": list(values), "calibrated": True})
    return RuleInUse(section, scheme, envelope, cleanup)


def phases_by_rule(
    volume: Volume,
    images: TiltImages | None,
    rule: RuleInUse,
    progress: Progress,
    should_stop: ShouldStop,
) -> PhasesByRule:
    """Return the phases of a volume by a rule.

    Raises
    ------
    InputError
        The rule finds no thresholds in this volume.
    """
    histogram = gray_histogram(volume.data, should_stop=should_stop)
    series = None
    if images is not None and rule.section.method == "projection" and not rule.section.values:
        series = images.load(_part(progress, 0.0, 0.1), should_stop)
    finding = _part(progress, 0.1, _THRESHOLDS)
    context = RunContext(Record("threshold"), lambda step: nullcontext(finding), should_stop)
    chosen = choose_thresholds(volume, histogram, rule.section, series, context=context)
    made = label(
        volume,
        chosen.thresholds,
        rule.scheme,
        chosen.method,
        None,
        volume if rule.envelope is not None else None,
        rule.envelope or EnvelopeOptions(),
        rule.cleanup,
        _part(progress, _THRESHOLDS, 1.0),
        should_stop,
    )
    return PhasesByRule(histogram, chosen, made, _calibrated(histogram, chosen.thresholds))


def _calibrated(histogram: Histogram, thresholds: tuple[float, ...]) -> tuple[float, ...]:
    try:
        return calibrate_gray(histogram).to_calibrated(thresholds)
    except InputError:
        return ()


def _part(progress: Progress, start: float, end: float) -> Progress:
    made = share_of(progress, start, end)
    assert made is not None
    return made
