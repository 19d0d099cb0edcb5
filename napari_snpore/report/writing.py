"""Reports on disk: the HTML page, the same as PDF, and the references as BibTeX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import OutputError
from napari_snpore.files.atomic import atomic_paths
from napari_snpore.files.guarded_reading import guarded
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.outputs.places import check_apart, resolved
from napari_snpore.report.content import Report
from napari_snpore.report.references import Citations, bibliography, own_reference
from napari_snpore.report.run_folder import kind_of_folder, read_run, runs_in
from napari_snpore.report.run_sections import STEPS, run_sections
from napari_snpore.report.study_sections import demo_sections, read_study, study_sections
from napari_snpore.study.provenance import check_record

_SUFFIXES = (".html", ".htm")
_PRINTING = 2  # parts of the work: HTML, PDF


@dataclass(frozen=True)
class ReportFiles:
    """The files of a report.

    Attributes
    ----------
    html, pdf, bibtex : Path
    """

    html: Path
    pdf: Path
    bibtex: Path

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """All of them."""
        return self.html, self.pdf, self.bibtex


def report_files(folder: str | Path, target: str | Path | None = None) -> ReportFiles:
    """Return where a report is written.

    Parameters
    ----------
    folder : path
        Of the results.
    target : path, optional
        The HTML page; PDF and BibTeX have its name. Default ``FOLDER_report.html`` beside the folder.

    Raises
    ------
    OutputError
        Another suffix than ``.html``.
    """
    if target is None:
        place = resolved(folder)
        page = place.with_name(f"{place.name}_report.html")
    else:
        page = Path(target)
        if page.suffix.lower() not in _SUFFIXES:
            raise OutputError(f"{target} is no HTML page; give a name that ends in .html.")
    return ReportFiles(page, page.with_suffix(".pdf"), page.with_suffix(".bib"))


def write_report(
    folder: str | Path,
    target: str | Path | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> ReportFiles:
    """Write the report of a finished run, of a demo or of a study, from the files of its folder alone.

    The same folder gives the same bytes. No file holds a date but the run's own, or a folder of this
    machine.

    Parameters
    ----------
    folder : path
        Written by ``snpore run``, ``snpore demo`` or ``snpore compare``.
    target : path, optional
        See :func:`report_files`.
    overwrite : bool
        Replace files that are there.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    ReportFiles

    Raises
    ------
    FileFormatError
        No finished result, one of another version, or a damaged one.
    OutputError
        A place that cannot be written, or where something is already.
    """
    files = report_files(folder, target)
    source = Path(folder).expanduser()
    kind_of_folder(source)  # refused before anything about the output is said
    for path in files.paths:
        if path.exists() and not overwrite:
            raise OutputError(f"{path} is there already; --overwrite replaces it.")
        check_apart(path, [source / RECORD])
    with atomic_paths(*files.paths, reading=True) as (page, pages, bibtex):
        counted = _Counted(progress)
        with guarded(source):  # tables and records can be damaged in any way
            report = make_report(source, progress=counted, should_stop=should_stop)
        from napari_snpore.report.html_page import html_page
        from napari_snpore.report.pdf_pages import pdf_bytes

        check_stop(should_stop)
        page.write_text(html_page(report), encoding="utf-8", newline="\n")
        counted.one_more()
        pages.write_bytes(pdf_bytes(report, should_stop=should_stop))
        counted.one_more()
        bibtex.write_text(bibliography(report.references), encoding="utf-8", newline="\n")
    return files


class _Counted:
    """Progress that remembers how far it is, so that printing goes on where the sections ended."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._done, self._total = progress, 0, _PRINTING

    def __call__(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        if self._progress is not None:
            self._progress(done, total)

    def one_more(self) -> None:
        """Count one more part."""
        self(self._done + 1, self._total)


def make_report(
    folder: str | Path,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Report:
    """Return the report of a finished run, of a demo or of a study; parameters and errors as in
    :func:`write_report`.
    """
    folder = Path(folder).expanduser()
    kind = kind_of_folder(folder)
    if kind == "run":
        return _report_of_run(folder, progress, should_stop)
    if kind == "demo":
        return _report_of_demo(folder, progress, should_stop)
    return _report_of_study(folder, progress, should_stop)


def _report_of_run(
    folder: Path, progress: Progress | None, should_stop: ShouldStop | None
) -> Report:
    run = read_run(folder)
    cite = _citations(run.record)
    step = _counter(progress, STEPS, should_stop)
    sections = run_sections(run, cite, step=step, should_stop=should_stop)
    return Report(run.name, _subtitle("run", run.record), sections, cite.works)


def _report_of_demo(
    folder: Path, progress: Progress | None, should_stop: ShouldStop | None
) -> Report:
    record, places = check_record(folder / RECORD), runs_in(folder)
    cite = _citations(record)
    step = _counter(progress, len(places), should_stop)
    sections = demo_sections(folder, record, places, cite, step=step, should_stop=should_stop)
    return Report("napari-snpore: the demo", _subtitle("demo", record), sections, cite.works)


def _report_of_study(
    folder: Path, progress: Progress | None, should_stop: ShouldStop | None
) -> Report:
    study = read_study(folder)
    cite = _citations(study.record)
    step = _counter(progress, len(study.fibres), should_stop)
    sections = study_sections(study, cite, step=step, should_stop=should_stop)
    return Report(study.title, _subtitle("study", study.record), sections, cite.works)


def _citations(record: object) -> Citations:
    known = record if isinstance(record, dict) else {}
    year = str(known.get("started", ""))[:4]
    version = str(known.get("version", "unknown"))
    return Citations([own_reference(version, int(year) if year.isdigit() else 0)])


def _subtitle(what: str, record: object) -> str:
    known = record if isinstance(record, dict) else {}
    day = str(known.get("started", ""))[:10]
    when = f", started {day}" if day else ""
    return f"Report of a {what} by napari-snpore {known.get('version', '')}{when}"


def _counter(
    progress: Progress | None, parts: int, should_stop: ShouldStop | None
) -> Callable[[], None]:
    """Return what is called after each part of the work."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        check_stop(should_stop)
        if progress is not None:
            progress(done, parts + _PRINTING)

    return step
