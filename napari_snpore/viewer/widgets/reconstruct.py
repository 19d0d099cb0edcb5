"""The Reconstruct widget: from a tilt series to a volume, with what says how good it can be and is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import napari.components
import numpy as np
from napari.layers import Image, Layer
from qtpy.QtWidgets import QCheckBox, QComboBox, QLabel

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.tomography.alignment import Alignment, align
from napari_snpore.tomography.methods import DEFAULT_ITERATIONS
from napari_snpore.tomography.quality import Quality, assess
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.wbp import Filter
from napari_snpore.viewer.events import plain_viewer
from napari_snpore.viewer.layers import (
    SEPARATOR,
    is_series,
    put_layer,
    record_of,
    series_data,
    series_from_layer,
    stem_of,
    volume_data,
)
from napari_snpore.viewer.tasks import StepStatus
from napari_snpore.viewer.widgets.form import (
    CountBox,
    Fold,
    MainButton,
    NumberBox,
    ResultText,
    StepForm,
    caveat,
    number,
    percent,
    signed,
)
from napari_snpore.viewer.widgets.layer_choice import LayerChoice
from napari_snpore.volume import Volume

_EMPTY = "Drop a tilt series here, or File > Open Sample"
_AUTO, _GIVEN, _DONE = "automatic", "axis angle given", "aligned already"


@dataclass(frozen=True)
class _Plan:
    """What the form says, taken before the thread starts."""

    alignment: str
    axis_angle: float
    method: str
    iterations: int
    filter: str
    nonnegative: bool
    thickness_px: int | None
    keep_aligned: bool

    @property
    def layer_word(self) -> str:
        return f"SIRT {self.iterations}" if self.method == "sirt" else "WBP"


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What one run of the widget found."""

    name: str
    aligned: TiltSeries
    alignment: Alignment | None
    volume: Volume
    quality: Quality


class ReconstructWidget(StepForm):
    """Align and reconstruct the tilt series of a layer.

    Parameters
    ----------
    viewer : ViewerModel
        napari passes its own.

    Examples
    --------
    In napari's console::

        widget = ReconstructWidget(viewer)
        widget.iterations.setValue(100)
        volume_layer = widget.reconstruct()
        widget.result.quality.residual
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self._viewer = plain_viewer(viewer)
        self.result: Reconstruction | None = None
        self._made: Image | None = None
        self._build()
        self._series.layer_changed.connect(self._on_layer)
        self._on_layer(self._series.layer)
        self._on_method()
        self._on_alignment()

    @property
    def layer(self) -> Layer | None:
        """The layer of the tilt series, read and set."""
        return self._series.layer

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        self._series.layer = layer

    def reconstruct(self) -> Image:
        """Run and return the volume layer; the window stays alive meanwhile."""
        before = self.result
        self.start()
        self.status.wait()
        if self.result is before or self._made is None:
            raise InputError(f"No volume was made. {self.status.message.text().lstrip('⚠ ')}")
        return self._made

    def start(self) -> None:
        """Run in a thread."""
        try:
            layer = self._series.required()
            series = series_from_layer(layer)
        except InputError as error:
            self.status.refuse(error)
            return
        plan, stem = self._plan(), stem_of(layer.name)

        def work(progress: Progress, should_stop: ShouldStop) -> Reconstruction:
            return _reconstruct(stem, series, plan, progress, should_stop)

        self.status.run("Reconstruct", work, self._on_done)

    def closed(self) -> None:
        """Stop."""
        self.status.drop()

    def _build(self) -> None:
        self._series = LayerChoice(self._viewer, is_series, empty=_EMPTY, what="tilt series")
        self._series.setToolTip("A tilt series that was opened with its angles; the choice follows the selected layer.")
        rows = self.rows()
        rows.addRow("Tilt series", self._series)
        self.about = QLabel()
        self.about.setWordWrap(True)
        rows.addRow("", self.about)
        rows.addRow(self._series.hint())
        self.alignment = QComboBox()
        self.alignment.addItems([_AUTO, _GIVEN, _DONE])
        self.alignment.setToolTip(
            "automatic: shifts, direction and offset of the tilt axis from the images;\n"
            "axis angle given: the same, with the direction that you know;\n"
            "aligned already: the axis is image axis y, through the middle."
        )
        self.axis_angle = NumberBox(
            0.0,
            -90.0,
            90.0,
            step=0.5,
            tip="Direction of the tilt axis from image axis y, in degrees; 90 is horizontal.",
        )
        self.method = QComboBox()
        self.method.addItem("SIRT", "sirt")
        self.method.addItem("WBP (weighted backprojection)", "wbp")
        self.method.setToolTip("SIRT: iterative, less noise and streaks. WBP: at once, for a first look.")
        self.iterations = CountBox(
            DEFAULT_ITERATIONS["sirt"], 1, 5000, tip="More iterations sharpen the volume and raise its noise."
        )
        rows.addRow("Align", self.alignment)
        rows.addRow("Axis angle (°)", self.axis_angle)
        rows.addRow("Method", self.method)
        rows.addRow("Iterations", self.iterations)
        self._rows = rows
        self.column.addWidget(self._more())
        self.main_button = MainButton("Reconstruct", "Align, reconstruct, and compare the volume with the images.")
        self.main_button.clicked.connect(self.start)
        self.column.addWidget(self.main_button)
        self.numbers = ResultText(
            "residual: share of the images' norm that the volume does not explain;\n"
            "D·Δθ: Crowther's resolution guide across the beam, thickness times tilt step;\n"
            "wedge: how much the missing tilts draw small features out along the beam (z)."
        )
        self.column.addWidget(self.numbers)
        self.status = StepStatus()
        self.column.addWidget(self.status)
        self.column.addStretch(1)
        self.alignment.currentIndexChanged.connect(self._on_alignment)
        self.method.currentIndexChanged.connect(self._on_method)
        self.status.busy_changed.connect(self._on_busy)

    def _more(self) -> Fold:
        more = Fold("More")
        self.nonnegative = QCheckBox("no negative grey values (SIRT)")
        self.nonnegative.setChecked(True)
        self.nonnegative.setToolTip("Matter does not absorb less than nothing; keeps the vacuum at 0.")
        self.thickness = CountBox(
            0, 0, 100_000, tip="Voxels along the beam; lowest value: as many as the image is wide."
        )
        self.thickness.setSpecialValueText("as wide as the image")
        self.filter = QComboBox()
        self.filter.addItems(get_args(Filter))
        self.filter.setToolTip("WBP: the ramp, or the ramp times a window that lowers noise and resolution.")
        self.keep_aligned = QCheckBox("show the aligned series as a layer")
        more.form.addRow(self.nonnegative)
        more.form.addRow("Thickness (voxels)", self.thickness)
        more.form.addRow("Filter (WBP)", self.filter)
        more.form.addRow(self.keep_aligned)
        return more

    def _plan(self) -> _Plan:
        return _Plan(
            alignment=self.alignment.currentText(),
            axis_angle=self.axis_angle.value(),
            method=self.method.currentData(),
            iterations=self.iterations.value(),
            filter=self.filter.currentText(),
            nonnegative=self.nonnegative.isChecked(),
            thickness_px=self.thickness.value() or None,
            keep_aligned=self.keep_aligned.isChecked(),
        )

    def _on_layer(self, layer: Layer | None) -> None:
        self.main_button.setEnabled(layer is not None and not self.status.busy)
        self.about.setVisible(layer is not None)
        if layer is None:
            self.main_button.setText("Reconstruct")
            return
        record = record_of(layer)
        _, height, width = layer.data.shape
        self.about.setText(
            f"{_tilts_in_words(np.asarray(record['angles_deg']))}, pixel {number(record['pixel_size_nm'], 4)} nm"
        )
        self.main_button.setText(f"Reconstruct {width} × {height} × {width}")

    def _on_alignment(self) -> None:
        self._rows.setRowVisible(self.axis_angle, self.alignment.currentText() == _GIVEN)

    def _on_method(self) -> None:
        sirt = self.method.currentData() == "sirt"
        self._rows.setRowVisible(self.iterations, sirt)
        self.nonnegative.setEnabled(sirt)
        self.filter.setEnabled(not sirt)

    def _on_done(self, found: Reconstruction) -> None:
        self.result = found
        if self.keep_aligned.isChecked():
            put_layer(
                self._viewer, series_data(found.aligned, f"{stem_of(found.name)}{SEPARATOR}aligned", visible=False)
            )
        series = self._series.layer
        if series is not None:
            series.visible = False  # it lies in the same place as the volume and would hide it
        self._made = put_layer(self._viewer, volume_data(found.volume, found.name))  # type: ignore[assignment]
        self._viewer.layers.selection.active = self._made
        self._viewer.dims.set_point(
            range(3), [size / 2 for size in found.volume.size_nm]
        )  # tilts reached further than z
        self.numbers.show_lines(result_lines(found))
        self.status.say(f"Made '{found.name}'.")

    def _on_busy(self, busy: bool) -> None:
        self.main_button.setEnabled(not busy and self._series.layer is not None)


def result_lines(found: Reconstruction) -> list[str]:
    """Return the numbers beside a reconstruction, each with its unit and its caveat."""
    quality = found.quality
    along = quality.crowther_nm * quality.wedge_elongation
    lines = []
    if found.alignment is not None:
        axis = found.alignment
        lines.append(
            f"axis <b>{signed(axis.tilt_axis_angle, 1)}°</b>, offset <b>{signed(axis.tilt_axis_offset_px, 1)} px</b>, "
            f"left over {number(float(np.median(axis.residual_px)))} px (median)"
        )
        lines += [caveat(note) for note in axis.notes]
    lines += [
        f"residual <b>{percent(quality.residual)}</b> of the images' norm",
        f"D·Δθ <b>{number(quality.crowther_nm)} nm</b> across the beam "
        f"(D {number(quality.thickness_nm)} nm, Δθ {number(quality.tilt_step_deg)}°)",
        f"wedge × <b>{quality.wedge_elongation:.2f}</b>: {number(along)} nm along the beam",
    ]
    return lines


def _reconstruct(
    stem: str, series: TiltSeries, plan: _Plan, progress: Progress, should_stop: ShouldStop
) -> Reconstruction:
    """Run the three steps; each takes its part of one bar."""
    found, aligned = None, series
    if plan.alignment != _DONE:
        axis = plan.axis_angle if plan.alignment == _GIVEN else None
        found = align(series, tilt_axis_angle=axis, progress=_part(progress, 0.0, 0.4), should_stop=should_stop)
        aligned = found.apply(series)
    start = 0.0 if found is None else 0.4
    options: dict[str, Any] = {"method": plan.method, "thickness_px": plan.thickness_px}
    if plan.method == "sirt":
        options |= {"iterations": plan.iterations, "nonnegative": plan.nonnegative}
    else:
        options |= {"filter": plan.filter}
    volume = reconstruct(aligned, **options, progress=_part(progress, start, 0.95), should_stop=should_stop)
    quality = assess(aligned, volume, progress=_part(progress, 0.95, 1.0), should_stop=should_stop)
    return Reconstruction(f"{stem}{SEPARATOR}{plan.layer_word}", aligned, found, volume, quality)


def _part(progress: Progress, start: float, end: float) -> Callable[[int, int], None]:
    """Return a progress callback that fills the bar from one share to another."""

    def tell(done: int, total: int) -> None:
        progress(math.floor(1000 * (start + (end - start) * done / max(total, 1))), 1000)

    return tell


def _tilts_in_words(angles: np.ndarray[Any, Any]) -> str:
    ordered = np.sort(angles)
    step = np.median(np.diff(ordered)) if len(ordered) > 1 else 0.0
    return f"{len(angles)} tilts, {signed(ordered[0])}° to {signed(ordered[-1])}°, step {number(float(step))}°"
