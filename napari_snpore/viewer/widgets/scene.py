"""The 3D scene widget: the volume as in the paper, phases as lit surfaces, cuts, named views, movies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import napari.components
from napari.layers import Layer
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.viewer.events import plain_viewer
from napari_snpore.viewer.layers import is_phases, is_volume, scheme_of, volume_from_layer
from napari_snpore.viewer.scene.cameras import CameraView
from napari_snpore.viewer.scene.look import RENDERINGS, SceneLook, frame, show_volume
from napari_snpore.viewer.scene.phase_surfaces import NamedSurface, put_surface, surface_layer, surfaces_of
from napari_snpore.viewer.tasks import StepStatus
from napari_snpore.viewer.widgets.camera_panel import CameraPanel
from napari_snpore.viewer.widgets.clip_panel import ClipPanel
from napari_snpore.viewer.widgets.form import CountBox, Fold, MainButton, StepForm, caveat
from napari_snpore.viewer.widgets.layer_choice import LayerChoice
from napari_snpore.viewer.widgets.movie_panel import MoviePanel
from napari_snpore.viewer.widgets.surface_panel import PhaseRows

_EMPTY = "Drop a volume on the window, or open File > Open Sample"
_NO_PHASES = "Make phases first: Threshold, Apply"


class SceneWidget(StepForm):
    """One click to the scene of the paper; phases with their own visibility and opacity; cut, views, movies.

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
        super().__init__()
        self._viewer = plain_viewer(viewer)
        self._before: SceneLook | None = None
        self._build()
        self._phases.layer_changed.connect(self._on_phases)
        self._volume.layer_changed.connect(self._enable)
        self._on_phases(self._phases.layer)
        self._enable()

    @property
    def layer(self) -> Layer | None:
        """The grey volume."""
        return self._volume.layer

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        self._volume.layer = layer

    @property
    def phases(self) -> Layer | None:
        """The labels whose surfaces are drawn."""
        return self._phases.layer

    @phases.setter
    def phases(self, layer: Layer | None) -> None:
        self._phases.layer = layer

    def show_scene(self) -> None:
        """Show the volume as in the paper: 3D, temperature-like colormap, bounding box. *As before* undoes it.

        Raises
        ------
        InputError
            There is no volume.
        """
        layer = self._volume.required()
        if self._before is None:
            self._before = SceneLook(self._viewer)
        surfaces = [surface_layer(self._viewer, self._phases.layer, name) for name in self.phase_rows.ticks]
        kept = [one for one in surfaces if one is not None]
        show_volume(self._viewer, layer, rendering=RENDERINGS[self.rendering.currentText()], keep=kept)
        self.boxed.setChecked(True)
        self._enable()

    def show_before(self) -> None:
        """Show everything as it was before the scene."""
        if self._before is not None:
            self._before.give_back()
            self._before = None
        self._enable()

    def make_surfaces(self) -> None:
        """Draw the ticked phases as lit surfaces; the window stays alive meanwhile."""
        self._make_surfaces()
        self.status.wait()

    def state(self) -> Mapping[str, Any]:
        """Return what the user set, and the kept views."""
        return {
            "volume": None if self.layer is None else self.layer.name,
            "phases": None if self.phases is None else self.phases.name,
            "rendering": self.rendering.currentText(),
            "smoothing": self.smoothing.value(),
            "cut": self.clip.by.currentText(),
            "other_side": self.clip.flip.isChecked(),
            "views": {name: view.values() for name, view in self.views.cameras.views.items()},
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        for choice, name in ((self._volume, state.get("volume")), (self._phases, state.get("phases"))):
            if name in layers:
                choice.layer = layers[name]
        self.rendering.setCurrentText(str(state.get("rendering", self.rendering.currentText())))
        self.smoothing.setValue(int(state.get("smoothing", self.smoothing.value())))
        self.views.cameras.views.update(
            {name: CameraView.from_values(values) for name, values in state.get("views", {}).items()}
        )
        self.views.refresh()
        self.clip.flip.setChecked(bool(state.get("other_side", False)))
        self.clip.by.setCurrentText(str(state.get("cut", self.clip.by.currentText())))

    def closed(self) -> None:
        """Stop what runs, and show everything whole."""
        self.status.drop()
        self.clip.closed()

    def _build(self) -> None:
        self._volume = LayerChoice(self._viewer, is_volume, empty=_EMPTY, what="volume")
        self._volume.setToolTip("Grey volume of the scene.")
        rows = self.rows()
        rows.addRow("Volume", self._volume)
        rows.addRow(self._volume.hint())
        self.rendering = QComboBox()
        self.rendering.addItems(list(RENDERINGS))
        self.rendering.setToolTip("What a pixel shows of the grey values along its ray.")
        self.rendering.currentTextChanged.connect(self._on_rendering)
        rows.addRow("A pixel shows", self.rendering)
        self.boxed = QCheckBox("bounding box")
        self.boxed.setToolTip("Draw the edges of the volume.")
        self.boxed.toggled.connect(self._on_boxed)
        rows.addRow(self.boxed)
        self.main_button = MainButton(
            "Scene of the paper", "3D, temperature-like colormap, bounding box, seen at an angle: in one step."
        )
        self.main_button.clicked.connect(self._show_scene)
        self.before_button = QPushButton("As before")
        self.before_button.setToolTip("Give every layer and the camera the look that they had.")
        self.before_button.clicked.connect(self.show_before)
        line = QHBoxLayout()
        line.addWidget(self.main_button, 1)
        line.addWidget(self.before_button)
        self.column.addLayout(line)
        self.column.addWidget(self._surface_fold())
        self.clip = ClipPanel(self._viewer)
        self.column.addWidget(self.clip)
        self.views = CameraPanel(self._viewer)
        self.column.addWidget(self.views)
        self.status = StepStatus()
        self.movie = MoviePanel(self._viewer, self.status)
        self.column.addWidget(self.movie)
        self.views.failed.connect(self._complain)
        self.status.busy_changed.connect(self._enable)
        self.column.addStretch(1)
        self.footer.addWidget(self.status)

    def _surface_fold(self) -> Fold:
        self.surface_fold = fold = Fold("Phases")
        self._phases = LayerChoice(self._viewer, is_phases, empty=_NO_PHASES, what="layer of phases")
        self._phases.setToolTip("Labels whose surfaces are drawn.")
        fold.form.addRow("Phases", self._phases)
        fold.form.addRow(self._phases.hint())
        self.phase_rows = PhaseRows(self._viewer)
        fold.form.addRow(self.phase_rows)
        self.smoothing = CountBox(
            15, 0, 200, tip="Passes of smoothing over the steps of the voxels; 0 leaves them. For pictures only."
        )
        fold.form.addRow("Smoothing", self.smoothing)
        self.surface_button = QPushButton("Draw surfaces")
        self.surface_button.setToolTip(
            "Lit surfaces of the ticked phases (marching cubes, smoothed without shrinking). Nothing is measured on them."
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
            phases, scheme, names = volume_from_layer(layer), scheme_of(layer), self.phase_rows.wanted
            if not names:
                raise InputError("No phase is ticked; tick those whose surface is wanted.")
        except InputError as error:
            self.status.refuse(error)
            return
        smoothing = self.smoothing.value()

        def work(progress: Progress, should_stop: ShouldStop) -> list[NamedSurface]:
            return surfaces_of(phases, scheme, names, smoothing=smoothing, progress=progress, stop=should_stop)

        self.status.run("Surfaces", work, lambda found: self._show_surfaces(layer, found))

    def _show_surfaces(self, layer: Layer, found: list[NamedSurface]) -> None:
        if layer not in self._viewer.layers:
            return
        self._viewer.dims.ndisplay = 3
        for named in sorted(
            found, key=lambda one: -self.phase_rows.opacities[one.phase].value()
        ):  # the clear ones last
            surface = put_surface(self._viewer, layer, named)
            surface.opacity = self.phase_rows.opacities[named.phase].value() / 100
            surface.visible = True
        layer.visible = False  # its voxels would hide the surfaces
        self.clip.apply()
        words = ", ".join(f"{one.phase} {len(one.surface.faces):,} triangles" for one in found)
        coarse = [
            f"{one.phase} in blocks of {one.surface.coarsened_by}³ voxels"
            for one in found
            if one.surface.coarsened_by > 1
        ]
        more = f" {caveat('Drawn coarser: ' + ', '.join(coarse))}." if coarse else ""
        self.status.say(f"{words} ({found[0].surface.library}).{more}")

    def _on_rendering(self, text: str) -> None:
        if self.layer is not None and self.layer.visible:
            self.layer.rendering = RENDERINGS[text]

    def _on_boxed(self, on: bool) -> None:
        if self.layer is not None:
            if on:
                frame(self._viewer, self.layer)
            else:
                self.layer.bounding_box.visible = False

    def _on_phases(self, layer: Layer | None) -> None:
        self.phase_rows.show_phases_of(layer)
        self.surface_fold.fit()
        self._enable()

    def _complain(self, words: str) -> None:
        self.status.say(words, problem=True)

    def _enable(self, _: Any = None) -> None:
        busy = self.status.busy
        self.main_button.setEnabled(self.layer is not None)
        self.before_button.setEnabled(self._before is not None)
        self.surface_button.setEnabled(self.phases is not None and not busy)
        self.movie.save_button.setEnabled(not busy)
