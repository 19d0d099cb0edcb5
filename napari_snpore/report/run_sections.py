"""The sections of a report of one run, in reading order."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from napari_snpore.compute import ShouldStop
from napari_snpore.history import DetectionLimitStep
from napari_snpore.report.caveats import caveats
from napari_snpore.report.content import (
    Block,
    Folded,
    ReportSection,
    Sentences,
    Terms,
    Verbatim,
    Words,
)
from napari_snpore.report.in_situ_blocks import PATTERN, check_blocks, in_situ_blocks
from napari_snpore.report.methods import methods_paragraph
from napari_snpore.report.number_tables import (
    NOT_CALIBRATED,
    dead_pore_table,
    fraction_table,
    has_marks,
    key_sentences,
    number_blocks,
    other_tables,
    sources_table,
    truth_report_table,
)
from napari_snpore.report.pictures import other_figures, slice_blocks, turned_blocks
from napari_snpore.report.private_paths import without_folders
from napari_snpore.report.provenance_blocks import file_blocks, record_blocks, repeat_blocks
from napari_snpore.report.recipe_words import has_series, recipe_terms
from napari_snpore.report.references import Citations
from napari_snpore.report.run_folder import FinishedRun
from napari_snpore.study.error_report import made_of_words

Step = Callable[[], None]


def run_sections(
    run: FinishedRun, cite: Citations, *, step: Step, should_stop: ShouldStop | None = None
) -> tuple[ReportSection, ...]:
    """Return all sections of one run.

    Parameters
    ----------
    run : FinishedRun
    cite : Citations
        Of the whole report.
    step : callable
        Called after each of :data:`STEPS` parts.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """
    sections = [
        ReportSection("In brief", tuple(_brief(run))),
        ReportSection("What was asked", (Terms(recipe_terms(run.recipe)),)),
        ReportSection("Numbers", tuple(_numbers(run))),
    ]
    step()
    turned = tuple(turned_blocks(run, should_stop))
    step()
    sections.append(ReportSection("Pictures", (*turned, *slice_blocks(run))))
    sections.append(ReportSection("Plots", tuple(other_figures(run))))
    sections += _from_elsewhere(run)
    step()
    sections += [
        ReportSection("Caveats", (Sentences(caveats(run), caveats=True),)),
        ReportSection("Not in this report", (Sentences(tuple(absent_pieces(run))),)),
        methods_section(methods_paragraph(run, cite), cite),
        ReportSection("Further tables", tuple(_further(run))),
        ReportSection("Provenance", tuple(_provenance(run, should_stop))),
        ReportSection("How to repeat", tuple(repeat_blocks(run))),
    ]
    step()
    return tuple(sections)


def short_sections(
    run: FinishedRun, *, step: Step, should_stop: ShouldStop | None = None
) -> tuple[ReportSection, ...]:
    """Return what a report of several runs says of each of them: numbers, pictures, caveats."""
    numbers = ReportSection("Numbers", (*_brief(run), *number_blocks(run)))
    asked = ReportSection("What was asked", (Terms(recipe_terms(run.recipe)),))
    pictures = (*turned_blocks(run, should_stop), *slice_blocks(run))
    step()
    return (
        numbers,
        ReportSection("Pictures", pictures),
        *_from_elsewhere(run),
        ReportSection("Caveats", (Sentences(caveats(run), caveats=True),)),
        asked,
        ReportSection("Provenance", tuple(record_blocks(run.record, short=True))),
    )


def _from_elsewhere(run: FinishedRun) -> list[ReportSection]:
    """Return the sections on other methods and on growth in situ, those that there is something for."""
    found = {
        "Cross-checks with other methods": tuple(check_blocks(run)),
        "Growth in situ": tuple(in_situ_blocks(run)),
    }
    return [ReportSection(title, blocks) for title, blocks in found.items() if blocks]


_NO_TWIN = "No digital twin"

STEPS = 4
"""Parts of the work of :func:`run_sections`; :func:`short_sections` has one."""


def methods_section(paragraph: str, cite: Citations) -> ReportSection:
    """Return the methods paragraph, with the same text for LaTeX."""
    latex = Folded(
        "The same paragraph for LaTeX, with the keys of the BibTeX file",
        (Verbatim(_wrapped(cite.in_latex(paragraph)), "Methods"),),
    )
    return ReportSection("Methods, ready for a paper", (Words(paragraph), latex))


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 88, break_long_words=False, break_on_hyphens=False))


def _brief(run: FinishedRun) -> Iterator[Block]:
    found = key_sentences(run)
    if not found:
        yield Words(
            "The run holds no table of numbers with errors; what it counted is below.", "absent"
        )
        return
    yield Sentences(found)
    notes = [
        "Corrected where a digital twin says how, with intervals of 95 % where they are known."
    ]
    if has_marks(run):
        notes.append(f"{NOT_CALIBRATED}: the interval is not calibrated; see the caveats.")
    notes.append("n = 1 fibre.")
    yield Words(" ".join(notes), "note")


def _numbers(run: FinishedRun) -> Iterator[Block]:
    yield from number_blocks(run)
    errors = run.errors
    if errors is not None:
        text = made_of_words(errors)
        yield Words(f"Errors: {text}.", "note")
    for name, make in (
        ("truth", truth_report_table),
        ("fractions", fraction_table),
        ("dead_pores", dead_pore_table),
    ):
        table = run.table(name)
        shown = None if table is None else make(table)
        if shown is not None:
            yield shown
        elif name == "fractions":
            yield Words(
                "No table of volume fractions: tables/fractions.csv is not there.", "absent"
            )


def _further(run: FinishedRun) -> Iterator[Block]:
    errors = run.errors
    if errors is not None and len(errors.sources):
        yield Folded("What each source of error does alone", (sources_table(errors),))
    yield from other_tables(run)
    if run.summary:
        yield Folded(
            "The summary that the run printed",
            (Verbatim(without_folders(run.summary), "summary.txt"),),
        )


def absent_pieces(run: FinishedRun) -> Iterator[str]:
    """Yield a sentence for each piece that a run may have and this one has not."""
    errors = run.errors
    if not has_series(run.recipe):
        yield "No tilt images: the run started from a volume, so that alignment, blur and noise are not known."
    if errors is not None and not errors.twins:
        reason = errors.reason or ""
        yield reason if reason.startswith(_NO_TWIN) else f"{_NO_TWIN} was made. {reason}".strip()
    if run.step(DetectionLimitStep) is None:
        yield "No detection limit: the recipe asked for none, or none was found."
    if run.table("truth") is None:
        yield "No planted truth: this is no phantom of the demo."
    if run.volume_path("reconstruction") is None and has_series(run.recipe):
        yield "No reconstructed volume: its file is not in the folder any more."
    if not list((run.folder / "tables").glob(PATTERN)):
        yield f"No in situ series: images in time are not part of a run, and no tables/{PATTERN} was put into its folder."


def _provenance(run: FinishedRun, should_stop: ShouldStop | None) -> Iterator[Block]:
    yield from record_blocks(run.record)
    outputs = [str(name) for name in run.record.get("outputs") or ()]
    yield from file_blocks(run.folder, outputs, should_stop)
