"""The Compare form: fibres of several states from this window and from finished runs, one table with
intervals, overlaid histograms and profiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari.components
from napari.layers import Layer
from qtpy.QtCore import QTimer
from qtpy.QtGui import QDragEnterEvent, QDropEvent

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.viewer.compare.fibre_list import FibreList, key_of
from napari_snpore.viewer.compare.fibres import (
    ComparedFibre,
    SpecimenLayers,
    data_of,
    specimens_with_phases,
)
from napari_snpore.viewer.compare.form import EMPTY, CompareForm
from napari_snpore.viewer.compare.saving import ComparisonSaving
from napari_snpore.viewer.compare.sentences import first_of, folders_of, headline_of
from napari_snpore.viewer.compare.steps import (
    ComparedStates,
    FibreWork,
    ReadRuns,
    compare,
    read_runs,
)
from napari_snpore.viewer.compare.study_saving import StudySaving
from napari_snpore.viewer.forms.form import Freshness
from napari_snpore.viewer.forms.path_dialogs import ask_folder, known_folder
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layer_history import COMPARED, note_compared
from napari_snpore.viewer.shared.worker import InUse

if TYPE_CHECKING:
    from napari_snpore.comparison.compare import Comparison
    from napari_snpore.study.states.state_pictures import MiddleSlice

_SOON_MS = 60


class CompareWidget(CompareForm):
    """States side by side.

    Parameters
    ----------
    viewer : ViewerModel
        napari passes its own.

    Examples
    --------
    In napari's console::

        widget = CompareWidget(viewer)
        widget.add_run("results/pristine/fibre 1")
        widget.add_run("results/sodiated/fibre 2")
        [(fibre.name, fibre.state) for fibre in widget.fibres]
        widget.compare().differences
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(viewer)
        self._list = FibreList()
        self._specimens: dict[str, SpecimenLayers] = {}
        self._comparison: Comparison | None = None
        self._compared_runs: dict[tuple[str, str], Path] = {}
        self._slices: Mapping[tuple[str, str], MiddleSlice] = {}
        self._waiting: list[str] = []
        self._saved: Mapping[str, Any] = {}
        self._compares_next = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.refresh)
        self._connect()
        self._freshness = Freshness(
            self,
            (self.headline,),
            self._settings,
            "Compare makes them fresh",
            lambda: "" if self._list.included else "Open runs or tick a fibre",
        )
        self._saving = ComparisonSaving(self)
        self._study_saving = StudySaving(self)
        self._follow_layers()
        self.refresh()

    @property
    def fibres(self) -> tuple[ComparedFibre, ...]:
        """The fibres of the list, in their order."""
        return tuple(self._list.fibres)

    @property
    def specimens(self) -> Mapping[str, SpecimenLayers]:
        """The specimens of the window by their names, with the layers that are compared."""
        return self._specimens

    @property
    def comparison(self) -> Comparison | None:
        """What was compared last; None before."""
        return self._comparison

    @property
    def compared_runs(self) -> Mapping[tuple[str, str], Path]:
        """Folders of the runs that were compared, by state and fibre."""
        return self._compared_runs

    @property
    def compared_slices(self) -> Mapping[tuple[str, str], MiddleSlice]:
        """The middle slice of each specimen that was compared, by state and fibre, as it was then."""
        return self._slices

    @property
    def pair(self) -> tuple[str, str] | None:
        """The two states whose difference is shown, (a, b) for b − a; read and set."""
        return self.tabs.numbers.pair

    @pair.setter
    def pair(self, pair: tuple[str, str]) -> None:
        self.tabs.numbers.pair = pair

    def add_run(self, folder: str | Path) -> None:
        """Add the finished run in a folder, or all runs of a study; the window stays alive
        meanwhile.

        Raises
        ------
        InputError
            There is no finished run.
        """
        before = len(self._list.fibres)
        self.add_runs([folder])
        self.status.wait()
        if len(self._list.fibres) == before and "already" not in self.status.message.text():
            raise InputError(self.status.message.text().lstrip("⚠ "))

    def add_runs(self, folders: Sequence[str | Path]) -> None:
        """Start to read the finished runs of some folders."""
        self._waiting += [str(folder) for folder in folders]
        waiting = tuple(self._waiting)

        def work(progress: Progress, should_stop: ShouldStop) -> ReadRuns:
            return read_runs(waiting, progress, should_stop)

        self.status.run("Read runs", work, self._on_read)

    def open_study(self, folder: str | Path) -> None:
        """Start to read all runs of a folder, and compare them when they are there."""
        self._compares_next = True
        self.add_runs([folder])

    def rename(self, row: int, state: str) -> None:
        """Give the state of a fibre another name.

        Raises
        ------
        InputError
            An empty name, or one whose state has a fibre of this name already.
        """
        self._list.rename(row, state)
        self._show_fibres()

    def move_fibre(self, row: int, place: int) -> None:
        """Put a fibre into the place of another: states are shown in this order."""
        self._list.move(row, place)
        self._show_fibres()

    def include(self, row: int, included: bool) -> None:
        """Let a fibre take part, or leave it out."""
        self._list.fibres[row].is_included = included
        self._show_fibres()

    def remove(self, row: int) -> None:
        """Take a run out of the list; a specimen of the window is left out."""
        fibre = self._list.fibres[row]
        specimen = self._specimens.get(fibre.name) if fibre.folder is None else None
        layers = () if specimen is None else (specimen.phases,)
        self.status.say(self._list.remove(row), of=InUse(self._viewer, layers))
        self._show_fibres()

    def compare(self) -> Comparison:
        """Compare the fibres of the list and return the result; the window stays alive meanwhile.

        Raises
        ------
        InputError
            No fibre, or fibres that cannot be compared.
        """
        before = self._comparison
        self._start()
        self.status.wait()
        if self._comparison is None or self._comparison is before:
            raise InputError(f"Nothing was compared. {self.status.message.text().lstrip('⚠ ')}")
        return self._comparison

    def save_tables(self, folder: str | Path) -> Path:
        """Write the tables of the comparison into a folder.

        Raises
        ------
        InputError
            Nothing was compared yet, or the folder holds something else.
        """
        return self._saving.save_tables(folder)

    def save_figures(self, folder: str | Path) -> list[Path]:
        """Draw the figures of the comparison into a folder as PDF and PNG.

        Raises
        ------
        InputError
            Nothing was compared yet, or the folder cannot be written.
        """
        return self._saving.save_figures(folder)

    def save_report(self, folder: str | Path) -> list[Path]:
        """Write tables and figures into a folder and the report beside it: HTML, PDF, BibTeX.

        Raises
        ------
        InputError
            Nothing was compared yet, or the folder holds something else.
        """
        return self._saving.save_report(folder)

    def save_study(self, folder: str | Path) -> Path:
        """Write the fibres that take part as a study for ``snpore compare``; return its file.

        Raises
        ------
        InputError
            No fibre, a specimen whose making no recipe can say or whose file is not beside its data,
            or a folder that holds a study already.
        """
        return self._study_saving.save(folder)

    def state(self) -> Mapping[str, Any]:
        """Return the list with its order and states, and what is shown."""
        return {
            "fibres": [
                {
                    "run": None if one.folder is None else str(one.folder),
                    "name": one.name,
                    "state": one.state,
                    "included": one.is_included,
                }
                for one in self._list.fibres
            ],
            "pair": list(self.pair or ()),
            "tab": self.tabs.currentIndex(),
            "objects": self.tabs.sizes.objects_box.currentText(),
            "by volume": self.tabs.sizes.is_by_volume,
            "compared": self._comparison is not None,
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once; runs are read again, and compared where they were."""
        del layers
        self._saved = state
        self._list.follow(self._found_specimens())
        runs = [str(one["run"]) for one in state.get("fibres", ()) if one.get("run")]
        self._take_saved()
        self.tabs.setCurrentIndex(int(state.get("tab", 0)))
        self._compares_next = bool(state.get("compared"))
        if runs:
            self.add_runs(runs)
        elif self._compares_next and self._list.included:
            self._start()

    def refresh(self) -> None:
        """Follow the specimens of the window."""
        self._soon.stop()
        specimens = self._found_specimens()
        if self._list.follow(specimens) or not self.table.rowCount():
            self._show_fibres()
        else:
            self._freshness.compare()
        self._note_late_layers()

    def closed(self) -> None:
        """Stop, and close the table below the picture."""
        self.tabs.numbers.close_table()
        super().closed()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take folders."""
        if event is not None and folders_of(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Read the runs of the folders that were dropped."""
        folders = [] if event is None else folders_of(event)
        if event is not None and folders:
            event.acceptProposedAction()
            self.add_runs(folders)

    def enterEvent(self, event: Any) -> None:
        """Look again what the window holds: errors may have been estimated meanwhile."""
        super().enterEvent(event)
        self.refresh()

    def _connect(self) -> None:
        self.table.moved.connect(self.move_fibre)
        self.table.renamed.connect(self._on_renamed)
        self.table.ticked.connect(self._on_ticked)
        self.table.removed.connect(self.remove)
        self.open_button.clicked.connect(self._ask_runs)
        self.remove_button.clicked.connect(self._on_remove)
        self.main_button.clicked.connect(self._start)
        self.status.busy_changed.connect(self._enable)

    def _follow_layers(self) -> None:
        events = self._viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            connect_while_alive(self, emitter, self._on_layers)
        for layer in self._viewer.layers:
            self._watch(layer)

    def _on_layers(self, event: Any) -> None:
        if event.type == "inserted":
            self._watch(event.value)
        self._soon.start()

    def _watch(self, layer: Layer) -> None:
        for emitter in (layer.events.metadata, layer.events.name):
            connect_while_alive(self, emitter, self._on_changed)

    def _on_changed(self, event: Any) -> None:
        del event
        self._soon.start()

    def _found_specimens(self) -> list[SpecimenLayers]:
        found = specimens_with_phases(self._viewer.layers)
        self._specimens = {one.name: one for one in found}
        return found

    def _show_fibres(self) -> None:
        self.hint.setVisible(not self._list.fibres)
        self.table.setVisible(bool(self._list.fibres))
        self.table.show_fibres(self._list.fibres, self._list.styles())
        self.keep_list_in_view()
        self._enable()
        self._freshness.compare()

    def _settings(self) -> tuple[Any, ...]:
        """Return everything that a comparison takes."""
        return tuple(
            (one.state, one.name, one.folder, self._key_of(one)) for one in self._list.included
        )

    def _key_of(self, fibre: ComparedFibre) -> Any:
        if fibre.folder is not None:
            return id(fibre.result)
        specimen = self._specimens.get(fibre.name)
        return None if specimen is None else (specimen.key, tuple(boxes_of(self._viewer)))

    def _on_renamed(self, row: int, state: str) -> None:
        try:
            self._list.rename(row, state)
        except InputError as error:
            self.status.refuse(error)
        QTimer.singleShot(0, self._show_fibres)  # the editor of the table is still open

    def _on_ticked(self, row: int, included: bool) -> None:
        self._list.fibres[row].is_included = included
        QTimer.singleShot(0, self._show_fibres)

    def _on_remove(self) -> None:
        row = self.table.currentRow()
        if row < 0:
            self.status.say("Choose a row first.", problem=True)
            return
        self.remove(row)

    def _ask_runs(self) -> None:
        ask_folder(
            self, "Folder of a finished run, or of a study", lambda path: self.add_runs([path])
        )

    def _on_read(self, read: ReadRuns) -> None:
        self._waiting.clear()
        specimens = self._found_specimens()
        said = [self._list.add_run(run, result, specimens) for run, result in read.runs]
        self._list.follow(specimens)
        self._take_saved()
        self._show_fibres()
        problems = [*read.problems, *filter(None, said)]
        if problems:
            self.status.say(first_of(problems), problem=bool(read.problems))
        if self._compares_next and self._list.included:
            self._start()
        self._compares_next = False

    def _take_saved(self) -> None:
        """Give fibres the order, states and ticks of a saved window."""
        saved = {
            (str(one.get("run") or ""), str(one.get("name"))): one
            for one in self._saved.get("fibres", ())
        }
        for fibre in self._list.fibres:
            one = saved.get(key_of(fibre))
            if one is not None:
                fibre.state = str(one.get("state", fibre.state))
                fibre.is_called_by_folder = False
                fibre.is_included = bool(one.get("included", True))
        if saved:
            self._list.reorder(list(saved))
        self._show_fibres()

    def _start(self) -> None:
        try:
            self._soon.stop()
            self._list.follow(self._found_specimens())
            self._show_fibres()
            fibres = list(self._list.included)
            if not fibres:
                raise InputError(f"There is nothing to compare yet. {EMPTY}")
            work_list = [self._work_of(fibre) for fibre in fibres]
        except InputError as error:
            self.status.refuse(error)
            return
        keys, settings = [self._key_of(one) for one in fibres], self._settings()
        styles = self._list.styles()

        def work(progress: Progress, should_stop: ShouldStop) -> ComparedStates:
            return compare(work_list, progress, should_stop)

        def done(made: ComparedStates) -> None:
            for k, result in made.results.items():
                fibres[k].result, fibres[k].key = result, keys[k]
            self._slices = made.slices
            self._take(made.comparison, settings, styles, fibres)

        layers = tuple(self._specimens[one.name].phases for one in fibres if one.folder is None)
        self.status.run(
            "Compare", work, done, of=InUse(self._viewer, layers, "nothing was compared")
        )

    def _work_of(self, fibre: ComparedFibre) -> FibreWork:
        """Return a fibre for the worker; a specimen whose layers did not change since it was measured
        here is not measured again.
        """
        if fibre.folder is not None:
            return FibreWork(fibre.name, fibre.state, fibre.result)
        known = fibre.result if fibre.key == self._key_of(fibre) else None
        layers = self._specimens[fibre.name]
        folder = known_folder(self._viewer, layers.phases)
        specimen = data_of(layers, boxes_of(self._viewer), folder)
        return FibreWork(fibre.name, fibre.state, known, specimen)

    def _take(
        self,
        comparison: Comparison,
        settings: tuple[Any, ...],
        styles: Mapping[str, Any],
        fibres: Sequence[ComparedFibre],
    ) -> None:
        self._comparison = comparison
        self._compared_runs = {
            (state, one.name): one.folder
            for one, (state, *_) in zip(fibres, settings, strict=True)
            if one.folder is not None
        }
        self.tabs.show_comparison(comparison, styles)
        self.headline.show_lines(headline_of(comparison))
        self._freshness.note(settings)
        note_compared(self._compared_layers(fibres), comparison.names)
        self._enable()
        self._show_saved()

    def _compared_layers(self, fibres: Sequence[ComparedFibre]) -> list[Layer]:
        """Return the phases of the specimens, and of the runs that are open in the window."""
        names = {one.name for one in fibres if one.folder is None}
        results = [one.result for one in fibres if one.folder is not None and one.result]
        return [
            one.phases
            for one in self._specimens.values()
            if one.name in names or any(one.is_of_run(result) for result in results)
        ]

    def _note_late_layers(self) -> None:
        """Note the comparison in phases of a run that came into the window after it was compared."""
        if self._comparison is None or self._freshness.is_stale:
            return
        layers = self._compared_layers(self._list.included)
        note_compared(
            [layer for layer in layers if COMPARED not in layer.metadata], self._comparison.names
        )

    def _show_saved(self) -> None:
        """Show what a saved window showed, once."""
        saved, self._saved = self._saved, {}
        pair = saved.get("pair")
        if pair:
            self.pair = (str(pair[0]), str(pair[1]))
        sizes = self.tabs.sizes
        if "objects" in saved:
            sizes.objects_box.setCurrentIndex(
                max(sizes.objects_box.findText(str(saved["objects"])), 0)
            )
        sizes.weight_box.setCurrentIndex(int(bool(saved.get("by volume", sizes.is_by_volume))))

    def _enable(self, _: Any = None) -> None:
        busy = self.status.busy
        self.main_button.setEnabled(bool(self._list.included) and not busy)
        self.remove_button.setEnabled(bool(self._list.fibres))
        self.study_button.setEnabled(bool(self._list.included) and not busy)
        for button in (self.tables_button, self.figures_button, self.report_button):
            button.setEnabled(self._comparison is not None and not busy)
