"""Numbers beside a reconstruction as rich text; the statements are those of the study's report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.study.quality_report import (
    blur_statements,
    even_odd_statement,
    misfit_statements,
    noise_statements,
    quality_statements,
)
from napari_snpore.study.report import Statement, caveat, html_of, number, signed
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
        [
            *quality_statements(found.quality),
            *noise_statements(made),
            *_named(blur_statements(made, found.blur)),
            *convergence_statements(made),
            *misfit_statements(made),
        ],
        headings=False,
    )


def _named(statements: list[Statement]) -> list[Statement]:
    """Put the heading of each statement into its text: a form shows none."""
    return [
        replace(one, sentence=f"{one.heading.lower()} {one.sentence}") if one.heading else one
        for one in statements
    ]


def convergence_statements(made: ReconstructStep) -> list[Statement]:
    """Return whether a TV volume converged, and with which λ; empty for other methods."""
    if made.tv_weight is None:
        return []
    how = f"λ {number(made.tv_weight * (made.tv_misfit or 1.0))}, {'edges kept' if made.reweighted else 'convex'}"
    if made.converged:
        return [Statement("", f"converged after {made.iterations} iterations, {how}")]
    if made.finished_early is not None:
        return [Statement("", how)]
    return [
        caveat(f"not converged after {made.iterations} iterations: allow more"),
        Statement("", how),
    ]


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
