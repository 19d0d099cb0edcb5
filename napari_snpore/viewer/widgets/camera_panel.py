"""Named views of the 3D scene."""

from __future__ import annotations

from napari.components import ViewerModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton

from napari_snpore.errors import InputError
from napari_snpore.viewer.scene.cameras import AXIS_VIEWS, cameras_of
from napari_snpore.viewer.widgets.form import Fold

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
        self.names = QComboBox()
        self.names.setEditable(True)
        self.names.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.names.setToolTip("Choose a view to go to, or type a name to keep the present one under.")
        self.names.activated.connect(self._go)
        self.keep_button = QPushButton("Keep")
        self.keep_button.setToolTip(
            "Keep where the camera is now; the same view of other states makes figures comparable."
        )
        self.keep_button.clicked.connect(self._keep)
        line = QHBoxLayout()
        line.addWidget(self.names, 1)
        line.addWidget(self.keep_button)
        self.form.addRow("View", line)
        self.perspective = QCheckBox("perspective")
        self.perspective.setToolTip("Near things larger. Without it the scale bar holds at every depth.")
        self.perspective.setChecked(viewer.scene.camera.perspective > 0)
        self.perspective.toggled.connect(self._on_perspective)
        self.form.addRow(self.perspective)
        self.refresh()

    def refresh(self) -> None:
        """List the views."""
        self.names.clear()
        self.names.addItems([*self.cameras.views, *AXIS_VIEWS])
        self.names.setCurrentIndex(-1)
        edit = self.names.lineEdit()
        if edit is not None:
            edit.setPlaceholderText("choose, or name")

    def keep(self, name: str = "") -> str:
        """Keep the present view; return its name."""
        name = self.cameras.keep(self._viewer, name)
        self.refresh()
        self.names.setCurrentText(name)
        return name

    def go(self, name: str) -> None:
        """Go to a view."""
        self.cameras.show(self._viewer, name)

    def _keep(self) -> None:
        typed = self.names.currentText().strip()
        try:
            self.keep("" if typed in AXIS_VIEWS or typed in self.cameras.views else typed)
        except InputError as error:
            self.failed.emit(str(error))

    def _go(self, index: int) -> None:
        try:
            self.go(self.names.itemText(index))
        except InputError as error:
            self.failed.emit(str(error))

    def _on_perspective(self, on: bool) -> None:
        self._viewer.scene.camera.perspective = _PERSPECTIVE_DEG if on else 0.0
