"""File dialogs that do not block the window and start beside the data; a callback takes the chosen
path.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from napari.layers import Layer
from napari.utils.history import get_open_history
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_snpore.viewer.forms.docked_widget import DockedWidget
from napari_snpore.viewer.preferences import preferences
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.layers import stem_of

_FOLDERS: weakref.WeakKeyDictionary[Any, dict[str, Path]] = weakref.WeakKeyDictionary()
"""Of each viewer: the folder that a specimen was opened from, by the first part of its layers'
names. Not kept in layers, which are saved and given away.
"""


def note_folder(viewer: Any, layers: Iterable[Layer], path: str | Path) -> None:
    """Remember the folder that layers were opened from; ``path`` is the file, or a saved run."""
    folder = Path(path).absolute().parent
    known = _FOLDERS.setdefault(viewer, {})
    for layer in layers:
        known[stem_of(layer.name)] = folder


def known_folder(viewer: Any, layer: Layer) -> Path | None:
    """Return the folder that the data of a specimen were opened from; None where it is not known."""
    found = _FOLDERS.get(viewer, {}).get(stem_of(layer.name))
    source = getattr(layer.source, "path", None)
    return Path(source).absolute().parent if found is None and source is not None else found


def folder_of(viewer: Any, layer: Layer | None) -> Path:
    """Return where the data of a layer lie: the folder of its specimen, else of any data of the
    window, else the preferred one, else the one that was opened last.
    """
    known = dict(_FOLDERS.get(viewer, {}))
    for one in viewer.layers:  # opened by napari's own menu
        source = getattr(one.source, "path", None)
        if source is not None:
            known.setdefault(stem_of(one.name), Path(source).absolute().parent)
    own = None if layer is None else known.get(stem_of(layer.name))
    opened = [folder for folder in known.values() if folder.is_dir()]
    if own is not None and own.is_dir():
        return own
    if opened:
        return opened[-1]
    return preferences().folder or Path(get_open_history()[0])


def folder_for(parent: QWidget) -> Path:
    """Return where a dialog of a form, or of a part of one, starts: beside the layer of the form."""
    form = parent if isinstance(parent, DockedWidget) else ancestor(parent, DockedWidget)
    if not isinstance(form, DockedWidget):
        return preferences().folder or Path(get_open_history()[0])
    layer = getattr(form, "layer", None) or form.viewer.layers.selection.active
    return folder_of(form.viewer, layer)


def ask_place(
    parent: QWidget, title: str, name: str, kinds: str, write: Callable[[str], None]
) -> QFileDialog:
    """Open a dialog for a file to write, beside the data; the first of the kinds is the default."""
    dialog = QFileDialog(parent, title, str(folder_for(parent) / name), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(Path(name).suffix.lstrip("."))
    dialog.filterSelected.connect(
        lambda kind: dialog.setDefaultSuffix(kind.split(".")[-1].rstrip(")"))
    )
    return _shown(dialog, write)


def ask_new_folder(
    parent: QWidget, title: str, name: str, write: Callable[[str], None]
) -> QFileDialog:
    """Open a dialog for a folder to write, beside the data; ``write`` decides what the folder may
    hold already.
    """
    dialog = QFileDialog(parent, f"{title}: name of the folder", str(folder_for(parent)))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    for option in (
        QFileDialog.Option.DontConfirmOverwrite,
        QFileDialog.Option.DontUseNativeDialog,  # those ask for a file
        QFileDialog.Option.ShowDirsOnly,
    ):
        dialog.setOption(option)
    dialog.selectFile(name)
    return _shown(dialog, write)


def ask_folder(parent: QWidget, title: str, write: Callable[[str], None]) -> QFileDialog:
    """Open a dialog for a folder that exists, beside the data."""
    dialog = QFileDialog(parent, title, str(folder_for(parent)))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    return _shown(dialog, write)


def ask_file(parent: QWidget, title: str, kinds: str, read: Callable[[str], None]) -> QFileDialog:
    """Open a dialog for one file that exists, beside the data."""
    dialog = QFileDialog(parent, title, str(folder_for(parent)), kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return _shown(dialog, read)


def _shown(dialog: QFileDialog, take: Callable[[str], None]) -> QFileDialog:
    dialog.setModal(False)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(take)
    dialog.show()
    return dialog
