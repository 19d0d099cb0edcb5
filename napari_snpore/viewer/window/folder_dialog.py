"""The dialogs that ask for the folder of a window: Qt's own look, so that they are the same everywhere; not modal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QApplication, QFileDialog, QMainWindow, QWidget

from napari_snpore.viewer.window.manifest import is_window_folder


class FolderDialog(QFileDialog):
    """Asks where to save: a new name, or a folder that holds a saved window already, which will be replaced."""

    def accept(self) -> None:
        """Take a folder of ours as it is; Qt would only show what is inside of it."""
        chosen = self.selectedFiles()
        if self.acceptMode() == QFileDialog.AcceptMode.AcceptSave and chosen and is_window_folder(chosen[0]):
            self.fileSelected.emit(chosen[0])
            self.done(QFileDialog.DialogCode.Accepted)
            return
        super().accept()


def ask_where_to_save(name: str, chosen: Callable[[str], object]) -> FolderDialog:
    """Ask for the folder to save to; ``name`` is proposed."""
    dialog = FolderDialog(_main_window(), "Save window: name of the folder", str(Path.cwd()))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # a folder that is not ours is refused anyway
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.selectFile(name)
    return _show(dialog, chosen)


def ask_what_to_open(chosen: Callable[[str], object]) -> FolderDialog:
    """Ask for a folder that holds a saved window."""
    dialog = FolderDialog(_main_window(), "Open window: its folder", str(Path.cwd()))
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
    """Return the window that owns a dialog, so that it is not forgotten while it is open."""
    active = QApplication.activeWindow()
    if isinstance(active, QMainWindow):
        return active
    return next(
        (one for one in QApplication.topLevelWidgets() if isinstance(one, QMainWindow) and one.isVisible()), None
    )
