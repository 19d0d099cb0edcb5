"""Report of one run: every number with its unit, its convention and its caveat."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore import __version__
from napari_snpore.history import HeldOutChoice, ReconstructStep, last_step
from napari_snpore.segmentation.envelope import Envelope
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.study.checks import check_statements
from napari_snpore.study.detection import RunDetection, detection_statements
from napari_snpore.study.error_report import error_statements
from napari_snpore.study.measurement_report import fraction_statements, measurement_text
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.quality_report import (
    blur_statements,
    even_odd_statements,
    misfit_statements,
    quality_statements,
    tilt_statements,
)
from napari_snpore.study.reading_report import reading_statements
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.report import Statement, caveat, number, signed, text_of, with_error
from napari_snpore.study.run_errors import RunErrors
from napari_snpore.study.segmentation_report import (
    clarity_words,
    image_statements,
    loose_words,
    polishing_statements,
)
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.contrast import contrast_note
from napari_snpore.volume import Volume


def summarize(
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    measurement: Measurement,
    errors: RunErrors,
    detection: RunDetection | None = None,
    checks: pd.DataFrame | None = None,
) -> str:
    """Return the summary of one run as text, one block per step."""
    title = f"napari-snpore {__version__} · {recipe.name or 'run'}"
    blocks = [
        f"{title}\n{'=' * len(title)}",
        text_of(tomogram_statements(tomogram)),
        text_of(segmentation_statements(segmentation)),
        measurement_text(measurement, errors).rstrip("\n"),
        text_of(error_statements(errors)),
        *([] if detection is None else [text_of(detection_statements(detection))]),
        *([] if checks is None else [text_of(check_statements(checks))]),
    ]
    return "\n\n".join(blocks) + "\n"


def tomogram_statements(tomogram: Tomogram) -> list[Statement]:
    """Return what the volume is and how far it resolves."""
    volume = tomogram.volume
    z, y, x = volume.shape
    dz, dy, dx = volume.spacing
    voxel = f"{dx:.4g} nm" if dz == dy == dx else f"{dz:.4g} × {dy:.4g} × {dx:.4g} nm (z, y, x)"
    statements = []
    if tomogram.series is not None:
        angles = tomogram.series.angles_deg
        statements.append(
            Statement(
                "Tilt series",
                f"{len(angles)} images, {signed(angles.min(), 1)}° to {signed(angles.max(), 1)}°, "
                f"pixel {tomogram.series.pixel_size_nm:.4g} nm",
            )
        )
        statements += tilt_statements(tomogram.inspection)
    if tomogram.alignment is not None:
        found = tomogram.alignment
        statements.append(
            Statement(
                "Alignment",
                f"{found.method}: axis {_axis_words(found)} from image y, offset "
                f"{signed(found.tilt_axis_offset_px, 2)} px, {_residual_words(found.residual_px)}, hand {found.handedness}",
            )
        )
        statements += [caveat(sentence) for sentence in found.notes]
    statements += reading_statements(volume.history)
    statements += _contrast_statements(tomogram)
    statements.append(Statement("Volume", f"{z} × {y} × {x} voxels (z, y, x) of {voxel}"))
    said = () if tomogram.alignment is None else tomogram.alignment.notes
    statements += [
        one
        for one in reconstruction_statements(volume)
        # what is wrong with the images is said once, by the alignment
        if one.kind != "caveat" or not any(note.startswith(one.sentence) for note in said)
    ]
    made = last_step(volume.history, ReconstructStep)
    statements += blur_statements(made, tomogram.blur)
    statements += misfit_statements(made)
    if tomogram.quality is not None:
        statements += quality_statements(tomogram.quality)
    return statements + even_odd_statements(tomogram.even_odd)


def _contrast_statements(tomogram: Tomogram) -> list[Statement]:
    """Say that the images look like bright field, or may be it, where the alignment has not said
    it.
    """
    note = None if tomogram.series is None else contrast_note(tomogram.series)
    said = () if tomogram.alignment is None else tomogram.alignment.notes
    return [] if note is None or note in said else [caveat(note)]


def _axis_words(found: Alignment) -> str:
    if np.isnan(found.tilt_axis_error_deg):
        return f"{signed(found.tilt_axis_angle_deg, 1)}°"
    return f"{with_error(found.tilt_axis_angle_deg, found.tilt_axis_error_deg, 2)}°"


def _residual_words(residual_px: NDArray[np.float64]) -> str:
    if np.isnan(residual_px).all():
        return "residual unknown"
    return f"residual {np.median(residual_px):.2f} px (median over tilts, across the axis)"


_METHODS = {"sirt": "SIRT", "wbp": "WBP", "cgls": "CGLS", "tv": "TV", "dart": "DART"}


def reconstruction_statements(volume: Volume) -> list[Statement]:
    """Return the method that made the volume and what was taken from the data for it; empty where
    none is known.
    """
    made = last_step(volume.history, ReconstructStep)
    if made is None:
        return []
    words = [_METHODS[made.method]]
    if made.iterations is not None:
        words.append(f"{made.iterations} iterations")
    if made.stop == "noise" and made.noise_reached and made.noise_share is not None:
        words.append(
            f"stopped at the noise of the images ({100 * made.noise_share:.2g} % of their norm)"
        )
    if made.tv_weight is not None:
        words.append(f"weight {made.tv_weight:.3g} grey units (from: {made.tv_weight_from})")
    if made.held_out is not None:
        words.append(held_out_words(made.held_out))
    if made.gray_levels is not None:
        levels = ", ".join(number(level) for level in made.gray_levels)
        words.append(f"grey levels {levels} (from: {made.gray_levels_from})")
    if made.filter is not None:
        words.append(f"filter {made.filter}")
    if made.converged is False and made.finished_early is None:
        words.append("not converged")
    notes = [] if made.note is None else [caveat(made.note)]
    return [Statement("Reconstruction", ", ".join(words)), *notes]


def held_out_words(choice: HeldOutChoice) -> str:
    """Return what held-out tilts said of the λ that they chose, with the figures of their test.

    Examples
    --------
    >>> held_out_words(HeldOutChoice(2.0, 9, 1.21, 1.25, -0.04, True, 0.01))
    'held-out tilts: 2 times the usual weight, gain on 9 images (residual 1.21 against 1.25, difference -0.04 ± 0.01)'
    """
    factor = f"{choice.factor:.3g} times the usual weight"
    if choice.iterations is not None:
        factor += f" and {choice.iterations} iterations"
    error = "not known" if choice.error_95 is None else f"{choice.error_95:.2g}"
    verdict = "gain" if choice.gain else "no gain, the usual ones were kept,"
    return (
        f"held-out tilts: {factor}, {verdict} on {choice.images} images (residual"
        f" {choice.residual:.4g} against {choice.usual_residual:.4g}, difference"
        f" {choice.difference:.2g} ± {error})"
    )


def segmentation_text(segmentation: Segmentation, fractions: pd.DataFrame) -> str:
    """Return the report of a segmentation with the fractions of its phases as text."""
    return text_of([*segmentation_statements(segmentation), *fraction_statements(fractions)])


def segmentation_statements(segmentation: Segmentation) -> list[Statement]:
    """Return the thresholds, how far each can move, envelope, polishing and clean-up."""
    values = ", ".join(f"t{k} = {value:.4g}" for k, value in enumerate(segmentation.thresholds, 1))
    suggestion = segmentation.suggestion
    how = rule_name("given") if suggestion is None else clarity_words(suggestion)
    statements = [Statement("Thresholds", f"{values} grey units; {how}")]
    if suggestion is not None and suggestion.warning:
        statements.append(caveat(suggestion.warning))
    statements += image_statements(segmentation)
    statements += sensitivity_statements(segmentation)
    statements += envelope_statements(segmentation.envelope)
    statements += polishing_statements(segmentation)
    return statements + [
        Statement("Clean-up", f"{step.name}: {step.changed_voxel_count} voxels changed")
        for step in segmentation.cleanup
    ]


def sensitivity_statements(segmentation: Segmentation) -> list[Statement]:
    """Return how far each threshold can move until the phase below it changes by one percentage
    point.
    """
    statements = []
    if segmentation.calibration is not None:
        found = segmentation.calibration
        guess = f". {found.warning}" if found.warning else ""
        statements.append(
            Statement(
                "", f"calibrated by vacuum {found.vacuum:.4g} and carbon {found.carbon:.4g}{guess}"
            )
        )
    table = segmentation.sensitivity
    if table is None:
        return statements
    for row in table.drop_duplicates("threshold").to_dict("records"):
        statements.append(
            Statement(
                "",
                f"{row['phase']} changes by one percentage point where {row['threshold']} leaves "
                f"{row['plateau_from_gray']:.4g} to {row['plateau_to_gray']:.4g}",
            )
        )
    return statements


def envelope_statements(envelope: Envelope | None) -> list[Statement]:
    """Return how the envelope was found and what it leaves out."""
    if envelope is None:
        return [Statement("Envelope", "none: fractions are of the whole box")]
    settings = envelope.options
    cut = ", ".join("zyx"[axis] for axis in settings.cut_axes) or "no axis"
    statements = [
        Statement(
            "Envelope",
            f"{envelope.volume_nm3:.4g} nm³; ambient occlusion: rays of {envelope.ray_length_nm:.3g} nm in "
            f"{settings.directions} directions, τ = {settings.occlusion_threshold:.2f}, fibre cut along {cut}",
        )
    ]
    if envelope.loose_voxel_count:
        statements.append(caveat(loose_words(envelope.loose_voxel_count)))
    return statements
