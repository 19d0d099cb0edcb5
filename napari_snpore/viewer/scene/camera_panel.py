"""Named views of the 3D scene."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton

from napari_snpore.errors import InputError
from napari_snpore.viewer.forms.form import Fold
from napari_snpore.viewer.scene.cameras import VIEW_NAMES, cameras_of
from napari_snpore.viewer.shared.events import connect_while_alive

_PERSPECTIVE_DEG = 45.0


class CameraPanel(Fold):
    """Keeps views under names and returns to them.

    Signals
    -------
    failed : str
        One sentence.
    """

    failed = Signal(str)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__("Views")
        self._viewer = viewer
        self.cameras = cameras_of(viewer)
        self._shown = ""  # the view that was gone to or kept last
        self.names = QComboBox()
        self.names.setEditable(True)
        self.names.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.names.setToolTip(
            "Choose a view to go to, or type a name to keep the present one under.\n"
            "From the front, top and side: as XY, XZ and ZY lie; along the fibre: by the phases."
        )
        self.names.activated.connect(self._go)
        self.form.addRow("View", self.names)
        self.keep_button = _button(
            "Keep",
            (
                "Keeps the present view of the camera under this name, in place of an earlier one. The same view of\n"
                "several states makes their figures comparable."
            ),
            self._keep,
        )
        self.rename_button = _button(
            "Rename", "Give the view that was chosen the name typed above.", self._rename
        )
        self.remove_button = _button("Remove", "Forget the view that was chosen.", self._remove)
        line = QHBoxLayout()
        for button in (self.keep_button, self.rename_button, self.remove_button):
            line.addWidget(button)
        self.form.addRow(line)
        self.perspective = QCheckBox("perspective")
        self.perspective.setToolTip(
            "Perspective: near things look larger. Without it the scale bar is right at every depth."
        )
        self.perspective.toggled.connect(self._on_perspective)
        self.form.addRow(self.perspective)
        connect_while_alive(self, viewer.scene.camera.events.perspective, self._take_perspective)
        self._take_perspective()
        self.refresh()

    def refresh(self) -> None:
        """List the views."""
        self.names.clear()
        self.names.addItems([*self.cameras.views, *VIEW_NAMES])
        self.names.setCurrentIndex(-1)
        edit = self.names.lineEdit()
        if edit is not None:
            edit.setPlaceholderText("choose, or name")
        self._show("")

    def keep(self, name: str = "") -> str:
        """Keep the present view, in place of one of this name; return its name."""
        name = self.cameras.keep(self._viewer, name)
        self.refresh()
        self._show(name)
        return name

    def go(self, name: str) -> None:
        """Go to a view."""
        self.cameras.show(self._viewer, name)
        self._show(name)

    def rename(self, name: str, new: str) -> None:
        """Give a kept view another name."""
        self.cameras.rename(name, new)
        self.refresh()
        self._show(new.strip())

    def remove(self, name: str) -> None:
        """Forget a kept view."""
        self.cameras.remove(name)
        self.refresh()

    def _show(self, name: str) -> None:
        self._shown = name
        self.names.setCurrentText(name)
        self.rename_button.setEnabled(name in self.cameras.views)
        self.remove_button.setEnabled(name in self.cameras.views)

    def _keep(self) -> None:
        self._try(lambda: self.keep(self.names.currentText()))

    def _rename(self) -> None:
        self._try(lambda: self.rename(self._shown, self.names.currentText()))

    def _remove(self) -> None:
        self._try(lambda: self.remove(self._shown))

    def _go(self, index: int) -> None:
        self._try(lambda: self.go(self.names.itemText(index)))

    def _try(self, deed: Callable[[], Any]) -> None:
        try:
            deed()
        except InputError as error:
            self.failed.emit(str(error))

    def _on_perspective(self, on: bool) -> None:
        if on != (self._viewer.scene.camera.perspective > 0):
            self._viewer.scene.camera.perspective = _PERSPECTIVE_DEG if on else 0.0

    def _take_perspective(self, event: Any = None) -> None:
        """Follow a view that was returned to, and what the user sets in napari."""
        del event
        self.perspective.setChecked(self._viewer.scene.camera.perspective > 0)


def _button(text: str, tip: str, clicked: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(clicked)
    return button
