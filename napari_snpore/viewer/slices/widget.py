"""The Ortho slices form: position, thickness, field of view and distances of three linked slices,
which lie around napari's canvas.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import napari.components
from napari.layers import Image, Labels, Layer
from qtpy.compat import isalive
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLabel

from napari_snpore.errors import InputError
from napari_snpore.viewer.canvas.main_canvas import main_canvas_around
from napari_snpore.viewer.forms.form import MainButton, NumberBox, ResultText
from napari_snpore.viewer.forms.step_form import InputLayers, LayerForm
from napari_snpore.viewer.shared.events import breathe, connect_while_alive, plain_viewer
from napari_snpore.viewer.shared.units import UNIT, has_scale
from napari_snpore.viewer.shared.view_kept import count_in_nm
from napari_snpore.viewer.slices.arrangement import ROW, SQUARE, ViewArrangement
from napari_snpore.viewer.slices.distance_rows import DistanceRows
from napari_snpore.viewer.slices.linked_views import LinkedViews
from napari_snpore.viewer.slices.main_view import MainView
from napari_snpore.viewer.slices.mirror import can_be_sliced
from napari_snpore.viewer.slices.oblique_panel import ObliquePanel
from napari_snpore.viewer.slices.position_row import PositionRow
from napari_snpore.viewer.slices.positions import (
    SavedView,
    keep_position,
    position_named,
    view_named,
)
from napari_snpore.viewer.slices.ruler import distances_layer, kept_lines
from napari_snpore.viewer.slices.scene_planes import ScenePlanes
from napari_snpore.viewer.slices.slab import SlabThickness
from napari_snpore.viewer.slices.view_rows import ViewRows
from napari_snpore.viewer.slices.voxel_text import has_values, voxel_words, words_without_volume
from napari_snpore.volume import Triple

_INPUTS = InputLayers(
    has_values,
    what="volume",
    empty="Drop a volume on the window, or open File > Open Sample",
    tip=(
        "The layer that is stepped through voxel by voxel, and that grey value, profile, 3D planes and oblique\n"
        "slice are taken from."
    ),
)

_HIDDEN = "hidden"

_OPEN: weakref.WeakSet[OrthoSlicesWidget] = weakref.WeakSet()


def open_slices_of(viewer: napari.components.ViewerModel) -> OrthoSlicesWidget | None:
    """Return the ortho slices that are open on a window; None without one."""
    alive = (widget for widget in _OPEN if isalive(widget) and widget.parentWidget() is not None)
    return next((widget for widget in alive if widget.shows(viewer)), None)


class OrthoSlicesWidget(LayerForm):
    """Three linked slices of all volumes and labels of the window, and their settings.

    The slices lie around napari's canvas, which shows 3D meanwhile. They come with the form and go
    with it.

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
        widget.maximized = "XZ"
    """

    has_canvases = True
    """Its dock stays in the window: the slices come back into it when they are hidden."""

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(
            viewer,
            _INPUTS,
            MainButton(
                "Measure a distance",
                "While pressed: drag a line on a slice; its length and profile are shown above.",
            ),
        )
        self._closed = False
        for layer in self._viewer.layers:
            self._take_nm(layer)
        self.planes = ScenePlanes(self._viewer, self)
        self._build()
        self.linked = LinkedViews(self._viewer, self)
        self._around: ViewArrangement | None = None
        self._main = MainView(self._viewer, self)
        for view in self.linked.views.values():
            view.mouse_targets.insert(0, self.ruler)
        self.linked.position_changed.connect(self._on_position)
        self.linked.field_changed.connect(self._saved_view.write_field)
        self.linked.maximize_asked.connect(self._on_maximize)
        self._main.maximize_asked.connect(self._on_maximize)
        self._layer_choice.layer_changed.connect(self._on_layer)
        self._layer_choice.scale_changed.connect(self._on_scale)
        self.planes.gone.connect(self._on_planes_gone)
        self._distances: weakref.WeakSet[Layer] = weakref.WeakSet()
        connect_while_alive(self, self._viewer.layers.events.inserted, self._on_layers)
        connect_while_alive(self, self._viewer.layers.events.removed, self._on_layers)
        self._on_layers()
        self._on_layer(self._layer_choice.layer)
        self._on_position(self.linked.position)
        _OPEN.add(self)

    def shows(self, viewer: napari.components.ViewerModel) -> bool:
        """Say whether these are the slices of a window."""
        return self._viewer is plain_viewer(viewer)

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
        self._saved_view.write_field(side_nm)
        self._fit()

    @property
    def arrangement(self) -> str:
        """How the slices lie: ``"2 × 2"``, ``"in a row"``, or ``"hidden"``."""
        return self.arrangement_box.currentText()

    @arrangement.setter
    def arrangement(self, words: str) -> None:
        self.arrangement_box.setCurrentText(words)

    @property
    def maximized(self) -> str:
        """Name of the view that is shown alone, ``"XY"``, ``"ZY"``, ``"XZ"`` or ``"3D"``; empty
        where all are.
        """
        return "" if self._around is None else self._around.alone

    @maximized.setter
    def maximized(self, name: str) -> None:
        self._arrange(name)

    def state(self) -> Mapping[str, Any]:
        """Return what is shown how; the position is that of the window."""
        return {
            "layer": self.layer_name,
            "arrangement": self.arrangement,
            "maximized": self.maximized,
            "field_nm": self.field_of_view,
            "thick_way": self.thick_way.currentText(),
            "thickness_nm": self.thickness.value(),
            "in_scene": self.in_scene.isChecked(),
            "camera": self.linked.camera(),
            "hidden": [layer.name for layer in self.planes.hidden],
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        self.choose_saved(state, layers)
        self.arrangement = str(state.get("arrangement", self.arrangement))
        self._alone_later = str(state.get("maximized", ""))
        self._arrange(self._alone_later)
        self.field_of_view = float(state.get("field_nm", 0.0))
        self.thickness.setValue(float(state.get("thickness_nm", self.thickness.value())))
        self.thick_way.setCurrentText(str(state.get("thick_way", self.thick_way.currentText())))
        if state.get("camera"):
            self.linked.look_at(**state["camera"])
        if state.get("in_scene") and self.layer is not None:
            for name in state.get("hidden", [state.get("layer")]):
                if (
                    name in layers
                ):  # hidden for the planes; they hide it again, and give it back when they go
                    layers[name].visible = True
            self.in_scene.setChecked(True)

    def closed(self) -> None:
        """Take the planes out of the scene and let go of the canvases; the widget is of no use
        afterwards.
        """
        if self._closed:
            return
        self._closed = True
        super().closed()
        self.distances.profile.drop()
        self.oblique.closed()
        self.planes.hide()
        self._take_away()
        self.linked.closed()
        self.deleteLater()

    def keep(self, name: str = "") -> str:
        """Keep the present position under a name, numbered where it is empty; return the name.

        Raises
        ------
        InputError
            There is no volume, or it has no voxel size.
        """
        if not has_scale(self._layer_choice.required()):
            raise InputError(
                "This layer has no voxel size; set it above, then positions can be kept in nm."
            )
        saved_view = SavedView(
            self.linked.worked_on,
            self.field_of_view,
            self.thick_way.currentText(),
            self.thickness.value(),
        )
        name = keep_position(self._viewer, name, self.position, saved_view)
        self._positions.list_positions()
        return name

    def go_to(self, name: str) -> None:
        """Return to a position that was kept, with the field of view and the thickness that it had.

        Raises
        ------
        InputError
            There is none of this name.
        """
        point, saved_view = position_named(self._viewer, name), view_named(self._viewer, name)
        if saved_view is not None:
            self.linked.worked_on = saved_view.plane
            self._saved_view.set_thick(saved_view.thick_way, saved_view.thickness_nm)
        self.linked.move_to(point)
        if saved_view is not None:
            self.field_of_view = saved_view.field_nm
            self.status.say(
                f"{name}, {saved_view.plane}, field of view {self.field.text()}{' nm' * bool(saved_view.field_nm)}."
            )

    def _build(self) -> None:
        self._alone_later = ""
        rows = self.rows()
        rows.addRow("Values of", self._layer_choice)
        rows.addRow(self._layer_choice.hint())
        self._place_rows(rows)
        self._view_rows(rows)
        self.oblique = ObliquePanel(self._viewer, self._place)
        self.column.addWidget(self.oblique)
        self.oblique.failed.connect(self._complain)
        self.oblique.saved.connect(self.status.say)
        self.column.addStretch(1)
        self._measure_rows()
        self.footer.addWidget(self.status)

    def _place_rows(self, rows: QFormLayout) -> None:
        self.boxes: list[NumberBox] = []
        line = QHBoxLayout()
        for axis in "zyx":
            box = NumberBox(
                0.0,
                -1e7,
                1e7,
                step=1.0,
                tip=f"{axis} of the cross-hair in nm, the origin of the volume included.",
            )
            box.valueChanged.connect(self._on_box)
            self.boxes.append(box)
            box.setButtonSymbols(NumberBox.ButtonSymbols.NoButtons)
            box.setMinimumWidth(60)
            line.addWidget(box, 1)
        self._place_label = QLabel()
        rows.addRow(self._place_label, line)
        self.voxel_text = ResultText(
            "Voxel of the chosen layer under the cross-hair, and its value."
        )
        rows.addRow(self.voxel_text)
        self._positions = PositionRow(self._viewer)
        self._positions.keep_asked.connect(self._keep_this)
        self._positions.chosen.connect(self.go_to)
        self.positions = self._positions.names
        rows.addRow("Position", self._positions)

    def _view_rows(self, rows: QFormLayout) -> None:
        self._saved_view = ViewRows(rows, self)
        self._saved_view.thick_changed.connect(self._on_thick)
        self._saved_view.field_asked.connect(self._fit)
        self.thick_way, self.thickness, self.field = (
            self._saved_view.way,
            self._saved_view.thickness,
            self._saved_view.field,
        )
        self.arrangement_box = QComboBox()
        self.arrangement_box.addItems([SQUARE, ROW, _HIDDEN])
        self.arrangement_box.setToolTip(
            "Where the slices lie: around the 3D view, or below it. Double-click on a view to see it alone, and again for all."
        )
        self.arrangement_box.currentTextChanged.connect(self._on_arrangement)
        rows.addRow("Views", self.arrangement_box)
        self.in_scene = QCheckBox("these planes in the 3D view")
        self.in_scene.setToolTip(
            "Show the three planes of the chosen layer where they lie, in napari's own 3D view."
        )
        self.in_scene.toggled.connect(self._show_planes)
        rows.addRow(self.in_scene)

    def _measure_rows(self) -> None:
        self.distances = DistanceRows(self._viewer, self._looked_at, self.main_button)
        self.distances.drawn.connect(self._on_drawn)
        self.distances.said.connect(self._say)
        self.distances.failed.connect(self._complain)
        self.ruler = self.distances.ruler
        self.ruler_button, self.keep_line_button = (
            self.distances.ruler_button,
            self.distances.keep_button,
        )
        self.line_text, self.profile_plot = self.distances.length_text, self.distances.plot
        self.results.addWidget(self.distances)
        self.footer.addLayout(self.distances.buttons)

    def _take_nm(self, layer: Layer) -> None:
        if can_be_sliced(layer):
            count_in_nm(self._viewer, layer)

    def _on_layers(self, event: Any = None) -> None:
        """Draw the distances that are kept, and count all that is sliced in nm."""
        if event is not None and event.type == "inserted":
            self._take_nm(event.value)
        layer = distances_layer(self._viewer)
        if layer is not None and layer not in self._distances:
            self._distances.add(layer)
            connect_while_alive(self, layer.events.data, self._draw_distances)
            connect_while_alive(self, layer.events.visible, self._draw_distances)
        self._draw_distances()
        self._write_voxel()

    def _draw_distances(self, event: Any = None) -> None:
        del event
        layer = distances_layer(self._viewer)
        lines = kept_lines(self._viewer) if layer is not None and layer.visible else []
        self.linked.draw_distances(lines)

    def _on_layer(self, layer: Layer | None) -> None:
        unit = "px" if layer is not None and not has_scale(layer) else UNIT
        self._place_label.setText(f"z, y, x ({unit})")
        self.distances.count_in(unit)
        with self.linked.drawn_once():
            self.linked.count_in(unit)
            self.linked.grid = layer
            self.linked.start_inside(layer)
            self._on_thick()
        self.in_scene.setEnabled(layer is not None)
        source = self.planes.source
        if source in self._viewer.layers and layer is not None and layer is not source:
            self._show_planes(True)  # the planes of a layer that was removed go with it

    def _on_scale(self) -> None:
        self._on_layer(self._layer_choice.layer)

    def _on_position(self, point: Triple) -> None:
        for box, value in zip(self.boxes, point, strict=True):
            blocked = box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(blocked)
        self._write_voxel()
        self.ruler.follow(point)
        self.planes.move(point)
        self.oblique.refresh()

    def _on_box(self) -> None:
        z, y, x = (float(box.value()) for box in self.boxes)
        self.linked.move_to((z, y, x))

    def _write_voxel(self) -> None:
        layer = self._layer_choice.layer
        self.voxel_text.show_lines(
            words_without_volume(self._viewer.layers)
            if layer is None
            else [voxel_words(layer, self.position)]
        )

    def _on_thick(self) -> None:
        thick = self._saved_view.thick(self._layer_choice.layer)
        self.linked.show_thick(thick)
        self._saved_view.write_thick(thick)
        self.distances.refresh()

    def _fit(self) -> None:
        self.linked.fit(self.field.value() or None)

    def _show_planes(self, on: bool) -> None:
        layer = self._layer_choice.layer
        self._pin(())
        if not on or not isinstance(layer, (Image, Labels)):
            self.planes.hide()
            return
        try:
            self.planes.show(layer, self.position)
        except InputError as error:
            self.status.refuse(error)
            self.in_scene.setChecked(False)
            return
        self._pin(self.planes.hidden)
        if self._viewer.dims.ndisplay == 2:
            self._viewer.dims.ndisplay = 3

    def _pin(self, layers: Sequence[Layer]) -> None:
        for view in self.linked.views.values():
            view.mirror.pin(layers)

    # methods, not closures: Qt holds those weakly, and the canvases go with the window

    def _on_docked(self) -> None:
        self._arrange(
            self._alone_later
        )  # before napari's dock is looked at: canvases leave the form
        super()._on_docked()

    def _arrange(self, alone: str = "") -> None:
        """Put the slices around napari's canvas, or take them away where they are to be hidden."""
        if self._closed:
            return
        if self.arrangement == _HIDDEN:
            self._take_away()
            return
        canvas = None
        if self._around is None:
            canvas = main_canvas_around(self, self._viewer)
            if canvas is None:
                return  # not docked yet, or a window without napari's canvas
            self._around = ViewArrangement(canvas, self.linked.views, self)
        window = self.window()
        if window is None:
            return
        window.setUpdatesEnabled(False)  # each view that comes would draw all canvases again
        try:
            self._around.show(self.arrangement, alone)
        finally:
            window.setUpdatesEnabled(True)
        if canvas is not None:
            breathe(self._viewer)
            self._main.begin(canvas, self.linked)
        self.linked.fit_soon()
        self.linked.reveal_soon()

    def _take_away(self) -> None:
        around, self._around = self._around, None
        if around is not None and isalive(around):
            around.leave(self)
            around.deleteLater()
        self._main.end()

    def _on_arrangement(self, words: str) -> None:
        del words
        self._arrange()

    def _on_maximize(self, name: str) -> None:
        self._arrange("" if self.maximized == name else name)

    def _complain(self, words: str) -> None:
        self.status.say(words, problem=True)

    def _say(self, words: str) -> None:
        self.status.say(words)

    def _place(self) -> tuple[Layer | None, Triple]:
        return self._layer_choice.layer, self.position

    def _looked_at(self) -> tuple[Layer | None, SlabThickness | None]:
        return self._layer_choice.layer, self._saved_view.thick(self._layer_choice.layer)

    def _on_drawn(self, plane: str) -> None:
        self.linked.worked_on = plane

    def _on_planes_gone(self) -> None:
        self._pin(())
        self.in_scene.setChecked(False)

    def _keep_this(self, name: str) -> None:
        try:
            self.status.say(f"Kept as '{self.keep(name)}'; choose it in the list to return.")
        except InputError as error:
            self.status.refuse(error)
