"""Work of the Reconstruct form in a thread: calls into ``study``, with one progress bar for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import PrepareSection, ReconstructSection
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.stages import PreparedAlignment, Stages, find_alignment
from napari_snpore.study.tomogram import (
    AlignmentChoice,
    Observer,
    Tomogram,
    searches_blur,
    tomogram_of,
)
from napari_snpore.tomography.discrete.blur_search import BlurEstimate, find_blur
from napari_snpore.volume import Volume

_SHARES = {"prepare": 0.02, "align": 0.25, "find blur": 0.6, "reconstruct": 0.95, "assess": 1.0}
"""Position of the progress bar after each step; applying a known alignment is short."""


def align_prepared(
    stages: Stages,
    preparation: PrepareSection,
    choice: AlignmentChoice,
    progress: Progress,
    should_stop: ShouldStop,
) -> PreparedAlignment:
    """Align the prepared series."""
    found = find_alignment(
        stages.prepared(preparation),
        choice.section,
        reference_axis_deg=choice.reference_axis_deg,
        progress=progress,
        should_stop=should_stop,
    )
    return PreparedAlignment(found, preparation, len(stages.raw.angles_deg))


@dataclass(frozen=True, eq=False)
class FoundBlur:
    """The blur of the aligned images, and the alignment where it had to be found first."""

    estimate: BlurEstimate
    alignment: PreparedAlignment | None


def search_blur(
    stages: Stages,
    preparation: PrepareSection,
    choice: AlignmentChoice,
    thickness_px: int | None,
    progress: Progress,
    should_stop: ShouldStop,
) -> FoundBlur:
    """Find the blur of the aligned images; prepares and aligns first where that is still to do."""
    aligned, made, start = stages.prepared(preparation, should_stop=should_stop), None, 0.0
    if choice.section.enabled:
        found = choice.known
        if found is None:
            start = _SHARES["align"]
            made = align_prepared(stages, preparation, choice, _first(progress, start), should_stop)
            found = made.alignment
        aligned = found.apply(aligned, should_stop=should_stop)
    estimate = find_blur(
        aligned,
        thickness_px=thickness_px,
        progress=share_of(progress, start, 1.0),
        should_stop=should_stop,
    )
    return FoundBlur(estimate, made)


def _first(progress: Progress, end: float) -> Progress:
    made = share_of(progress, 0.0, end)
    assert made is not None
    return made


def run_reconstruction(
    stages: Stages,
    preparation: PrepareSection,
    choice: AlignmentChoice,
    section: ReconstructSection,
    observer: Observer,
    blur: BlurEstimate | None,
    progress: Progress,
    should_stop: ShouldStop,
) -> Tomogram:
    """Prepare, align where that is still to do, reconstruct and assess; each takes its part of one
    bar.

    ``blur``: what *Find* found in these images, taken where the section leaves the blur to them.
    """
    ends = dict(_SHARES)
    if not choice.section.enabled or choice.known is not None:
        ends["align"] = 0.07
    if blur is not None or not searches_blur(section.options):
        ends["find blur"] = ends["align"]
    starts = dict(zip(ends, [0.0, *ends.values()], strict=False))

    @contextmanager
    def monitor(name: str) -> Iterator[Progress | None]:
        yield share_of(progress, starts[name], ends[name])

    context = RunContext(Record("reconstruct"), monitor, should_stop)
    return tomogram_of(
        stages,
        preparation,
        choice,
        section,
        context=context,
        observer=observer,
        halves=False,
        blur=blur,
    )


def layer_word(volume: Volume) -> str:
    """Return method and iterations of a volume as its layer's name has them, such as ``TV 180``."""
    made = required_step(volume.history, ReconstructStep)
    method = made.method.upper()
    return method if made.iterations is None else f"{method} {made.iterations}"
