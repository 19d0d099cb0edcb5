"""Panel of the opacity curve of the grey volume in 3D."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox

from napari_snpore.errors import InputError
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.thresholds import suggest_thresholds
from napari_snpore.viewer.forms.form import Fold
from napari_snpore.viewer.scene.look import ON_WHITE, RENDERINGS, TEMPERATURE, temperature
from napari_snpore.viewer.scene.opacity_curve.curve import (
    RENDERING,
    SUFFIX,
    OpacityCurve,
    opacity_colormap,
    preset_curves,
)
from napari_snpore.viewer.scene.opacity_curve.plot import OpacityPlot
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.layers import array_from_layer
from napari_snpore.viewer.shared.theme import follow_theme

NONE, OWN = "none", "own"


class OpacityPanel(Fold):
    """Curve over the histogram of a volume, with ready ones.

    Parameters
    ----------
    viewer : ViewerModel
        The window.

    Signals
    -------
    failed : str
        One sentence, where the grey values cannot be counted.
    """

    failed = Signal(str)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__("Opacity of grey values")
        self._viewer = viewer
        self._layer: Image | None = None
        self._known: tuple[float, ...] = ()
        self._presets: Mapping[str, OpacityCurve] = {}
        self._before: weakref.WeakKeyDictionary[Layer, tuple[Any, str]] = (
            weakref.WeakKeyDictionary()
        )
        self._counted: Layer | None = None
        self.presets = QComboBox()
        self.presets.setToolTip(
            "What is seen in 3D. Sn, carbon and the surface of carbon are by the thresholds of the phases, else by suggestions.\n"
            "An opacity is that of a slab of a twentieth of the volume."
        )
        self.presets.activated.connect(self._on_preset)
        self.plot = OpacityPlot()
        self.plot.curve_changed.connect(self._on_curve)
        follow_theme(self.plot, self, viewer)
        self.log = QCheckBox("log counts")
        self.log.setToolTip(
            "Logarithmic height of the histogram: grey values that are rare stay visible."
        )
        self.log.setChecked(True)
        self.log.toggled.connect(self.plot.set_log)
        self.form.addRow("Show", self.presets)
        self.form.addRow(self.plot)
        self.form.addRow(self.log)
        self._count = LatestTask(self)
        self._count.done.connect(self._on_counted)
        self._count.failed.connect(self.failed)
        self.toggled.connect(self._ask)
        self._list()

    @property
    def curve(self) -> OpacityCurve | None:
        """The curve that the volume is drawn with, read and set; None draws it as its colormap
        does.
        """
        return self.plot.curve

    @curve.setter
    def curve(self, curve: OpacityCurve | None) -> None:
        self.plot.set_curve(curve)
        same = next((name for name, one in self._presets.items() if one == curve), OWN)
        self._list(NONE if curve is None else same)
        self._apply()

    @property
    def preset(self) -> str:
        """Name of the ready curve, ``"own"`` or ``"none"``; setting it counts the grey values
        first where need be.
        """
        return self.presets.currentText()

    @preset.setter
    def preset(self, name: str) -> None:
        if name != NONE:
            self._ask(force=True)
            self.wait()
        if name not in (NONE, *self._presets):
            known = ", ".join((NONE, *self._presets))
            raise InputError(f"There is no opacity curve '{name}'; there are {known}.")
        self.curve = None if name == NONE else self._presets[name]

    def show_layer(self, layer: Layer | None, thresholds: tuple[float, ...] = ()) -> None:
        """Show the curve of a volume.

        Parameters
        ----------
        layer : Layer or None
            The volume.
        thresholds : tuple of float
            Those of its phases; empty takes suggested ones.
        """
        changed = layer is not self._layer
        if changed and self._layer is not None and self.curve is not None:
            self._take_off(self._layer)
        if changed:
            self._layer = layer if isinstance(layer, Image) else None
            self.plot.set_curve(None)
            self._presets = {}
            self._list()
            if self._layer is not None:
                for name in ("contrast_limits", "gamma"):
                    connect_while_alive(self, getattr(self._layer.events, name), self._on_range)
        if changed or thresholds != self._known:
            self._known = thresholds
            self._counted = None
            self._ask()

    def wait(self) -> None:
        """Return when the grey values are counted. For scripts."""
        self._count.wait()

    def apply_again(self) -> None:
        """Draw the volume with the curve after its colormap was changed; without a curve nothing
        changes.
        """
        if self._layer is not None and self.curve is not None:
            self._before.pop(self._layer, None)
            self._apply()

    def forget(self) -> None:
        """Show no curve, after the volume got another colormap."""
        if self._layer is not None:
            self._before.pop(self._layer, None)
        self.plot.set_curve(None)
        self._list()

    def closed(self) -> None:
        """Stop counting; the volume keeps how it is drawn."""
        self._count.drop()

    def state(self) -> Mapping[str, Any]:
        """Return the points of the curve, and what the volume was drawn with before."""
        if self._layer is None or self.curve is None:
            return {}
        return {"points": [list(point) for point in self.curve.points]}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``state()`` returned once."""
        if state.get("points"):
            self.curve = OpacityCurve(tuple((float(a), float(b)) for a, b in state["points"]))

    def _list(self, chosen: str = NONE) -> None:
        names = [NONE, *self._presets, *([OWN] if chosen == OWN else [])]
        if [self.presets.itemText(k) for k in range(self.presets.count())] != names:
            self.presets.clear()
            self.presets.addItems(names)
        self.presets.setCurrentText(chosen)
        self.presets.setEnabled(self._layer is not None)

    def _ask(self, _: Any = None, *, force: bool = False) -> None:
        """Count the grey values of the volume, once it is needed."""
        layer = self._layer
        if layer is None or layer is self._counted or not (force or self.isExpanded()):
            return
        try:
            data = array_from_layer(layer)
        except InputError as error:
            self.plot.set_histogram(None, str(error))
            return
        self._counted, known = layer, self._known
        self.plot.set_histogram(None, "counting grey values …")
        self._count.ask(lambda should_stop: (layer, *_histogram_of(data, known, should_stop)))

    def _on_counted(self, found: tuple[Layer, Histogram, tuple[float, ...]]) -> None:
        layer, histogram, thresholds = found
        if layer is not self._layer:
            return
        self.plot.set_histogram(histogram)
        self.plot.set_thresholds(thresholds)
        ends = float(histogram.core.edges[0]), float(histogram.core.edges[-1])
        self._presets = preset_curves(thresholds, ends) if ends[1] > ends[0] else {}
        same = next((name for name, one in self._presets.items() if one == self.curve), OWN)
        self._list(NONE if self.curve is None else same)
        self.fit()

    def _on_preset(self, index: int) -> None:
        name = self.presets.itemText(index)
        if name == NONE:
            self.curve = None
        elif name in self._presets:
            self.curve = self._presets[name]

    def _on_curve(self, curve: OpacityCurve) -> None:
        del curve
        self._list(OWN)
        self._apply()

    def _on_range(self, event: Any) -> None:
        if event.source is self._layer and self.curve is not None:
            self._apply()

    def _apply(self) -> None:
        layer, curve = self._layer, self.curve
        if layer is None:
            return
        if curve is None:
            self._take_off(layer)
            return
        if layer not in self._before:
            self._before[layer] = self._look_of(layer)
        base, _ = self._before[layer]
        layer.colormap = opacity_colormap(base, str(base.name), curve, layer)
        layer.rendering = RENDERING

    def _look_of(self, layer: Image) -> tuple[Any, str]:
        """Return colormap and rendering without a curve; a volume of a saved window has one
        already.
        """
        from napari.utils.colormaps import ensure_colormap

        name, rendering = str(layer.colormap.name), str(layer.rendering)
        if not name.endswith(SUFFIX):
            return layer.colormap, rendering
        base = name.removesuffix(SUFFIX)
        known = temperature(self._viewer) if base in (TEMPERATURE, ON_WHITE) else base
        return ensure_colormap(known), next(iter(RENDERINGS.values()))

    def _take_off(self, layer: Layer) -> None:
        before = self._before.pop(layer, None)
        if before is not None:
            layer.colormap, layer.rendering = before


def _histogram_of(
    data: Any, known: tuple[float, ...], should_stop: Any
) -> tuple[Histogram, tuple[float, ...]]:
    histogram = gray_histogram(data, should_stop=should_stop)
    if len(known) == 2:
        return histogram, known
    try:
        return histogram, suggest_thresholds(histogram).thresholds
    except InputError:  # fewer grey values than phases
        return histogram, ()
