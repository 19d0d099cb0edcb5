"""File dialogs that do not block the window; a callback takes the chosen path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget


def ask_place(
    parent: QWidget, title: str, name: str, kinds: str, write: Callable[[str], None]
) -> None:
    """Open a dialog for a file to write; the first of the kinds is the default."""
    dialog = QFileDialog(parent, title, name, kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(Path(name).suffix.lstrip("."))
    dialog.filterSelected.connect(
        lambda kind: dialog.setDefaultSuffix(kind.split(".")[-1].rstrip(")"))
    )
    dialog.setModal(False)
    dialog.fileSelected.connect(write)
    dialog.show()


def ask_new_folder(parent: QWidget, title: str, name: str, write: Callable[[str], None]) -> None:
    """Open a dialog for a folder to write; ``write`` decides what the folder may hold already."""
    dialog = QFileDialog(parent, f"{title}: name of the folder", str(Path.cwd()))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    for option in (
        QFileDialog.Option.DontConfirmOverwrite,
        QFileDialog.Option.DontUseNativeDialog,  # those ask for a file
        QFileDialog.Option.ShowDirsOnly,
    ):
        dialog.setOption(option)
    dialog.selectFile(name)
    dialog.setModal(False)
    dialog.fileSelected.connect(write)
    dialog.show()


def ask_file(parent: QWidget, title: str, kinds: str, read: Callable[[str], None]) -> None:
    """Open a dialog for one file that exists."""
    dialog = QFileDialog(parent, title, "", kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setModal(False)
    dialog.fileSelected.connect(read)
    dialog.show()
