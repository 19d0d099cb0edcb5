"""*Save recipe*: asks for the place of the file, and for the data where they are not beside the layers,
and writes it in a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.viewer.forms.path_dialogs import ask_file, ask_folder, ask_place
from napari_snpore.viewer.recipe.request import RecipeRequest, request_of
from napari_snpore.viewer.recipe.steps import WrittenRecipe, write_recipe

_KINDS = "Recipe (*.toml)"


class RecipeSaving(QObject):
    """Saves recipes of specimens of a window.

    Parameters
    ----------
    form : QWidget
        With ``viewer`` and ``status``, which shows the work and says what was written.
    """

    def __init__(self, form: Any) -> None:
        super().__init__(form)
        self._form = form
        self._written: WrittenRecipe | None = None

    def save(self, name: str, path: str | Path, source: str | Path | None = None) -> Path:
        """Write the recipe of a specimen and return its file; the window stays alive meanwhile.

        Raises
        ------
        InputError
            There is nothing to repeat, a history that one recipe cannot say, or a file that is not
            there.
        """
        request = request_of(self._form.viewer, name)
        given = () if source is None else _placed(request, Path(source))
        self._start(request, given, str(path))
        self._form.status.wait()
        if self._form.status.failed or self._written is None:
            raise InputError(self._form.status.message.text().lstrip("⚠ "))
        return self._written.path

    def ask(self, name: str | None) -> QFileDialog | None:
        """Ask for the files of a specimen where they are not beside its data, then for the place of the
        recipe, and write it; does not block.
        """
        try:
            if name is None:
                raise InputError("There is nothing yet whose recipe could be saved: open a file.")
            request = request_of(self._form.viewer, name)
        except InputError as error:
            self._form.status.refuse(error)
            return None
        if request.sources:
            return self._ask_place(request, ())
        title = f"Where is {request.files_in_words}, of which {request.name} was made?"
        if len(request.files) > 1:
            return ask_folder(
                self._form, title, lambda folder: self._take_source(request, Path(folder))
            )
        return ask_file(
            self._form, title, "All files (*)", lambda file: self._take_source(request, Path(file))
        )

    def _take_source(self, request: RecipeRequest, source: Path) -> None:
        try:
            self._ask_place(request, _placed(request, source))
        except InputError as error:
            self._form.status.refuse(error)

    def _ask_place(self, request: RecipeRequest, sources: Sequence[Path]) -> QFileDialog:
        return ask_place(
            self._form,
            "Save recipe",
            f"{request.name}.toml",
            _KINDS,
            lambda path: self._start(request, sources, path),
        )

    def _start(self, request: RecipeRequest, sources: Sequence[Path], path: str) -> None:
        self._written = None

        def work(progress: Progress, should_stop: ShouldStop) -> WrittenRecipe:
            return write_recipe(request, sources, path, progress, should_stop)

        self._form.status.run("Save recipe", work, self._on_written)

    def _on_written(self, written: WrittenRecipe) -> None:
        self._written = written
        self._form.status.say(said_of(written, "snpore run"))


def said_of(written: WrittenRecipe, command: str) -> str:
    """Return what was written, the command that repeats the work, and what that leaves out."""
    repeats = f"'{command} {written.path.name}' repeats the work."
    return " ".join([f"Wrote {written.path}; {repeats}", *written.left_out])


def _placed(request: RecipeRequest, source: Path) -> tuple[Path, ...]:
    """Return the files of a specimen at a place that was chosen: the file, or the folder of several."""
    if len(request.files) < 2:
        return (source,)
    folder = source if source.is_dir() else source.parent
    found = tuple(folder / name for name in request.files)
    missing = next((one for one in found if not one.exists()), None)
    if missing is not None:
        raise InputError(f"{missing} is not there; '{request.name}' was made of it.")
    return found
