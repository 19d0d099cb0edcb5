"""Numbers beside a reconstruction as rich text; the statements are those of the study's report."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.study.quality_report import (
    even_odd_statement,
    noise_statements,
    quality_statements,
)
from napari_snpore.study.report import CAVEAT, Statement, html_of, number, signed
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.even_odd import EvenOdd


def result_lines(found: Tomogram) -> list[str]:
    """Return the numbers beside a reconstruction as rich text, each with its unit and its
    caveat.
    """
    if found.quality is None:
        return []
    made = required_step(found.volume.history, ReconstructStep)
    return html_of(
        [*quality_statements(found.quality), *noise_statements(made), *variation_statements(made)],
        headings=False,
    )


def variation_statements(made: ReconstructStep) -> list[Statement]:
    """Return the blur in the model of a TV volume and whether it converged; empty for other
    methods.
    """
    if made.tv_weight is None:
        return []
    return [Statement("", _blur_words(made)), Statement("", _convergence_words(made))]


def _blur_words(made: ReconstructStep) -> str:
    if made.blur_px:
        source = "found in the images" if made.blur_from == "images" else "as given"
        return f"blur **{made.blur_px:.2f} px** in the model, {source}"
    why = (made.blur_from or "").removeprefix("none was used:").strip().rstrip(".")
    if why in ("", "user"):
        return "no blur in the model, as set: pores read too small where the images are blurred"
    return (
        f"{CAVEAT} no blur in the model, so pores read too small: {why[:1].lower()}{why[1:]}. "
        "Set *given* and a value to use one."
    )


def _convergence_words(made: ReconstructStep) -> str:
    edges = "edges kept" if made.reweighted else "convex"
    if made.converged:
        return f"converged after {made.iterations} iterations, λ {number(made.tv_weight or 0.0)}, {edges}"
    if made.finished_early is not None:
        return f"λ {number(made.tv_weight or 0.0)}, {edges}"
    return f"{CAVEAT} not converged after {made.iterations} iterations: allow more"


def even_odd_words(found: EvenOdd) -> list[str]:
    """Return where even and odd tilts cease to agree (half-bit): resolution for WBP, consistency
    for other methods.
    """
    return html_of([even_odd_statement(found)], headings=False)


def tilts_in_words(angles: NDArray[np.float64]) -> str:
    """Say how many tilts there are, from where to where, and their step."""
    ordered = np.sort(angles)
    step = np.median(np.diff(ordered)) if len(ordered) > 1 else 0.0
    return f"{len(angles)} tilts, {signed(ordered[0])}° to {signed(ordered[-1])}°, step {number(float(step))}°"
