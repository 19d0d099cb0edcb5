"""Adding and removing boxes: cubes placed by the envelope, at the cross-hair, or drawn on a slice;
undo and redo.
"""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.history import recorded_cut_axes
from napari_snpore.subvolume import NamedBox, center_and_edge_boxes, fibre_width
from napari_snpore.viewer.forms.form import NumberBox
from napari_snpore.viewer.forms.layer_choice import LayerChoice
from napari_snpore.viewer.shared.boxes import Boxes
from napari_snpore.viewer.shared.events import breathe
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.layers import volume_from_layer
from napari_snpore.viewer.shared.worker import InUse, StepStatus
from napari_snpore.viewer.slices.widget import open_slices_of
from napari_snpore.volume import Triple, Volume

_PLUGIN, _SLICES = "napari-snpore", "Ortho slices"
_USUAL_CUBE = 0.3
"""Edge of a new cube as a share of the fibre's width: 0.6 of its radius, as in a run."""


class BoxPlacing(QWidget):
    """The line of buttons above the table; ``size`` is the field for the edge of a new cube, for a
    row of the form.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    boxes : Boxes
        Its boxes.
    phases : LayerChoice
        Whose envelope places the cubes.
    status : StepStatus
        Where work and refusals are shown.
    """

    def __init__(
        self, viewer: ViewerModel, boxes: Boxes, phases: LayerChoice, status: StepStatus
    ) -> None:
        super().__init__()
        self._viewer, self._boxes, self._phases, self._status = viewer, boxes, phases, status
        self._size_chosen = self._is_sized = False
        self._sizing = LatestTask(self)
        self._sizing.done.connect(self._on_sized)
        self.cube_size = NumberBox(
            20.0,
            0.01,
            1e6,
            step=1.0,
            tip="Edge of a new cube in nm; at first 0.6 of the fibre's radius.",
        )
        self.cube_size.valueChanged.connect(self._on_size)
        self.preset_button = self._button(
            "Centre and edge",
            "Place one cube on the fibre's axis and one just below its surface, across the beam, by the envelope of the phases.",
        )
        self.preset_button.clicked.connect(self.place_presets)
        self.add_button = self._button("At cross-hair", "Add a cube where the ortho slices cross.")
        self.add_button.clicked.connect(self._add_here)
        self.draw_button = self._button(
            "Draw",
            "Drag a rectangle on one of the ortho slices, which are opened if they are closed; it becomes a box.",
        )
        self.draw_button.setCheckable(True)
        self.draw_button.toggled.connect(self._draw)
        self.remove_button = self._button(
            "Remove", "Removes the selected box; Ctrl+Z brings it back."
        )
        self.remove_button.clicked.connect(self._remove)
        self.undo_button = self._button(
            "↶", "Back to the boxes before (Ctrl+Z); again with Ctrl+Shift+Z."
        )
        self.undo_button.clicked.connect(boxes.undo)
        self.undo_button.setMaximumWidth(26)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        for button in (
            self.preset_button,
            self.add_button,
            self.draw_button,
            self.remove_button,
            self.undo_button,
        ):
            line.addWidget(button)

    def enable(self, *, can_cut: bool) -> None:
        """Let those be pressed that can do something; ``can_cut``: whether there is a layer to
        place boxes in.
        """
        self.preset_button.setEnabled(self._phases.layer is not None and not self._status.busy)
        self.add_button.setEnabled(can_cut)
        self.draw_button.setEnabled(can_cut)
        self.remove_button.setEnabled(self._boxes.selected >= 0)
        self.undo_button.setEnabled(self._boxes.history.can_go_back)

    def show_layer(self, layer: Layer | None) -> None:
        """Take the usual cube of other phases, a share of the fibre's width, unless the user has
        chosen one.
        """
        if layer is None or self._size_chosen:
            return
        try:
            phases = volume_from_layer(layer)
        except InputError:
            return  # said where it is counted
        self._is_sized = False
        self._sizing.ask(lambda should_stop: _usual_edge(phases))

    def place_presets(self) -> None:
        """Place the centre and the edge cube by the envelope, in a thread; of the usual size where
        that is not known yet.
        """
        try:
            layer = self._phases.required()
            phases = volume_from_layer(layer)
        except InputError as error:
            self._status.refuse(error)
            return
        known = self.cube_size.value() if self._size_chosen or self._is_sized else None

        def work(progress: Progress, should_stop: ShouldStop) -> tuple[float, dict[str, Triple]]:
            size = _usual_edge(phases) if known is None else known
            envelope = np.asarray(phases.data) > 0
            check_stop(should_stop)
            return size, center_and_edge_boxes(
                envelope,
                spacing=phases.spacing,
                origin=phases.origin,
                size_nm=size,
                fibre_axis=_fibre_axis(phases),
            )

        def done(made: tuple[float, dict[str, Triple]]) -> None:
            size, found = made
            self._boxes.remember()
            for name, center in found.items():
                self._boxes.put(NamedBox(name, center, (size,) * 3))
                breathe(self._viewer)
            self._status.say(f"Placed by the envelope of '{layer.name}'.", of=of)

        of = InUse(self._viewer, (layer,), "nothing was placed")
        self._status.run("Place cubes", work, done, of=of)

    def wait(self) -> None:
        """Return when the usual cube is known; the window stays alive meanwhile. For scripts."""
        self._sizing.wait()

    def closed(self) -> None:
        """Stop what runs, and let the slices draw no more."""
        self._sizing.drop()
        self.draw_button.setChecked(False)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        return button

    def _on_size(self) -> None:
        self._size_chosen = True

    def _on_sized(self, edge_nm: float) -> None:
        self._is_sized = True
        if not self._size_chosen:
            self.cube_size.blockSignals(True)
            self.cube_size.setValue(edge_nm)
            self.cube_size.blockSignals(False)

    def _add_here(self) -> None:
        z, y, x = (float(place) for place in self._viewer.dims.point[-3:])
        self._boxes.remember()
        self._boxes.put(NamedBox(self._boxes.new_name(), (z, y, x), (self.cube_size.value(),) * 3))

    def _remove(self) -> None:
        self._boxes.remember()
        self._boxes.remove(self._boxes.selected)

    def _draw(self, on: bool) -> None:
        """Let a drag on any slice draw a box; slices that are opened later know of it too."""
        self._boxes.drawing = on
        if not on or open_slices_of(self._viewer) is not None:
            return
        window = getattr(self._viewer, "window", None)
        if window is None:
            self.draw_button.setChecked(False)
            self._status.refuse(
                InputError(
                    "Boxes are drawn on the ortho slices, and there is no window to open them in."
                )
            )
            return
        dock, _ = window.add_plugin_dock_widget(_PLUGIN, _SLICES)
        dock.show()


def _fibre_axis(phases: Volume) -> int:
    axes = recorded_cut_axes(phases.history)
    return axes[0] if axes else 1


def _usual_edge(phases: Volume) -> float:
    """Return the usual edge (nm) of a cube, with two digits."""
    return float(f"{_USUAL_CUBE * _width_of(phases):.2g}")


def _width_of(phases: Volume) -> float:
    """Return how wide (nm) the fibre is half way along; only there its voxels are read."""
    axis = _fibre_axis(phases)
    middle = phases.shape[axis] // 2
    planes = [slice(None)] * 3
    planes[axis] = slice(max(0, middle - 2), middle + 3)
    return fibre_width(
        np.asarray(phases.data[tuple(planes)]) > 0, spacing=phases.spacing, fibre_axis=axis
    )
