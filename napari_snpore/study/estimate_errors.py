"""Errors of the numbers of phases that are there already, by the steps in their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from napari_snpore.errors import InputError
from napari_snpore.history import (
    CleanUpStep,
    EnvelopeStep,
    HistoryStep,
    PolishStep,
    ReconstructStep,
    SegmentStep,
    SmoothStep,
    all_steps,
    last_step,
    recorded_phase_names,
)
from napari_snpore.study.errors_of_run import errors_of_run
from napari_snpore.study.measuring import Box, measure_phases
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import (
    CleanupSection,
    EnvelopeSection,
    InputSection,
    MeasureSection,
    PolishSection,
    Recipe,
    ReconstructSection,
    ThresholdSection,
    UncertaintySection,
    checked,
)
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.run_errors import RunErrors, why_no_errors
from napari_snpore.study.segmenting import find_phases
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.discrete.blur_search import BlurEstimate
from napari_snpore.tomography.held_out_weight import with_choice_kept
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume


def estimate_errors(
    phases: Volume,
    volume: Volume,
    series: TiltSeries,
    *,
    section: MeasureSection | None = None,
    uncertainty: UncertaintySection | None = None,
    boxes: Mapping[str, Box] | None = None,
    context: RunContext | None = None,
) -> RunErrors:
    """Return the errors of the numbers of phases, as a run estimates them.

    What made the phases is read from their history and done again, on the volume and on the images
    of digital twins. ``phases.after(errors.step, phases.data)`` keeps the errors with the phases.

    Parameters
    ----------
    phases : Volume of uint8, shape (z, y, x)
        Polished, not corrected by hand.
    volume : Volume, same shape
        The grey values that the phases were made of.
    series : TiltSeries
        The aligned images behind it.
    section : MeasureSection, optional
        How objects are measured.
    uncertainty : UncertaintySection, optional
        How many twins and draws.
    boxes : mapping of str to (center, edge), optional
        Cubes (nm) whose fractions get an error too; default: center and edge of the fibre.
    context : RunContext, optional
        Receives progress and timings, and may stop the work.

    Raises
    ------
    InputError
        Phases that were not polished, that were corrected by hand, or whose history does not say
        how they were made.
    Stopped
        The context asked for it.
    """
    context = context or RunContext(Record("estimate errors"))
    refusal = why_no_errors(phases.history)
    if refusal is not None:
        raise InputError(refusal)
    names = recorded_phase_names(phases.history)
    recipe = recipe_of(phases.history, section=section, uncertainty=uncertainty)
    # of a volume that was smoothed the twin's is smoothed too, but not this one once more
    smoothed = last_step(volume.history, SmoothStep) is not None
    cleanup = recipe.cleanup.model_copy(update={"smooth": "none"} if smoothed else {})
    found = find_phases(
        volume,
        recipe.threshold,
        recipe.envelope,
        cleanup,
        polish=PolishSection(enabled=False),
        series=series,
        context=context,
    )
    found = replace(found, phases=phases, not_polished=None)
    measurement = measure_phases(phases, recipe.measure, names=names, boxes=boxes, context=context)
    made = Tomogram(volume, aligned=series, blur=_blur_in(phases.history))
    return errors_of_run(recipe, made, found, measurement, context)


def _blur_in(history: Sequence[HistoryStep]) -> BlurEstimate | None:
    """Return the blur that was found for a reconstruction; None where it was given or unknown."""
    made = last_step(history, ReconstructStep)
    if made is None or made.blur_px is None or made.blur_range_px is None:
        return None
    low, high = made.blur_range_px
    return BlurEstimate(made.blur_px, low, high, (), (), True)


def recipe_of(
    history: Sequence[HistoryStep],
    *,
    section: MeasureSection | None = None,
    uncertainty: UncertaintySection | None = None,
) -> Recipe:
    """Return the recipe that a history of polished phases means, from the aligned images on.

    Raises
    ------
    InputError
        A history without a reconstruction by TV and thresholds, or with several smoothings.
    """
    made, cut = last_step(history, ReconstructStep), last_step(history, SegmentStep)
    if made is None or cut is None or made.method != "tv":
        raise InputError(
            "Errors need phases of a volume that was reconstructed by TV here; their history says otherwise."
        )
    names = cut.phase_names or recorded_phase_names(history)
    polished = last_step(history, PolishStep)
    weight = PolishSection().boundary_weight if polished is None else polished.boundary_weight
    return Recipe(
        input=InputSection(tilt_series="aligned images"),
        reconstruct=ReconstructSection(tv=_tv(made), thickness_px=made.thickness_px),
        threshold=threshold_section(cut, names),
        envelope=envelope_section(cut.envelope),
        cleanup=cleanup_section(history, names or ()),
        polish=PolishSection(enabled=True, boundary_weight=weight),
        measure=section or MeasureSection(details=False),
        uncertainty=uncertainty or UncertaintySection(),
    )


def _tv(made: ReconstructStep) -> Tv:
    usual = Tv()
    # one that converged stops by itself, and the twin's may need more iterations
    most = made.iterations or usual.iterations
    weight: float | Literal["auto"] | None = None
    if made.tv_weight_from == "user":
        weight = made.tv_weight
    elif made.held_out is not None:
        weight = "auto"
    options = Tv(
        iterations=max(most, usual.iterations) if made.converged else most,
        weight=weight,
        reweight=usual.reweight if made.reweighted is None else made.reweighted,
        nonnegative=usual.nonnegative if made.nonnegative is None else made.nonnegative,
    )
    return with_choice_kept(options, made)


def threshold_section(step: SegmentStep, names: Sequence[str] | None) -> ThresholdSection:
    """Return the section of a recipe that chooses thresholds as a step did: by its rule, or those that
    were given.
    """
    options: dict[str, Any] = {"phases": len(step.thresholds) + 1}
    if names is not None:
        options["names"] = list(names)
    if step.method == "given":
        options["values"] = list(step.thresholds)
    else:
        options["method"] = step.method
    return checked(ThresholdSection, **options)


def envelope_section(step: EnvelopeStep | None) -> EnvelopeSection:
    """Return the settings that made an envelope; None: there is none."""
    if step is None:
        return EnvelopeSection(enabled=False)
    known: dict[str, Any] = {
        "ray_length_nm": step.ray_length_nm,
        "occlusion_threshold": step.occlusion_threshold,
        "directions": step.directions,
        "largest_body": step.largest_body,
        "cut_axes": list(step.cut_axes),
    }
    known = {name: value for name, value in known.items() if value is not None}
    return checked(EnvelopeSection, **known)


def cleanup_section(history: Sequence[HistoryStep], names: Sequence[str]) -> CleanupSection:
    """Return the smoothing before and the clean-up after the thresholds that a history says."""
    smoothed = all_steps(history, SmoothStep)
    if len(smoothed) > 1:
        raise InputError("The volume was smoothed more than once, which a twin cannot repeat.")
    options: dict[str, Any] = {}
    if smoothed:
        options |= {"smooth": smoothed[0].method, "smooth_strength": smoothed[0].strength}
    cleaned = last_step(history, CleanUpStep)
    cut = last_step(history, SegmentStep)
    done = cleaned.cleanup if cleaned is not None else None if cut is None else cut.cleanup
    if done is not None:
        options |= {
            "majority_radius": done.majority_radius,
            "fill": [names[label - 1] for label in done.fill],
            "specks": {names[label - 1]: least for label, least in done.specks},
        }
    return checked(CleanupSection, **options)
