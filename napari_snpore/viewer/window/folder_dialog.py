"""Dialogs for the folder of a saved window, drawn by Qt itself so that they are the same on every
system; not modal.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QApplication, QFileDialog, QMainWindow, QWidget

from napari_snpore.viewer.window.manifest import is_window_folder


class FolderDialog(QFileDialog):
    """Dialog for the folder to save to: a new name, or a folder with a saved window, which will be
    replaced.
    """

    def accept(self) -> None:
        """Accept a folder with a saved window; Qt's dialog would enter the folder instead."""
        chosen = self.selectedFiles()
        if (
            self.acceptMode() == QFileDialog.AcceptMode.AcceptSave
            and chosen
            and is_window_folder(chosen[0])
        ):
            self.fileSelected.emit(chosen[0])
            self.done(QFileDialog.DialogCode.Accepted)
            return
        super().accept()


def ask_where_to_save(name: str, chosen: Callable[[str], object], *, beside: Path) -> FolderDialog:
    """Open a dialog for the folder to save to, with ``name`` in the folder ``beside`` as the
    proposal; ``chosen`` is called with the path.
    """
    dialog = FolderDialog(_main_window(), "Save window: name of the folder", str(beside))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setOption(
        QFileDialog.Option.DontConfirmOverwrite
    )  # a folder with other contents is refused later
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.selectFile(name)
    return _show(dialog, chosen)


def ask_what_to_open(chosen: Callable[[str], object], *, beside: Path) -> FolderDialog:
    """Open a dialog for a folder with a saved window, at the folder ``beside``; ``chosen`` is called
    with its path.
    """
    dialog = FolderDialog(_main_window(), "Open window: its folder", str(beside))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    return _show(dialog, chosen)


def _show(dialog: FolderDialog, chosen: Callable[[str], object]) -> FolderDialog:
    dialog.setModal(False)
    dialog.fileSelected.connect(chosen)
    dialog.show()
    return dialog


def _main_window() -> QWidget | None:
    """Return the main window; as parent of a dialog it keeps the dialog alive."""
    active = QApplication.activeWindow()
    if isinstance(active, QMainWindow):
        return active
    return next(
        (
            one
            for one in QApplication.topLevelWidgets()
            if isinstance(one, QMainWindow) and one.isVisible()
        ),
        None,
    )
