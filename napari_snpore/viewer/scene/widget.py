"""The 3D scene form: the volume in 3D, phases as lit surfaces, cuts, named views, movies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import napari.components
from napari.layers import Layer
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QPushButton

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.history import SegmentStep, last_step
from napari_snpore.viewer.canvas.axes import axes_shown, show_axes
from napari_snpore.viewer.canvas.fitted import fit_shown
from napari_snpore.viewer.canvas.main_canvas import main_canvas_around
from napari_snpore.viewer.forms.form import CountBox, Fold, MainButton, caveat
from napari_snpore.viewer.forms.layer_choice import LayerChoice
from napari_snpore.viewer.forms.step_form import InputLayers, LayerForm
from napari_snpore.viewer.scene.camera_panel import CameraPanel
from napari_snpore.viewer.scene.cameras import CameraView
from napari_snpore.viewer.scene.clip_panel import ClipPanel
from napari_snpore.viewer.scene.color_bar import color_bar_on
from napari_snpore.viewer.scene.earlier_view import has_look_before, remember_look, show_before
from napari_snpore.viewer.scene.look import RENDERINGS, follow_theme, frame, show_volume
from napari_snpore.viewer.scene.movie_panel import MoviePanel
from napari_snpore.viewer.scene.opacity_curve.panel import OpacityPanel
from napari_snpore.viewer.scene.phase_surfaces import (
    NamedSurface,
    put_surface,
    surface_layer,
    surfaces_of,
)
from napari_snpore.viewer.scene.surface_panel import PhaseRows
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layer_history import note_scene
from napari_snpore.viewer.shared.layers import (
    is_phases,
    is_volume,
    record_of,
    scheme_of,
    stem_of,
    steps_of,
    volume_from_layer,
)
from napari_snpore.viewer.shared.worker import InUse

_INPUTS = InputLayers(
    is_volume,
    what="volume",
    empty="Drop a volume on the window, or open File > Open Sample",
    tip="Grey volume of the scene.",
)
_NO_PHASES = "Make phases first: Threshold, Apply"
_DETAILS: Mapping[str, int] = {"coarse": 300_000, "fine": 2_000_000, "every voxel": 20_000_000}
"""Most triangles of a phase."""


class SceneWidget(LayerForm):
    """One click to the scene of the paper; phases with their own visibility and opacity; cut,
    views, movies.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        napari passes its own.

    Examples
    --------
    In napari's console::

        widget = SceneWidget(viewer)
        widget.show_scene()
        widget.make_surfaces()
        widget.views.keep("from above")
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(
            viewer,
            _INPUTS,
            MainButton(
                "Scene of the paper",
                "3D, temperature-like colormap, bounding box, seen at an angle: in one step.",
            ),
        )
        self._build()
        self._phases.layer_changed.connect(self._on_phases)
        self._layer_choice.layer_changed.connect(self._on_volume)
        connect_while_alive(self, self._viewer.events.theme, self._on_theme)
        connect_while_alive(self, self._viewer.canvas.overlays.axes.events.visible, self._take_axes)
        self._take_axes()
        self._on_phases(self._phases.layer)
        self._on_volume(self._layer_choice.layer)

    @property
    def phases(self) -> Layer | None:
        """The labels whose surfaces are drawn."""
        return self._phases.layer

    @phases.setter
    def phases(self, layer: Layer | None) -> None:
        self._phases.layer = layer

    def show_scene(self) -> None:
        """Show the volume as in the paper: 3D, temperature-like colormap, bounding box. *As before*
        undoes it.

        Raises
        ------
        InputError
            There is no volume.
        """
        layer = self._layer_choice.required()
        remember_look(self._viewer)
        surfaces = [
            surface_layer(self._viewer, self._phases.layer, name) for name in self.phase_rows.ticks
        ]
        kept = [one for one in surfaces if one is not None]
        show_volume(
            self._viewer, layer, rendering=RENDERINGS[self.rendering.currentText()], keep=kept
        )
        self.opacity.apply_again()
        note_scene(self._viewer.layers, layer)
        self._enable()

    def show_before(self) -> None:
        """Show everything as it was before the scene and its surfaces."""
        show_before(self._viewer)
        note_scene(self._viewer.layers, None)
        self.opacity.forget()
        self._enable()

    def make_surfaces(self) -> None:
        """Draw the ticked phases as lit surfaces; the window stays alive meanwhile."""
        self._make_surfaces()
        self.status.wait()

    def state(self) -> Mapping[str, Any]:
        """Return what the user set, and the kept views."""
        return {
            "volume": self.layer_name,
            "phases": None if self.phases is None else self.phases.name,
            "rendering": self.rendering.currentText(),
            "smoothing": self.smoothing.value(),
            "detail": self.detail.currentText(),
            "cuts": self.clip.state(),
            "opacity": self.opacity.state(),
            "color_bar": self.bar.isChecked(),
            "views": {name: view.values() for name, view in self.views.cameras.views.items()},
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        for choice, name in (
            (self._layer_choice, state.get("volume")),
            (self._phases, state.get("phases")),
        ):
            if isinstance(name, str) and name in layers:
                choice.layer = layers[name]
        self.rendering.setCurrentText(str(state.get("rendering", self.rendering.currentText())))
        self.opacity.set_state(state.get("opacity", {}))
        self.bar.setChecked(bool(state.get("color_bar", False)))
        self.smoothing.setValue(int(state.get("smoothing", self.smoothing.value())))
        self.views.cameras.views.update(
            {
                name: CameraView.from_values(values)
                for name, values in state.get("views", {}).items()
            }
        )
        self.views.refresh()
        self.detail.setCurrentText(str(state.get("detail", self.detail.currentText())))
        self.clip.set_state(
            state.get("cuts", [state])
        )  # one cut, among the rest, in windows saved earlier

    def closed(self) -> None:
        """Stop what runs, and show everything whole."""
        super().closed()
        self.opacity.closed()
        self.clip.closed()

    def _build(self) -> None:
        rows = self.rows()
        rows.addRow("Volume", self._layer_choice)
        rows.addRow(self._layer_choice.hint())
        self.rendering = QComboBox()
        self.rendering.addItems(list(RENDERINGS))
        self.rendering.setToolTip(
            "What is shown of the grey values along the line of sight: the highest, a sum, a surface."
        )
        self.rendering.currentTextChanged.connect(self._on_rendering)
        rows.addRow("Rendering", self.rendering)
        self.boxed = QCheckBox("bounding box")
        self.boxed.setToolTip("Draw the edges of the volume.")
        self.boxed.toggled.connect(self._on_boxed)
        self.axes = QCheckBox("axes")
        self.axes.setToolTip("The directions of z, y and x in a corner of the picture.")
        self.axes.toggled.connect(self._on_axes)
        self.bar = QCheckBox("colour bar")
        self.bar.setToolTip(
            "What the colours of the volume, or of objects coloured by a quantity, mean."
        )
        self.bar.toggled.connect(self._on_bar)
        ticks = QHBoxLayout()
        ticks.setSpacing(14)
        for tick in (self.boxed, self.axes, self.bar):
            ticks.addWidget(tick)
        ticks.addStretch(1)
        rows.addRow(ticks)
        self.main_button.clicked.connect(self._show_scene)
        self.before_button = QPushButton("As before")
        self.before_button.setToolTip(
            "Puts every layer and the camera back to how they looked before."
        )
        self.before_button.clicked.connect(self.show_before)
        self.opacity = OpacityPanel(self._viewer)
        self.opacity.failed.connect(self._complain)
        self.column.addWidget(self.opacity)
        self.column.addWidget(self._surface_fold())
        self.clip = ClipPanel(self._viewer)
        self.column.addWidget(self.clip)
        self.views = CameraPanel(self._viewer)
        self.column.addWidget(self.views)
        self.movie = MoviePanel(self._viewer, self.status)
        self.column.addWidget(self.movie)
        self.views.failed.connect(self._complain)
        self.status.busy_changed.connect(self._enable)
        self.column.addStretch(1)
        line = QHBoxLayout()
        line.addWidget(self.main_button, 1)
        line.addWidget(self.before_button)
        self.footer.addLayout(line)
        self.footer.addWidget(self.status)

    def _surface_fold(self) -> Fold:
        self.surface_fold = fold = Fold("Phases")
        self._phases = LayerChoice(
            self._viewer, is_phases, empty=_NO_PHASES, what="layer of phases"
        )
        self._phases.setToolTip("Labels whose surfaces are drawn.")
        fold.form.addRow("Phases", self._phases)
        fold.form.addRow(self._phases.hint())
        self.phase_rows = PhaseRows(self._viewer)
        fold.form.addRow(self.phase_rows)
        self.phase_note = QLabel()
        self.phase_note.setWordWrap(True)
        fold.form.addRow(self.phase_note)
        self.smoothing = CountBox(
            15,
            0,
            200,
            tip=(
                "How often the surface is smoothed; 0 leaves the steps of the voxels. Bodies that would lose more than a\n"
                "tenth of their volume, about four voxels across or less, keep their steps. For pictures only: nothing is\n"
                "measured on surfaces."
            ),
        )
        fold.form.addRow("Smoothing", self.smoothing)
        self.detail = QComboBox()
        self.detail.addItems(list(_DETAILS))
        self.detail.setCurrentText("fine")
        self.detail.setToolTip(
            "Greatest number of triangles of a phase: coarse 0.3 million, fine 2 million, every voxel 20 million. A\n"
            "phase that needs more is drawn in blocks of voxels. A million triangles take some seconds and 100 MB, and\n"
            "slow the view down."
        )
        fold.form.addRow("Detail", self.detail)
        self.surface_button = QPushButton("Draw surfaces")
        self.surface_button.setToolTip(
            "Draws lit surfaces of the ticked phases (marching cubes, smoothed by a filter that keeps volumes).\n"
            "Nothing is measured on them."
        )
        self.surface_button.clicked.connect(self._make_surfaces)
        fold.form.addRow(self.surface_button)
        fold.expand(animate=False)
        return fold

    def _show_scene(self) -> None:
        try:
            self.show_scene()
        except InputError as error:
            self.status.refuse(error)

    def _make_surfaces(self) -> None:
        try:
            layer = self._phases.required()
            phases, scheme, names = (
                volume_from_layer(layer),
                scheme_of(layer),
                self.phase_rows.wanted,
            )
            if not names:
                raise InputError("No phase is ticked; tick those whose surface is wanted.")
        except InputError as error:
            self.status.refuse(error)
            return
        smoothing, most, layer_name = (
            self.smoothing.value(),
            _DETAILS[self.detail.currentText()],
            layer.name,
        )

        def work(progress: Progress, should_stop: ShouldStop) -> list[NamedSurface]:
            return surfaces_of(
                phases,
                scheme,
                names,
                smoothing=smoothing,
                max_triangles=most,
                layer_name=layer_name,
                progress=progress,
                stop=should_stop,
            )

        self.status.run(
            "Surfaces",
            work,
            lambda found: self._show_surfaces(layer, found),
            of=InUse(self._viewer, (layer,), "nothing was drawn"),
        )

    def _show_surfaces(self, layer: Layer, found: list[NamedSurface]) -> None:
        remember_look(self._viewer)
        seen_in = (self._viewer.dims.ndisplay, self._viewer.layers.units)
        self._viewer.dims.ndisplay = 3
        for named in sorted(
            found, key=lambda one: -self.phase_rows.opacities[one.phase].value()
        ):  # the clear ones last
            surface = put_surface(self._viewer, layer, named)
            surface.opacity = self.phase_rows.opacities[named.phase].value() / 100
            surface.visible = True
        layer.visible = False  # its voxels would hide the surfaces
        if (
            3,
            self._viewer.layers.units,
        ) != seen_in:  # from 2D, or out of µm: the camera looks elsewhere
            fit_shown(self._viewer)
        self.clip.apply()
        self.status.say(_words(found))
        self._enable()

    def _on_rendering(self, text: str) -> None:
        if self.layer is not None and self.layer.visible:
            self.layer.rendering = RENDERINGS[text]

    def _on_boxed(self, on: bool) -> None:
        if self.layer is not None and on != self.layer.bounding_box.visible:
            if on:
                frame(self._viewer, self.layer)
            else:
                self.layer.bounding_box.visible = False

    def _on_bar(self, on: bool) -> None:
        canvas = main_canvas_around(self, self._viewer)
        if canvas is not None:
            color_bar_on(self._viewer, canvas).show(on)

    def _on_docked(self) -> None:
        self._on_bar(self.bar.isChecked())  # it may have been ticked before there was a canvas
        super()._on_docked()

    def _on_axes(self, on: bool) -> None:
        show_axes(self._viewer, on)

    def _take_axes(self, event: Any = None) -> None:
        del event
        self.axes.setChecked(axes_shown(self._viewer))

    def _take_rendering(self, event: Any = None) -> None:
        """Name how the volume is drawn, also after napari or a curve changed it."""
        del event
        names = {kind: words for words, kind in RENDERINGS.items()}
        if self.layer is not None and self.layer.visible and self.layer.rendering in names:
            blocked = self.rendering.blockSignals(True)
            self.rendering.setCurrentText(names[self.layer.rendering])
            self.rendering.blockSignals(blocked)

    def _on_volume(self, layer: Layer | None) -> None:
        if layer is not None:
            connect_while_alive(self, layer.bounding_box.events.visible, self._take_box)
            connect_while_alive(self, layer.events.rendering, self._take_rendering)
        self._take_box()
        self.opacity.show_layer(layer, self._thresholds())
        self._enable()

    def _take_box(self, event: Any = None) -> None:
        """Follow the bounding box of the chosen volume, also when another form or napari changes
        it.
        """
        del event
        self.boxed.setChecked(self.layer is not None and bool(self.layer.bounding_box.visible))
        self.boxed.setEnabled(self.layer is not None)

    def _on_theme(self, event: Any = None) -> None:
        del event
        follow_theme(self._viewer)

    def _on_phases(self, layer: Layer | None) -> None:
        self.phase_rows.show_phases_of(layer)
        note = self.phase_rows.note
        self.phase_note.setText(caveat(note) if note else "")
        self.phase_note.setVisible(bool(note))
        self.surface_fold.fit()
        self.opacity.show_layer(self.layer, self._thresholds())
        self._enable()

    def _thresholds(self) -> tuple[float, ...]:
        """Return those that made the phases of the chosen volume; none where they are of another
        one.
        """
        if self.phases is None or self.layer is None:
            return ()
        if stem_of(self.phases.name) != stem_of(self.layer.name):
            return ()
        made = last_step(steps_of(record_of(self.phases)), SegmentStep)
        return () if made is None else tuple(made.thresholds)

    def _complain(self, words: str) -> None:
        self.status.say(words, problem=True)

    def _enable(self, _: Any = None) -> None:
        busy = self.status.busy
        self.main_button.setEnabled(self.layer is not None)
        self.before_button.setEnabled(has_look_before(self._viewer))
        self.surface_button.setEnabled(self.phases is not None and not busy)
        self.movie.save_button.setEnabled(not busy)


def _words(found: Sequence[NamedSurface]) -> str:
    """Say what was drawn, and what of it is coarser or rougher than asked for."""
    words = ", ".join(f"{one.phase} {len(one.surface.faces):,} triangles" for one in found)
    said = [f"{words} ({found[0].surface.library})."]
    coarse = [
        f"{one.phase} in blocks of {one.surface.coarsened_by}³ voxels"
        for one in found
        if one.surface.coarsened_by > 1
    ]
    if coarse:
        said.append(caveat(f"Drawn coarser: {', '.join(coarse)}; more Detail draws finer."))
    small = [
        f"{one.surface.unsmoothed:,} of {one.phase}" for one in found if one.surface.unsmoothed
    ]
    if small:
        said.append(f"Bodies too small to smooth, left as they are: {', '.join(small)}.")
    return " ".join(said)
