"""The Threshold widget: from grey values to phases by lines dragged on the exact histogram, with the phases seen at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from numpy.typing import NDArray
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QPushButton

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.phases import PhaseScheme, segment
from napari_snpore.segmentation.thresholds import Method, Suggestion, suggest_thresholds
from napari_snpore.study.recipe import ThresholdSection
from napari_snpore.viewer.layers import (
    SEPARATOR,
    add_layer,
    array_from_layer,
    envelope_data,
    has_scale,
    is_volume,
    phases_like,
    stem_of,
    volume_from_layer,
)
from napari_snpore.viewer.plots.histogram import HistogramPlot
from napari_snpore.viewer.preview import PhasePreview, is_exact
from napari_snpore.viewer.tasks import StepStatus
from napari_snpore.viewer.theme import follow_theme
from napari_snpore.viewer.widgets.envelope_settings import Envelope, EnvelopeSettings, make_envelope
from napari_snpore.viewer.widgets.form import CountBox, Fold, MainButton, NumberBox, ResultText, StepForm, caveat, percent
from napari_snpore.viewer.widgets.layer_choice import LayerChoice

_EMPTY = "Open or reconstruct a volume (File > Open Sample)"


@dataclass(frozen=True, eq=False)
class _Counted:
    """What the worker finds out about a volume."""

    histogram: Histogram
    suggestion: Suggestion | None
    refusal: str


class ThresholdWidget(StepForm):
    """Thresholds on the histogram of a volume, phases previewed while they are dragged, and the phase layer they make.

    Parameters
    ----------
    viewer : ViewerModel
        napari passes its own.

    Examples
    --------
    In napari's console::

        widget = ThresholdWidget(viewer)
        widget.layer = viewer.layers["needle · SIRT 50"]
        widget.thresholds = 0.48, 6.1
        phases = widget.apply()
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._thresholds: tuple[float, ...] = ()
        self._wished: tuple[float, ...] | None = None  # set by a user or a script: a suggestion must not replace them
        self._past: list[tuple[float, ...]] = []
        self._future: list[tuple[float, ...]] = []
        self._histogram: Histogram | None = None
        self._inside: Histogram | None = None
        self._envelope: Envelope | None = None
        self._scheme = ThresholdSection(phases=3).scheme
        self._preview = PhasePreview(viewer, self)
        self._build()
        self._volume.layer_changed.connect(self._on_layer)
        self._on_layer(self._volume.layer)

    @property
    def layer(self) -> Layer | None:
        """The volume layer; setting one counts its histogram anew."""
        return self._volume.layer

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        self._volume.layer = layer

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Increasing grey values; empty until they are set or suggested."""
        return self._thresholds

    @thresholds.setter
    def thresholds(self, thresholds: Sequence[float]) -> None:
        values = tuple(float(value) for value in thresholds)
        if not values or not np.isfinite(values).all() or any(np.diff(values) <= 0):
            raise InputError(f"thresholds are {values}; finite, increasing grey values are needed.")
        self._remember()
        self._wished = values
        self._take(values)

    @property
    def fractions(self) -> tuple[float, ...]:
        """Shares of the phases, of the envelope where it is up to date, else of the whole box; waits for the histogram."""
        if self._histogram is None and self.layer is not None:
            self.status.wait()
        return self._fractions()[0]

    def apply(self) -> Labels:
        """Make the phases layer (uint8) of the present thresholds and return it; the window stays alive meanwhile."""
        before = self._made
        self._start_apply()
        self.status.wait()
        if self._made is before or self._made is None:
            raise InputError(f"No phases were made. {self.status.message.text().lstrip('⚠ ')}")
        return self._made

    def _build(self) -> None:
        self._made: Labels | None = None
        self._volume = LayerChoice(self._viewer, is_volume, empty=_EMPTY, what="volume")
        self._volume.setToolTip("The grey volume; the choice follows the layer selected in napari.")
        self.rows().addRow("Volume", self._volume)
        self.plot = HistogramPlot()
        follow_theme(self.plot, self._viewer)
        self.column.addWidget(self.plot, 1)
        self.column.addLayout(self._tools())
        self._boxes: list[NumberBox] = []
        self._box_rows = self.rows()
        self.warning = _note()
        self.column.addWidget(self.warning)
        self.envelope = EnvelopeSettings()
        self.column.addWidget(self.envelope)
        self.column.addWidget(self._more())
        self.result = ResultText(
            "Shares of all voxels of the envelope, from the cumulative histogram: exact for integer data.\n"
            "The pore fraction is pore / (pore + C + Sn)."
        )
        self.column.addWidget(self.result)
        self.main_button = MainButton("Apply", "Label every voxel: 0 exterior, 1 pore, 2 C, 3 Sn. Exact, whatever is displayed.")
        self.column.addWidget(self.main_button)
        self.status = StepStatus()
        self.column.addWidget(self.status)
        self.plot.thresholds_changed.connect(self._on_drag)
        self.plot.drag_started.connect(self._on_drag_start)
        self.plot.drag_finished.connect(self._on_drag_end)
        self.envelope.make_button.clicked.connect(self._start_envelope)
        self.envelope.changed.connect(self._show_result)
        self.main_button.clicked.connect(self._start_apply)
        self.status.busy_changed.connect(self._on_busy)
        QShortcut(QKeySequence.StandardKey.Undo, self, self.undo)
        QShortcut(QKeySequence.StandardKey.Redo, self, self.redo)

    def _tools(self) -> QHBoxLayout:
        self.log = QCheckBox("log")
        self.log.setChecked(True)
        self.log.setToolTip("Logarithmic height: small phases stay visible.")
        self.log.toggled.connect(self.plot.set_log)
        self.show_preview = QCheckBox("preview")
        self.show_preview.setChecked(True)
        self.show_preview.setToolTip("Paint the phases over the volume while thresholds move; a layer of its own.")
        self.show_preview.toggled.connect(self._update_preview)
        self.method = QComboBox()
        self.method.addItems(get_args(Method))
        self.method.setToolTip(
            "haadf: Sn against the rest first, then the edge between vacuum and carbon;\n"
            "multiotsu, minimum_error, li: known rules on the whole histogram."
        )
        self.suggest_button = QPushButton("Suggest")
        self.suggest_button.setToolTip("Set the thresholds that this rule finds in the histogram.")
        self.suggest_button.clicked.connect(self.suggest)
        self.undo_button = QPushButton("↶")
        self.undo_button.setToolTip("Back to the thresholds before (Ctrl+Z); again with Ctrl+Shift+Z.")
        self.undo_button.setMaximumWidth(32)
        self.undo_button.clicked.connect(self.undo)
        tools = QHBoxLayout()
        for widget in (self.log, self.show_preview):
            tools.addWidget(widget)
        tools.addStretch(1)
        for widget in (self.undo_button, self.method, self.suggest_button):
            tools.addWidget(widget)
        return tools

    def _more(self) -> Fold:
        more = Fold("Phases")
        self.phase_count = CountBox(3, 2, 5, tip="Number of phases; one threshold less. 3: pore, C, Sn.")
        self.phase_count.valueChanged.connect(self._on_phase_count)
        more.form.addRow("Number of phases", self.phase_count)
        return more

    def suggest(self) -> None:
        """Take the thresholds that the chosen rule finds."""
        if self._histogram is None:
            self.status.refuse(InputError(f"There is no histogram yet. {_EMPTY}."))
            return
        try:
            found = suggest_thresholds(
                self._histogram, phases=self.phase_count.value(), method=self.method.currentText()  # type: ignore[arg-type]
            )
        except InputError as error:
            self.status.refuse(error)
            return
        self._remember()
        self._wished = None
        self._take(found.thresholds)
        self._show_warning(found)

    def undo(self) -> None:
        """Go back to the thresholds before the last change."""
        if self._past:
            self._future.append(self._thresholds)
            self._take(self._past.pop())

    def redo(self) -> None:
        """Take back an undo."""
        if self._future:
            self._past.append(self._thresholds)
            self._take(self._future.pop())

    def _remember(self) -> None:
        if self._thresholds:
            self._past.append(self._thresholds)
            self._future.clear()

    def _on_layer(self, layer: Layer | None) -> None:
        self._histogram = self._inside = self._envelope = None
        self._preview.hide()
        self._past.clear()
        self._future.clear()
        self.main_button.setEnabled(layer is not None)
        self.plot.set_histogram(None, "counting …" if layer is not None else "no volume")
        if self._wished is None:
            self._thresholds = ()
        self._fill_boxes()
        self._show_result()
        if layer is None:
            self._show_warning(None)
            return
        self.envelope.set_available(has_scale(layer))
        phases, method = self.phase_count.value(), self.method.currentText()

        def work(progress: Progress, should_stop: ShouldStop) -> _Counted:
            histogram = gray_histogram(array_from_layer(layer), progress=progress, should_stop=should_stop)
            try:
                return _Counted(histogram, suggest_thresholds(histogram, phases=phases, method=method), "")  # type: ignore[arg-type]
            except InputError as error:
                return _Counted(histogram, None, str(error))

        self.status.run("Count grey values", work, self._on_counted)

    def _on_counted(self, counted: _Counted) -> None:
        self._histogram = counted.histogram
        self.plot.set_histogram(counted.histogram)
        if self._wished is None and counted.suggestion is not None:
            self._take(counted.suggestion.thresholds)
            self._show_warning(counted.suggestion)
        else:
            self._take(self._thresholds)
            self._show_warning(None)
        if counted.refusal:
            self.status.say(counted.refusal, problem=True)

    def _take(self, thresholds: tuple[float, ...]) -> None:
        """Make thresholds the present ones, everywhere."""
        self._thresholds = thresholds
        if thresholds and len(thresholds) + 1 != len(self._scheme.names):
            self._set_phases(len(thresholds) + 1)
        self.plot.set_thresholds(thresholds)
        self._fill_boxes()
        self._update_preview()
        self._show_result()

    def _set_phases(self, count: int) -> None:
        if not 2 <= count <= self.phase_count.maximum():
            raise InputError(f"{count} phases are asked for; 2 to {self.phase_count.maximum()} are possible.")
        self._scheme = ThresholdSection(phases=count).scheme
        self.plot.set_scheme(self._scheme)
        blocked = self.phase_count.blockSignals(True)
        self.phase_count.setValue(count)
        self.phase_count.blockSignals(blocked)

    def _on_phase_count(self, count: int) -> None:
        self._set_phases(count)
        self._wished = None
        self._thresholds = ()
        self._fill_boxes()
        if self._histogram is not None:
            self.suggest()

    def _fill_boxes(self) -> None:
        count = len(self._scheme.names) - 1
        if len(self._boxes) != count:
            while self._box_rows.rowCount():
                self._box_rows.removeRow(0)
            self._boxes = [self._box(index) for index in range(count)]
        histogram = self._histogram
        whole_numbers = histogram is not None and np.dtype(histogram.dtype).kind in "iub"
        step = 1.0 if whole_numbers else _grey_step(histogram)
        for index, box in enumerate(self._boxes):
            blocked = box.blockSignals(True)
            box.setSingleStep(step)
            box.setDecimals(0 if whole_numbers else max(0, 1 - int(np.floor(np.log10(step)))))
            box.setEnabled(bool(self._thresholds))
            if self._thresholds:
                box.setValue(self._thresholds[index])
            box.blockSignals(blocked)

    def _box(self, index: int) -> NumberBox:
        below, above = self._scheme.names[index], self._scheme.names[index + 1]
        tip = f"{below} lies below this grey value, {above} at it and above. Arrows step it, with Shift ten times as far."
        box = NumberBox(0.0, -1e12, 1e12, step=1.0, decimals=3, tip=tip)
        box.valueChanged.connect(lambda value, k=index: self._on_box(k, value))
        self._box_rows.addRow(f"t{index + 1}  {below} | {above} (grey)", box)
        return box

    def _on_box(self, index: int, value: float) -> None:
        moved = list(self._thresholds)
        moved[index] = value
        try:
            self.thresholds = moved
        except InputError as error:
            self.status.refuse(error)
            self._fill_boxes()

    def _on_drag_start(self) -> None:
        self._remember()
        self._preview.coarsen(True)

    def _on_drag(self, thresholds: tuple[float, ...]) -> None:
        self._wished = thresholds
        self._take(thresholds)

    def _on_drag_end(self) -> None:
        self._preview.coarsen(False)

    def _update_preview(self) -> None:
        layer = self.layer
        if layer is None or not self._thresholds or not self.show_preview.isChecked():
            self._preview.hide()
        else:
            self._preview.show(layer, self._thresholds, self._scheme)  # type: ignore[arg-type]

    def _show_warning(self, suggestion: Suggestion | None) -> None:
        sentences = [suggestion.warning] if suggestion is not None and suggestion.warning else []
        if self.layer is not None and not is_exact(self.layer.dtype):
            sentences.append(f"The preview shows {self.layer.dtype} as float32; Apply is exact.")
        self.warning.setText("<br>".join(caveat(sentence) for sentence in sentences))
        self.warning.setVisible(bool(sentences))

    def _fractions(self) -> tuple[tuple[float, ...], bool]:
        """Return the shares, and whether they are of the envelope."""
        if self._histogram is None or not self._thresholds:
            return (), False
        inside = self._inside is not None and self._envelope is not None
        counted = self._inside if inside else self._histogram
        assert counted is not None
        return counted.fractions(self._thresholds), inside

    def _show_result(self) -> None:
        shares, inside = self._fractions()
        if not shares:
            self.result.show_lines([])
            self.envelope.show_state(None, stale=False)
            return
        words = "&nbsp;&nbsp; ".join(
            f"<span style='color:{colour}'>■</span> {name} <b>{percent(share)}</b>"
            for name, colour, share in zip(self._scheme.names, self._scheme.colours, shares, strict=True)
        )
        stale = self._envelope is not None and not self._fits(self._envelope)
        lines = [words]
        if not inside:
            lines.append(caveat(f"Of the whole box: vacuum counts as {self._scheme.names[0]} until an envelope is made."))
        elif stale:
            lines.append(caveat("Of an older envelope; <i>Make envelope</i> or <i>Apply</i> makes it fresh."))
        else:
            lines.append("% of the envelope's volume")
        self.result.show_lines(lines)
        self.envelope.show_state(self._envelope, stale=stale)

    def _fits(self, envelope: Envelope) -> bool:
        return envelope.threshold == self._thresholds[0] and envelope.wish == self.envelope.wish()

    def _start_envelope(self) -> None:
        try:
            layer, thresholds = self._input()
            volume = volume_from_layer(layer)
        except InputError as error:
            self.status.refuse(error)
            return
        wish, threshold = self.envelope.wish(), thresholds[0]

        def work(progress: Progress, should_stop: ShouldStop) -> tuple[Layer, Envelope, Histogram]:
            made = make_envelope(volume, threshold, wish, progress, should_stop)
            return layer, made, gray_histogram(volume, mask=made.inside, should_stop=should_stop)

        self.status.run("Make envelope", work, self._on_envelope)

    def _on_envelope(self, made: tuple[Layer, Envelope, Histogram]) -> None:
        layer, envelope, inside = made
        if layer is not self.layer:
            return
        self._envelope, self._inside = envelope, inside
        self._show_envelope(layer, envelope)
        self._show_result()

    def _show_envelope(self, layer: Layer, envelope: Envelope) -> None:
        name = f"{stem_of(layer.name)}{SEPARATOR}envelope"
        if name in self._viewer.layers:
            self._viewer.layers[name].data = envelope.inside.view(np.uint8)
            return
        selected = set(self._viewer.layers.selection)
        volume = volume_from_layer(layer)
        shown = add_layer(self._viewer, envelope_data(volume.after("envelope", envelope.inside, **envelope.parameters), name))
        shown.contour = 1
        self._viewer.layers.selection = selected

    def _input(self) -> tuple[Layer, tuple[float, ...]]:
        layer = self._volume.required()
        if not self._thresholds:
            raise InputError("There are no thresholds yet: wait for the histogram, or set them.")
        return layer, self._thresholds

    def _start_apply(self) -> None:
        try:
            layer, thresholds = self._input()
            data = array_from_layer(layer)
            volume = volume_from_layer(layer) if self._envelope is not None else None
        except InputError as error:
            self.status.refuse(error)
            return
        envelope, wish = self._envelope, self.envelope.wish()
        fresh = envelope is not None and self._fits(envelope)

        def work(progress: Progress, should_stop: ShouldStop) -> tuple[Layer, NDArray[np.uint8], Envelope | None, Any]:
            made, inside = envelope, None
            if volume is not None and not fresh:
                made = make_envelope(volume, thresholds[0], wish, progress, should_stop)
                inside = gray_histogram(volume, mask=made.inside, should_stop=should_stop)
            mask = None if made is None else made.inside
            labels = segment(data, thresholds, envelope=mask, progress=progress, should_stop=should_stop)
            return layer, labels, made, inside

        scheme = self._scheme
        self.status.run("Apply", work, lambda result: self._on_applied(result, thresholds, scheme))

    def _on_applied(self, result: tuple[Any, ...], thresholds: tuple[float, ...], scheme: PhaseScheme) -> None:
        layer, labels, envelope, inside = result
        if inside is not None and layer is self.layer:
            self._on_envelope((layer, envelope, inside))
        name = f"{stem_of(layer.name)}{SEPARATOR}phases"
        parameters = {
            "thresholds": list(thresholds),
            "phase_names": list(scheme.names),
            **({} if envelope is None else envelope.parameters),
        }
        self.show_preview.setChecked(False)  # the phases take its place
        self._made = add_layer(self._viewer, phases_like(layer, labels, name, scheme, **parameters))  # type: ignore[assignment]
        self.status.say(f"Made '{self._made.name}'.")

    def _on_busy(self, busy: bool) -> None:
        self.main_button.setEnabled(not busy and self.layer is not None)
        self.envelope.make_button.setEnabled(not busy and self.layer is not None and self.envelope.available)


def _grey_step(histogram: Histogram | None) -> float:
    """Return a round step of about a thousandth of the range of float data."""
    if histogram is None or histogram.maximum <= histogram.minimum:
        return 0.01
    return float(10.0 ** np.floor(np.log10((histogram.maximum - histogram.minimum) / 500)))


def _note() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setVisible(False)
    return label
