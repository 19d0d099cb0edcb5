"""The Ortho slices widget: three linked slices, and beside them where they are, how thick, how wide, and what is measured."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import napari.components
import numpy as np
from napari.layers import Image, Labels, Layer
from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_snpore.errors import InputError
from napari_snpore.viewer.docking import stand_below
from napari_snpore.viewer.events import connect_while_alive, plain_viewer
from napari_snpore.viewer.latest import LatestWork
from napari_snpore.viewer.layers import array_from_layer, has_scale, kind_of, volume_from_layer
from napari_snpore.viewer.ortho.linked_views import LinkedViews
from napari_snpore.viewer.ortho.mirror import can_be_sliced
from napari_snpore.viewer.ortho.positions import keep_position, position_named, position_names, positions_layer
from napari_snpore.viewer.ortho.ruler import Measured, Ruler, keep_line, line_profile
from napari_snpore.viewer.ortho.scene_planes import ScenePlanes
from napari_snpore.viewer.plots.line_plot import LinePlot
from napari_snpore.viewer.tasks import StepStatus
from napari_snpore.viewer.widgets.form import FormScroll, MainButton, NumberBox, ResultText, form_layout, number
from napari_snpore.viewer.widgets.layer_choice import LayerChoice
from napari_snpore.viewer.widgets.oblique_panel import ObliquePanel
from napari_snpore.volume import Triple

PAPER_FIELD_NM = 38.4
"""Field of view of the slices in the source workflow (doi 10.1002/adma.202307151)."""

_THICK = {"single slice": None, "mean over": "mean", "maximum over": "max"}
_EMPTY = "Drop a volume on the window, or open File > Open Sample"


_OPEN: weakref.WeakSet[OrthoSlicesWidget] = weakref.WeakSet()


def open_slices_of(viewer: napari.components.ViewerModel) -> OrthoSlicesWidget | None:
    """Return the ortho slices that are open on a window; None without one."""
    alive = (widget for widget in _OPEN if isalive(widget) and widget.parentWidget() is not None)
    return next((widget for widget in alive if widget.shows(viewer)), None)


class OrthoSlicesWidget(QWidget):
    """Three linked slices of all volumes and labels of the window.

    Parameters
    ----------
    viewer : ViewerModel
        napari passes its own.

    Examples
    --------
    In napari's console::

        widget = OrthoSlicesWidget(viewer)
        widget.position = (12.0, 20.0, 20.0)
        widget.field_of_view = 38.4
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self._viewer = plain_viewer(viewer)
        self._settled = False
        self._soon = QTimer(self)  # once napari has made the dock
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._settle)
        self.ruler = Ruler(self._on_line)
        self._line: Measured | None = None
        self._profile = LatestWork(self)
        self._profile.done.connect(self._show_profile)
        self._profile.failed.connect(self._complain)
        self.planes = ScenePlanes(self._viewer, self)
        corner = self._corner()
        self.linked = LinkedViews(self._viewer, corner, self)
        for view in self.linked.views.values():
            view.touches.insert(0, self.ruler)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.addWidget(self.linked)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.linked.position_changed.connect(self._on_position)
        self._layers.layer_changed.connect(self._on_layer)
        self._layers.scale_changed.connect(self._on_scale)
        connect_while_alive(self, self._viewer.layers.events.inserted, self._list_positions)
        connect_while_alive(self, self._viewer.layers.events.removed, self._list_positions)
        self._list_positions()
        self._on_layer(self._layers.layer)
        self._on_position(self.linked.position)
        _OPEN.add(self)

    def shows(self, viewer: napari.components.ViewerModel) -> bool:
        """Say whether these are the slices of a window."""
        return self._viewer is plain_viewer(viewer)

    @property
    def layer(self) -> Layer | None:
        """The layer whose voxels are counted, and whose grey values profiles and oblique slices show."""
        return self._layers.layer

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        self._layers.layer = layer

    @property
    def position(self) -> Triple:
        """The point (z, y, x) in nm where the slices cross."""
        return self.linked.position

    @position.setter
    def position(self, point: Triple) -> None:
        self.linked.move_to(point)

    @property
    def field_of_view(self) -> float:
        """Side of the field around the cross-hair (nm); 0 shows everything."""
        return float(self.field.value())

    @field_of_view.setter
    def field_of_view(self, side_nm: float) -> None:
        self.field.setValue(side_nm)
        self._fit()

    def state(self) -> Mapping[str, Any]:
        """Return what is shown how; the position is that of the window."""
        return {
            "layer": None if self.layer is None else self.layer.name,
            "field_nm": self.field_of_view,
            "thick_way": self.thick_way.currentText(),
            "thickness_nm": self.thickness.value(),
            "in_scene": self.in_scene.isChecked(),
            "camera": self.linked.camera(),
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        if state.get("layer") in layers:
            self.layer = layers[state["layer"]]
        self.field_of_view = float(state.get("field_nm", 0.0))
        self.thickness.setValue(float(state.get("thickness_nm", self.thickness.value())))
        self.thick_way.setCurrentText(str(state.get("thick_way", self.thick_way.currentText())))
        if state.get("camera"):
            self.linked.look_at(**state["camera"])
        if state.get("in_scene") and self.layer is not None:
            self.layer.visible = True  # it was hidden for its planes; they hide it again, and give it back when they go
            self.in_scene.setChecked(True)

    def closed(self) -> None:
        """Take the planes out of the scene and let go of the canvases."""
        self._profile.drop()
        self.oblique.closed()
        self.planes.hide()

    def showEvent(self, event: Any) -> None:
        """Stand below the picture the first time."""
        super().showEvent(event)
        if not self._settled:
            self._settled = True
            self._soon.start()

    def event(self, event: Any) -> bool:
        """Notice that the dock was closed."""
        if event is not None and event.type() == event.Type.ParentChange and self.parentWidget() is None:
            self.closed()
        return bool(super().event(event))

    def keep(self, name: str = "") -> str:
        """Keep the present position under a name, numbered where it is empty; return the name."""
        name = keep_position(self._viewer, name, self.position)
        self._list_positions()
        self.positions.setCurrentText(name)
        return name

    def go_to(self, name: str) -> None:
        """Return to a position that was kept.

        Raises
        ------
        InputError
            There is none of this name.
        """
        self.linked.move_to(position_named(self._viewer, name))

    def _corner(self) -> QWidget:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(6)
        self._layers = LayerChoice(
            self._viewer,
            lambda layer: isinstance(layer, (Image, Labels)) and can_be_sliced(layer),
            empty=_EMPTY,
            what="volume",
        )
        self._layers.setToolTip(
            "Whose voxels are counted, and whose values the profile, the 3D planes and the oblique slice show."
        )
        rows = form_layout()
        column.addLayout(rows)
        rows.addRow("Values of", self._layers)
        rows.addRow(self._layers.hint())
        self._place_rows(rows)
        self._view_rows(rows)
        self._measure_rows(rows)
        self.profile_plot = LinePlot("distance (nm)", "grey value")
        self.profile_plot.setVisible(False)
        column.addWidget(self.profile_plot)
        self.oblique = ObliquePanel(self._viewer, self._place)
        column.addWidget(self.oblique)
        self.status = StepStatus()
        column.addWidget(self.status)
        self.oblique.failed.connect(self._complain)
        self.oblique.saved.connect(self.status.say)
        column.addStretch(1)
        scroll = FormScroll()
        scroll.setWidget(inside)
        return scroll

    def _place_rows(self, rows: QFormLayout) -> None:
        self.boxes: list[NumberBox] = []
        line = QHBoxLayout()
        for axis in "zyx":
            box = NumberBox(
                0.0, -1e7, 1e7, step=1.0, tip=f"{axis} of the cross-hair in nm, the origin of the volume included."
            )
            box.valueChanged.connect(self._on_box)
            self.boxes.append(box)
            box.setButtonSymbols(NumberBox.ButtonSymbols.NoButtons)
            box.setMinimumWidth(60)
            line.addWidget(box, 1)
        rows.addRow("z, y, x (nm)", line)
        self.voxel_text = ResultText("Voxel of the chosen layer under the cross-hair, and its value.")
        rows.addRow(self.voxel_text)
        self.positions = QComboBox()
        self.positions.setEditable(True)
        self.positions.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.positions.setToolTip("A name to keep this position under, or one to return to.")
        edit = self.positions.lineEdit()
        if isinstance(edit, QLineEdit):
            edit.setPlaceholderText("name, or empty")
        self.positions.activated.connect(self._on_chosen)
        keep = QPushButton("Keep")
        keep.setToolTip("Keep the present position under this name; it becomes a cross in the picture.")
        keep.clicked.connect(self._keep_this)
        line = QHBoxLayout()
        line.addWidget(self.positions, 1)
        line.addWidget(keep)
        rows.addRow("Position", line)

    def _view_rows(self, rows: QFormLayout) -> None:
        self.thick_way = QComboBox()
        self.thick_way.addItems(list(_THICK))
        self.thick_way.setToolTip("Grey values projected across each slice; labels stay single slices.")
        self.thickness = NumberBox(
            2.0, 0.0, 1e5, step=0.5, tip="Thickness of the projected slab (nm), half on each side."
        )
        self.thickness.setEnabled(False)
        self.thick_way.currentTextChanged.connect(self._on_thick)
        self.thickness.valueChanged.connect(self._on_thick)
        line = QHBoxLayout()
        line.addWidget(self.thick_way, 1)
        line.addWidget(self.thickness)
        rows.addRow("Thick slice (nm)", line)
        self.field = NumberBox(
            0.0,
            0.0,
            1e6,
            step=5.0,
            decimals=1,
            tip="Side of the square around the cross-hair that each slice shows. 0: everything.",
        )
        self.field.setSpecialValueText("all")
        self.field.valueChanged.connect(self._fit)
        preset = QToolButton()
        preset.setText(f"{PAPER_FIELD_NM:g}")
        preset.setToolTip(f"{PAPER_FIELD_NM:g} nm, the field of view of the slices in Ma et al. 2024.")
        preset.clicked.connect(self._paper_field)
        whole = QToolButton()
        whole.setText("all")
        whole.setToolTip("Show everything.")
        whole.clicked.connect(self._show_all)
        line = QHBoxLayout()
        line.addWidget(self.field, 1)
        line.addWidget(preset)
        line.addWidget(whole)
        rows.addRow("Field of view (nm)", line)
        self.in_scene = QCheckBox("these planes in the 3D view")
        self.in_scene.setToolTip("Show the three planes of the chosen layer where they lie, in napari's own 3D view.")
        self.in_scene.toggled.connect(self._show_planes)
        rows.addRow(self.in_scene)

    def _measure_rows(self, rows: QFormLayout) -> None:
        self.ruler_button = MainButton(
            "Measure a distance", "While pressed: drag a line on a slice; its length and profile stand below."
        )
        self.ruler_button.setCheckable(True)
        self.ruler_button.toggled.connect(self._on_ruler)
        self.keep_line_button = QPushButton("Keep")
        self.keep_line_button.setToolTip("Keep the line as a shape with its length.")
        self.keep_line_button.setEnabled(False)
        self.keep_line_button.clicked.connect(self._keep_line)
        line = QHBoxLayout()
        line.addWidget(self.ruler_button, 1)
        line.addWidget(self.keep_line_button)
        rows.addRow(line)
        self.line_text = ResultText("Straight distance between the two ends, from the voxel size of the layers.")
        rows.addRow(self.line_text)

    def _on_layer(self, layer: Layer | None) -> None:
        grey = isinstance(layer, Image)
        self.in_scene.setEnabled(grey)
        if self.planes.shown and grey:
            self._pin(None)
            self.planes.show(layer, self.position)
            self._pin(layer)
        self._write_voxel()
        self.oblique.refresh()

    def _on_scale(self) -> None:
        self._fit()
        self._on_layer(self._layers.layer)

    def _on_position(self, point: Triple) -> None:
        for box, value in zip(self.boxes, point, strict=True):
            blocked = box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(blocked)
        self._write_voxel()
        self.planes.move(point)
        self.oblique.refresh()

    def _on_box(self) -> None:
        z, y, x = (float(box.value()) for box in self.boxes)
        self.linked.move_to((z, y, x))

    def _write_voxel(self) -> None:
        layer = self._layers.layer
        if layer is None:
            self.voxel_text.show_lines([])
            return
        where = np.rint((np.array(self.position) - layer.translate) / layer.scale).astype(int)
        words = "voxel " + ", ".join(f"{axis} {k}" for axis, k in zip("zyx", where, strict=True))
        data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
        inside = ((where >= 0) & (where < data.shape[:3])).all()
        if not inside:
            words = "the cross-hair is outside this layer"
        elif isinstance(data, np.ndarray):
            words += f": value {number(float(data[tuple(where)]), 4)}"
        if not has_scale(layer):
            words += " · ⚠ this layer has no voxel size: positions are in voxels, not nm"
        self.voxel_text.show_lines([words])

    def _on_thick(self, _: Any = None) -> None:
        mode = _THICK[self.thick_way.currentText()]
        self.thickness.setEnabled(mode is not None)
        for view in self.linked.views.values():
            view.mirror.project(mode)
            view.show_thickness(self.thickness.value() if mode is not None else 0.0)

    def _fit(self, _: Any = None) -> None:
        self.linked.fit(self.field.value() or None)

    def _show_all(self) -> None:
        if self.field.value():
            self.field.setValue(0.0)
        else:
            self._fit()

    def _show_planes(self, on: bool) -> None:
        layer = self._layers.layer
        if not on or not isinstance(layer, Image):
            self._pin(None)
            self.planes.hide()
            return
        try:
            array_from_layer(layer)
        except InputError as error:
            self.status.refuse(error)
            return
        self.planes.show(layer, self.position)
        self._pin(layer)
        if self._viewer.dims.ndisplay == 2:
            self._viewer.dims.ndisplay = 3

    def _pin(self, layer: Layer | None) -> None:
        for view in self.linked.views.values():
            view.mirror.pin(layer)

    # methods, not closures: Qt holds those weakly, and the canvases go with the window

    def _settle(self) -> None:
        stand_below(self)

    def _complain(self, words: str) -> None:
        self.status.say(words, problem=True)

    def _place(self) -> tuple[Layer | None, Triple]:
        return self._layers.layer, self.position

    def _keep_this(self) -> None:
        self._kept(self.keep(self._new_name()))

    def _paper_field(self) -> None:
        self.field_of_view = PAPER_FIELD_NM

    def _new_name(self) -> str:
        text = self.positions.currentText().strip()
        return "" if text in position_names(self._viewer) else text

    def _kept(self, name: str) -> None:
        self.status.say(f"Kept as '{name}'; choose it in the list to return.")

    def _on_chosen(self, index: int) -> None:
        name = self.positions.itemText(index)
        if name in position_names(self._viewer):
            self.go_to(name)

    def _list_positions(self, event: Any = None) -> None:
        del event
        text = self.positions.currentText()
        blocked = self.positions.blockSignals(True)
        self.positions.clear()
        self.positions.addItems(position_names(self._viewer) if positions_layer(self._viewer) is not None else [])
        self.positions.setEditText(text)
        self.positions.blockSignals(blocked)

    def _on_ruler(self, on: bool) -> None:
        self.ruler.active = on
        if not on:
            self.ruler.clear()
            self._profile.drop()

    def _on_line(self, line: Measured, finished: bool) -> None:
        self._line = line
        self.keep_line_button.setEnabled(finished)
        self.line_text.show_lines([f"<b>{line.length_nm:.2f} nm</b> on {line.plane}"])
        layer = self._layers.layer
        if layer is None or kind_of(layer) == "phases":
            return
        try:
            volume = volume_from_layer(layer)
        except InputError as error:
            if finished:
                self.status.say(str(error), problem=True)
            return
        self._profile.ask(lambda should_stop: line_profile(volume, line))

    def _show_profile(self, profile: tuple[Any, Any]) -> None:
        self.profile_plot.show_line(*profile)
        self.profile_plot.setVisible(True)

    def _keep_line(self) -> None:
        if self._line is not None:
            keep_line(self._viewer, self._line)
            self.keep_line_button.setEnabled(False)
            self.status.say("Kept in the layer 'distances'; its features hold the length in nm.")
