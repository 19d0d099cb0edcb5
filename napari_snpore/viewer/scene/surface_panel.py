"""Rows of the phases of a labels layer: each with its own visibility and opacity in the 3D
scene.
"""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QSlider, QWidget

from napari_snpore.errors import InputError
from napari_snpore.segmentation.phases import MOST_PHASES
from napari_snpore.viewer.scene.phase_surfaces import OPACITIES, surface_layer
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import label_range, record_of, scheme_of

_ROW_PX = 26


class PhaseRows(QWidget):
    """One row a phase: tick, colour and name, opacity; they steer the surfaces once there are some,
    and say which are wanted.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._source: Layer | None = None
        self._applying = False
        self.ticks: dict[str, QCheckBox] = {}
        self.opacities: dict[str, QSlider] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(2, 1)
        self.note = ""
        """Why not every label has its row; empty where each has."""
        connect_while_alive(self, viewer.layers.events.inserted, self._on_layers)

    @property
    def wanted(self) -> list[str]:
        """Names of the ticked phases."""
        return [name for name, tick in self.ticks.items() if tick.isChecked()]

    def show_phases_of(self, layer: Layer | None) -> None:
        """Show the rows of a layer's phases."""
        self._source = layer
        while (item := self._grid.takeAt(0)) is not None:
            part = item.widget()
            if part is not None:
                part.deleteLater()
        self.ticks, self.opacities, self.note = {}, {}, ""
        if layer is None:
            return
        try:
            scheme = scheme_of(layer)
        except InputError:
            return
        most = len(scheme.names) if "phase_names" in record_of(layer) else label_range(layer)[1]
        if most > MOST_PHASES:
            self.note = (
                f"'{layer.name}' has labels up to {most:,}, which look like objects; "
                f"the first {MOST_PHASES} are offered."
            )
        for row, (name, color) in enumerate(zip(scheme.names, scheme.colors, strict=True)):
            tick = QCheckBox(name)
            tick.setToolTip(f"Show the surface of {name}.")
            swatch = QLabel()
            swatch.setFixedSize(14, 14)
            swatch.setStyleSheet(f"background: {color}; border: 1px solid gray;")
            opacity = QSlider(Qt.Orientation.Horizontal)
            opacity.setRange(0, 100)
            opacity.setToolTip(f"Opacity of {name}, 0 to 100 %.")
            opacity.setAccessibleName(f"Opacity of {name} (%)")
            share = QLabel()
            share.setMinimumWidth(40)
            opacity.valueChanged.connect(lambda value, share=share: share.setText(f"{value} %"))
            surface = surface_layer(self._viewer, layer, name)
            tick.setChecked(surface.visible if surface is not None else True)
            opacity.setValue(
                round(100 * (surface.opacity if surface is not None else OPACITIES.get(name, 0.5)))
            )
            tick.toggled.connect(self._apply)
            opacity.valueChanged.connect(self._apply)
            for column, part in enumerate((swatch, tick, opacity, share)):
                self._grid.addWidget(part, row, column)
            self.ticks[name], self.opacities[name] = tick, opacity
        self.setMinimumHeight(_ROW_PX * len(self.ticks))  # a fold does not grow by itself
        self._on_layers()

    def _apply(self, _: Any = None) -> None:
        self._applying = True
        for name, tick in self.ticks.items():
            surface = surface_layer(self._viewer, self._source, name)
            if surface is not None:
                surface.visible = tick.isChecked()
                surface.opacity = self.opacities[name].value() / 100
        self._applying = False

    def _on_layers(self, event: Any = None) -> None:
        del event
        for name in self.ticks:
            surface = surface_layer(self._viewer, self._source, name)
            if surface is not None:
                connect_while_alive(self, surface.events.visible, self._take)
                connect_while_alive(self, surface.events.opacity, self._take)

    def _take(self, event: Any = None) -> None:
        """Follow what the user sets in napari's own list."""
        del event
        if self._applying:
            return
        for name, tick in self.ticks.items():
            surface = surface_layer(self._viewer, self._source, name)
            if surface is not None:
                for part, value in (
                    (tick, surface.visible),
                    (self.opacities[name], round(100 * surface.opacity)),
                ):
                    part.blockSignals(True)
                    part.setChecked(value) if isinstance(part, QCheckBox) else part.setValue(value)
                    part.blockSignals(False)
