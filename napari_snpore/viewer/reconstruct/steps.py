"""Work of the Reconstruct form in a thread: calls into ``study``, with one progress bar for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import PrepareSection, ReconstructSection
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.stages import PreparedAlignment, Stages, find_alignment
from napari_snpore.study.tomogram import AlignmentChoice, Observer, Tomogram, tomogram_of
from napari_snpore.volume import Volume

_SHARES = {"prepare": 0.02, "align": 0.4, "reconstruct": 0.95, "assess": 1.0}
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


def run_reconstruction(
    stages: Stages,
    preparation: PrepareSection,
    choice: AlignmentChoice,
    section: ReconstructSection,
    observer: Observer,
    progress: Progress,
    should_stop: ShouldStop,
) -> Tomogram:
    """Prepare, align where that is still to do, reconstruct and assess; each takes its part of one
    bar.
    """
    searches = choice.section.enabled and choice.known is None
    ends = _SHARES if searches else _SHARES | {"align": 0.07}
    starts = dict(zip(ends, [0.0, *ends.values()], strict=False))

    @contextmanager
    def monitor(name: str) -> Iterator[Progress | None]:
        yield share_of(progress, starts[name], ends[name])

    context = RunContext(Record("reconstruct"), monitor, should_stop)
    return tomogram_of(
        stages, preparation, choice, section, context=context, observer=observer, halves=False
    )


def layer_word(volume: Volume) -> str:
    """Return method and iterations of a volume as its layer's name has them, such as ``SIRT
    50``.
    """
    made = required_step(volume.history, ReconstructStep)
    method = made.method.upper()
    return method if made.iterations is None else f"{method} {made.iterations}"
