"""Tables, figures and report of a comparison, written in a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_snpore.compute import Progress, ShouldStop, check_stop, share_of
from napari_snpore.errors import InputError, OutputError, Stopped
from napari_snpore.viewer.forms.path_dialogs import ask_new_folder

if TYPE_CHECKING:
    from napari_snpore.comparison.compare import Comparison
    from napari_snpore.study.states.state_pictures import StatePictures
    from napari_snpore.viewer.compare.widget import CompareWidget


class ComparisonSaving(QObject):
    """Buttons *Tables*, *Figures* and *Report* of a form, and what they write."""

    def __init__(self, form: CompareWidget) -> None:
        super().__init__(form)
        self._form = form
        self._written: list[Path] = []
        self._left_out: tuple[str, ...] = ()
        form.tables_button.clicked.connect(self._ask_tables)
        form.figures_button.clicked.connect(self._ask_figures)
        form.report_button.clicked.connect(self._ask_report)

    def save_tables(self, folder: str | Path) -> Path:
        """Write the tables and return their folder; the window stays alive meanwhile."""
        self._start_tables(str(folder))
        return self._waited()[0]

    def save_figures(self, folder: str | Path) -> list[Path]:
        """Draw the figures and return their files; the window stays alive meanwhile."""
        self._start_figures(str(folder))
        return self._waited()

    def save_report(self, folder: str | Path) -> list[Path]:
        """Write the report and return its files; the window stays alive meanwhile."""
        self._start_report(str(folder))
        return self._waited()

    def _waited(self) -> list[Path]:
        self._form.status.wait()
        if self._form.status.failed or not self._written:
            raise InputError(self._form.status.message.text().lstrip("⚠ "))
        return list(self._written)

    def _ask_tables(self) -> None:
        self._ask("Save the tables", "comparison", self._start_tables)

    def _ask_figures(self) -> None:
        self._ask("Save the figures", "comparison_figures", self._start_figures)

    def _ask_report(self) -> None:
        self._ask("Report of the comparison", "comparison", self._start_report)

    def _ask(self, title: str, name: str, start: Callable[[str], None]) -> None:
        """Ask for a new folder, and start to write into it."""

        def chosen(folder: str) -> None:
            try:
                start(folder)
            except InputError as error:
                self._form.status.refuse(error)

        ask_new_folder(self._form, title, name, chosen)

    def _required(self) -> Comparison:
        self._written, self._left_out = [], ()
        comparison = self._form.comparison
        if comparison is None:
            raise InputError("Nothing was compared yet; press Compare first.")
        return comparison

    def _start_tables(self, folder: str) -> None:
        comparison = self._required()
        runs = dict(self._form.compared_runs)

        def work(progress: Progress, should_stop: ShouldStop) -> list[Path]:
            from napari_snpore.study.states.saved_comparison import save_comparison

            with _nothing_kept_when_stopped(should_stop, folder):
                return [save_comparison(folder, comparison, runs=runs)]

        self._form.status.run("Save tables", work, self._on_written)

    def _start_figures(self, folder: str) -> None:
        comparison = self._required()
        pictures = self._pictures()

        def work(progress: Progress, should_stop: ShouldStop) -> list[Path]:
            # matplotlib takes half a second to load: in the worker, not when the form opens
            from napari_snpore.study.states.saved_comparison import save_comparison_figures

            with _nothing_kept_when_stopped(should_stop, folder):
                return save_comparison_figures(
                    folder,
                    comparison,
                    pictures=pictures(),
                    progress=progress,
                    should_stop=should_stop,
                )

        self._form.status.run("Figures", work, self._on_written)

    def _start_report(self, folder: str) -> None:
        comparison = self._required()
        runs = dict(self._form.compared_runs)
        pictures = self._pictures()

        def work(progress: Progress, should_stop: ShouldStop) -> list[Path]:
            from napari_snpore.report.writing import report_files, write_report
            from napari_snpore.study.states.saved_comparison import save_comparison

            files = report_files(folder).paths
            there = [path for path in files if path.exists()]
            if there:
                raise OutputError(f"{there[0]} is there already; give the folder another name.")
            part = share_of(progress, 0.4, 1.0)
            with _nothing_kept_when_stopped(should_stop, folder, files):
                shown = pictures()
                check_stop(should_stop)
                saved = save_comparison(folder, comparison, runs=runs, figures=True, pictures=shown)
                check_stop(should_stop)
                return list(write_report(saved, progress=part, should_stop=should_stop).paths)

        self._form.status.run("Report", work, self._on_written)

    def _pictures(self) -> Callable[[], StatePictures]:
        """Return what reads a slice of each state, in the worker, and keeps what has none."""
        comparison = self._required()
        runs, slices = dict(self._form.compared_runs), dict(self._form.compared_slices)

        def read() -> StatePictures:
            from napari_snpore.study.states.state_pictures import fibre_names, state_pictures

            found = state_pictures(fibre_names(comparison), runs=runs, slices=slices)
            self._left_out = found.left_out
            return found

        return read

    def _on_written(self, written: list[Path]) -> None:
        self._written = written
        more = f" and {len(written) - 1} more" if len(written) > 1 else ""
        said = [f"Wrote {written[0]}{more}." if written else "Nothing was written."]
        self._form.status.say(" ".join([*said, *self._left_out]))


@contextmanager
def _nothing_kept_when_stopped(
    should_stop: ShouldStop, folder: str, files: Sequence[Path] = ()
) -> Iterator[None]:
    """Take what was written away when it is cancelled, as the form says: tables are written before
    the figures and the report. A folder that held an earlier comparison stays.

    ``files``: beside the folder, which were not there before.
    """
    place = Path(folder).expanduser()
    was_there = place.is_dir()
    is_ours = not was_there or not any(place.iterdir())
    try:
        yield
        check_stop(should_stop)
    except Stopped:
        for file in files:
            file.unlink(missing_ok=True)
        if is_ours:
            rmtree(place, ignore_errors=True)
        if is_ours and was_there:
            place.mkdir(exist_ok=True)
        raise
