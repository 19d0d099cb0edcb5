"""*Save study*: the list of fibres as a study for ``snpore compare``, written in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.viewer.compare.form import EMPTY
from napari_snpore.viewer.compare.sample import is_of_sample
from napari_snpore.viewer.forms.path_dialogs import ask_new_folder
from napari_snpore.viewer.recipe.request import request_of
from napari_snpore.viewer.recipe.saving import said_of
from napari_snpore.viewer.recipe.steps import StudyRow, WrittenRecipe, write_study

if TYPE_CHECKING:
    from napari_snpore.viewer.compare.widget import CompareWidget

_OF_SAMPLE = "The runs of the sample are gone when the program ends: compare before, or use runs of your own."


class StudySaving(QObject):
    """The button *Save study* of a form, and what it writes."""

    def __init__(self, form: CompareWidget) -> None:
        super().__init__(form)
        self._form = form
        self._written: WrittenRecipe | None = None
        form.study_button.clicked.connect(self._ask)

    def save(self, folder: str | Path) -> Path:
        """Write the study and return its file; the window stays alive meanwhile."""
        self._start(str(folder))
        self._form.status.wait()
        if self._form.status.failed or self._written is None:
            raise InputError(self._form.status.message.text().lstrip("⚠ "))
        return self._written.path

    def _ask(self) -> None:
        def chosen(folder: str) -> None:
            try:
                self._start(folder)
            except InputError as error:
                self._form.status.refuse(error)

        try:
            self._rows()  # what cannot be saved is said before a folder is asked for
        except InputError as error:
            self._form.status.refuse(error)
            return
        ask_new_folder(self._form, "Save the study", "study", chosen)

    def _rows(self) -> list[StudyRow]:
        """Return the fibres that take part, in their order."""
        self._form.refresh()
        fibres = [one for one in self._form.fibres if one.is_included]
        if not fibres:
            raise InputError(f"There is no fibre to save a study of. {EMPTY}")
        rows = []
        for one in fibres:
            request = None
            if one.folder is None:
                phases = self._form.specimens[one.name].phases
                request = request_of(self._form.viewer, one.name, phases=phases)
            rows.append(StudyRow(one.state, one.name, one.folder, request))
        return rows

    def _start(self, folder: str) -> None:
        self._written = None
        rows, title = self._rows(), Path(folder).name

        def work(progress: Progress, should_stop: ShouldStop) -> WrittenRecipe:
            return write_study(rows, folder, title, progress, should_stop)

        self._form.status.run("Save study", work, self._on_written)

    def _on_written(self, written: WrittenRecipe) -> None:
        self._written = written
        said = said_of(written, "snpore compare")
        if any(one.folder is not None and is_of_sample(one.folder) for one in self._form.fibres):
            said += f" {_OF_SAMPLE}"
        self._form.status.say(said)
