"""The Reconstruct form: tilt series to volume, with a live cross-section and intermediate
volumes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Any

import napari.components
import numpy as np
from napari.layers import Image, Layer
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QCheckBox, QLabel

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.gray_limits import volume_limits
from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.study.plane_preview import LivePlane, preview_plane
from napari_snpore.study.recipe import AlignSection, PrepareSection
from napari_snpore.study.stages import PreparedAlignment, Stages, unaligned
from napari_snpore.study.tomogram import (
    AlignmentChoice,
    Observer,
    Tomogram,
    correlate_halves,
    halves_slices,
)
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.contrast import contrast_note
from napari_snpore.tomography.discrete.blur_search import BlurEstimate
from napari_snpore.tomography.even_odd import EvenOdd
from napari_snpore.tomography.image_faults import image_faults
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.warp import aligned_shape
from napari_snpore.viewer.forms.form import (
    Fold,
    Freshness,
    MainButton,
    ResultText,
    caveat,
    number,
    percent,
)
from napari_snpore.viewer.forms.form_values import form_values, set_form_values
from napari_snpore.viewer.forms.step_form import InputLayers, LayerForm
from napari_snpore.viewer.forms.tilt_images import keep_images
from napari_snpore.viewer.reconstruct.alignment_panel import AlignmentPanel
from napari_snpore.viewer.reconstruct.growing_volume import GrowingVolume
from napari_snpore.viewer.reconstruct.live_slice import COMING, NO_SERIES, LiveSlice
from napari_snpore.viewer.reconstruct.method_panel import MethodPanel
from napari_snpore.viewer.reconstruct.preparation_panel import PreparationPanel
from napari_snpore.viewer.reconstruct.result_text import (
    even_odd_words,
    result_lines,
    tilts_in_words,
)
from napari_snpore.viewer.reconstruct.steps import (
    FoundBlur,
    align_prepared,
    layer_word,
    run_reconstruction,
    search_blur,
)
from napari_snpore.viewer.reconstruct.tilt_table import TiltTable
from napari_snpore.viewer.shared.events import breathe
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.layers import (
    SEPARATOR,
    is_series,
    put_layer,
    record_of,
    series_data,
    series_from_layer,
    stem_of,
    volume_data,
)
from napari_snpore.viewer.shared.view_kept import keeping_choice
from napari_snpore.viewer.shared.worker import InUse

_INPUTS = InputLayers(
    is_series,
    what="tilt series",
    empty="Drop a tilt series here, or File > Open Sample",
    tip="A tilt series that was opened with its angles; the choice follows the selected layer.",
)


class _News(QObject):
    """Signals from the worker thread to the GUI thread; lives as long as the thread needs it."""

    aligned = Signal(object, object)
    iterated = Signal(int, float)
    grown = Signal(object, int)


@dataclass(frozen=True, eq=False)
class _ShownPlane:
    live: LivePlane
    rows: int
    aligned: bool


class ReconstructWidget(LayerForm):
    """Prepare, align and reconstruct the tilt series of a layer.

    Parameters
    ----------
    viewer : ViewerModel
        napari passes its own.

    Attributes
    ----------
    result : Tomogram or None
        Of the last run: aligned series, alignment, volume, quality.
    even_odd : EvenOdd or None
        Its Fourier shell correlation.

    Examples
    --------
    In napari's console::

        widget = ReconstructWidget(viewer)
        widget.method.iterations.setValue(100)
        volume_layer = widget.reconstruct()
        widget.result.quality.residual
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(
            viewer,
            _INPUTS,
            MainButton(
                "Reconstruct", "Align, reconstruct, and compare the volume with the images."
            ),
        )
        self.result: Tomogram | None = None
        self.even_odd: EvenOdd | None = None
        self._made: Image | None = None
        self._blur_of: tuple[Any, ...] | None = None
        self._stages: Stages | None = None
        self._aligned: PreparedAlignment | None = None
        self._only_looked = False
        self._news = _News()
        self._build()
        self._growing = GrowingVolume(self._viewer)
        self._layer_choice.layer_changed.connect(self._on_layer)
        self._layer_choice.layer_changed.connect(self._freshness.compare)
        self._on_layer(self._layer_choice.layer)

    @property
    def alignment(self) -> Alignment | None:
        """The alignment that a run would use: found, set by hand or imported; None while there is
        none for these images.
        """
        if self._aligned is None or not self.aligning.enabled:
            return None
        return self._aligned.for_images(self._preparation())

    def reconstruct(self) -> Image:
        """Run and return the volume layer; the window stays alive meanwhile."""
        previous = self.result
        self.start()
        self.status.wait()
        if self.result is previous or self._made is None:
            raise InputError(f"No volume was made. {self.status.message.text().lstrip('⚠ ')}")
        return self._made

    def align(self) -> Alignment:
        """Align and return the alignment; the window stays alive meanwhile."""
        self.start_alignment()
        self.status.wait()
        if self.alignment is None:
            raise InputError(f"No alignment was found. {self.status.message.text().lstrip('⚠ ')}")
        return self.alignment

    def start_alignment(self) -> None:
        """Align in a thread."""
        try:
            stages = self._required()
        except InputError as error:
            self.status.refuse(error)
            return
        work = partial(align_prepared, stages, self._preparation(), self._choice())
        done = partial(self._take_alignment, stages)
        self.status.run("Align", work, done, of=self._in_use("nothing was aligned"))

    def _choice(self, known: Alignment | None = None) -> AlignmentChoice:
        """Return how a run obtains its alignment; the last one, also of other pixels, decides on
        the hand of a new one.
        """
        section = AlignSection(
            enabled=self.aligning.enabled, tilt_axis_angle_deg=self.aligning.given_angle
        )
        last = None if self._aligned is None else self._aligned.alignment.tilt_axis_angle_deg
        return AlignmentChoice(section, known, last)

    def start(self) -> None:
        """Reconstruct in a thread; aligns before where that is still to do."""
        try:
            stages = self._required()
            section, blur = self.method.section_of_run()
            settings = self._settings()
        except InputError as error:
            self.status.refuse(error)
            return
        preparation, choice = self._preparation(), self._choice(self.alignment)
        tilts = len(stages.raw.angles_deg)
        finish = Event()
        news = self._news = _News()
        news.aligned.connect(self._take_alignment)
        news.iterated.connect(self._on_iteration)
        news.grown.connect(self._on_grown)
        observer = Observer(
            aligned=lambda found: news.aligned.emit(
                stages, PreparedAlignment(found, preparation, tilts)
            ),
            iterated=news.iterated.emit,
            partial=news.grown.emit,
            finish_now=finish.is_set,
        )
        self.status.run(
            "Reconstruct",
            partial(run_reconstruction, stages, preparation, choice, section, observer, blur),
            partial(self._on_done, self._layer_choice.required(), stages, settings),
            finish=None if section.method == "wbp" else finish,
            of=self._in_use("no volume was made"),
        )

    def find_blur(self) -> BlurEstimate:
        """Find the blur of the images and return it; the window stays alive meanwhile."""
        before = self.method.blur.estimate
        self.start_find()
        self.status.wait()
        found = self.method.blur.estimate
        if found is None or found is before:
            raise InputError(f"No blur was sought. {self.status.message.text().lstrip('⚠ ')}")
        return found

    def start_find(self) -> None:
        """Find the blur in a thread; aligns before where that is still to do."""
        try:
            stages = self._required()
            preparation = self._preparation()
        except (InputError, ValueError) as error:
            self.status.refuse(InputError(str(error)))
            return
        choice, thickness = self._choice(self.alignment), self.method.thickness.value() or None
        work = partial(search_blur, stages, preparation, choice, thickness)
        done = partial(self._on_blur, stages, self._images_key())
        self.status.run("Find blur", work, done, of=self._in_use("no blur was sought"))

    def _in_use(self, end: str) -> InUse:
        return InUse(self._viewer, (self._layer_choice.required(),), end)

    def _on_blur(self, stages: Stages, images_key: tuple[Any, ...], found: FoundBlur) -> None:
        if stages is not self._stages or images_key != self._images_key():
            self.status.say(
                "Another series, or other settings of it, were chosen meanwhile; the blur of the "
                "earlier images was dropped.",
                problem=True,
            )
            return
        if found.alignment is not None:
            self._on_aligned(found.alignment)
        self._blur_of = self._images_key()
        self.method.blur.take(found.estimate)
        if not found.estimate.reliable:
            self.status.say(
                "The blur found is not reliable; give a value under Blur, or none is used.",
                problem=True,
            )

    def _images_key(self) -> tuple[Any, ...]:
        """Return what a blur that was found belongs to: preparation and alignment as they are
        set.
        """
        preparation = self.preparing.section(self.tilts.left_out).model_dump_json()
        return preparation, self.aligning.enabled, self.aligning.given_angle

    def _forget_blur(self) -> None:
        """Drop a blur of other images."""
        self.method.blur.take(None)
        self._blur_of = None

    def state(self) -> Mapping[str, Any]:
        """Return the series, the settings and the blur that was found; an alignment is found
        again.
        """
        return {
            "layer": self.layer_name,
            "left_out": [int(k) for k in self.tilts.left_out],
            "found_blur": self.method.blur.found_state(),
            **{name: form_values(part) for name, part in self._parts().items()},
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        if not self.choose_saved(state, layers):
            return
        self.tilts.left_out = state.get("left_out", [])
        for name, part in self._parts().items():
            set_form_values(part, state.get(name, {}))
        self.method.blur.set_found_state(state.get("found_blur"))
        self._blur_of = None if self.method.blur.estimate is None else self._images_key()

    def _parts(self) -> dict[str, Any]:
        return {
            "preparation": self.preparing,
            "alignment": self.aligning,
            "method": self.method,
            "more": self,
        }

    def closed(self) -> None:
        """Stop."""
        self._live.drop()
        self._looking.drop()
        self._growing.hide()
        super().closed()

    def _build(self) -> None:
        rows = self.rows()
        rows.addRow("Tilt series", self._layer_choice)
        self.about = QLabel()
        self.about.setWordWrap(True)
        rows.addRow(self.about)
        rows.addRow(self._layer_choice.hint())
        self.tilts_fold = Fold("Tilts")
        self.tilts = TiltTable()
        self.tilts_fold.form.addRow(self.tilts)
        self.preparing = PreparationPanel()
        self.aligning = AlignmentPanel()
        self.slice = LiveSlice()
        self.method = MethodPanel()
        self.column.addWidget(self.tilts_fold)
        self.column.addWidget(self.preparing)
        self.column.addWidget(self.aligning)
        self.column.addLayout(self.method)
        self.column.addWidget(self.method.more)
        self.results.addWidget(self.slice)
        self.keep_aligned = QCheckBox("show the aligned series as a layer")
        self.keep_aligned.setToolTip(
            "Adds the prepared and aligned images as a layer, to look at them tilt by tilt."
        )
        self.compares = QCheckBox("correlate even and odd tilts afterwards")
        self.compares.setChecked(True)
        self.compares.setToolTip(
            "Reconstructs even and odd tilts separately and compares the two volumes (Fourier shell correlation): how\n"
            "fine a detail the images support."
        )
        self.method.more.form.addRow(self.keep_aligned)
        self.method.more.form.addRow(self.compares)
        self.main_button.clicked.connect(self.start)
        self.numbers = ResultText(
            "residual: part of the images that projections of the volume do not explain;\n"
            "mass: how much the sums of the images vary over the tilts (standard deviation / mean);\n"
            "D·Δθ: Crowther's guide to the resolution across the beam, thickness times tilt step;\n"
            "wedge: how far the missing tilts draw small features out along the beam (z);\n"
            "blur: standard deviation of the Gaussian blur of the images, part of the model of TV;\n"
            "even/odd: length at which volumes from even and from odd tilts cease to agree (half-bit; ≤: they agree\n"
            "throughout). It is a resolution for WBP only. See docs/definitions.md, What the tilt series can resolve."
        )
        self.results.addWidget(self.numbers)
        self.footer.addWidget(self.main_button)
        self.footer.addWidget(self.status)
        self.column.addStretch(1)
        self._live, self._looking = LatestTask(self), LatestTask(self)
        self._live.done.connect(self._on_plane)
        self._live.failed.connect(self.slice.say)
        self._looking.done.connect(self._on_inspected)
        for signal in (self.tilts.changed, self.preparing.changed, self.aligning.changed):
            signal.connect(self._on_images)
        for signal in (self.method.changed, self.slice.moved):
            signal.connect(self._refresh)
        self.preparing.wants_layer.connect(self._show_prepared)
        self.aligning.wants_align.connect(self.start_alignment)
        self.aligning.moved.connect(self._on_moved)
        self.aligning.imported.connect(self._on_imported)
        self.aligning.refused.connect(self.status.refuse)
        self.method.blur.wants_find.connect(self.start_find)
        self.status.busy_changed.connect(self._on_busy)
        self._freshness = Freshness(
            self, (self.numbers,), self._settings, "Reconstruct makes them fresh", self._missing
        )
        for signal in (self.tilts.changed, self.aligning.imported):
            signal.connect(self._freshness.compare)

    def _settings(self) -> tuple[Any, ...]:
        """Return everything that a volume is made with, but for the blur that the images decide."""
        section, _ = self.method.section_of_run()
        return self.layer, self._images_key(), section.model_dump_json(), _axis_of(self.alignment)

    def _required(self) -> Stages:
        self._layer_choice.required()
        if self._stages is None:
            raise InputError("The tilt series cannot be read; open it again with napari-snpore.")
        return self._stages

    def _preparation(self) -> PrepareSection:
        return self.preparing.section(self.tilts.left_out)

    def _on_layer(self, layer: Layer | None) -> None:
        self._live.drop()
        self._looking.drop()
        self._stages, self._aligned, self._only_looked = None, None, False
        self._forget_blur()
        self._on_busy(self.status.busy)
        self.about.setVisible(layer is not None)
        if layer is None:
            self.main_button.setText("Reconstruct")
            self.aligning.show_alignment(None)
            self.slice.say(NO_SERIES)
            return
        record = record_of(layer)
        angles = np.asarray(record["angles_deg"])
        _, height, width = layer.data.shape
        self.about.setText(
            f"{tilts_in_words(angles)}, pixel {number(record['pixel_size_nm'], 4)} nm"
        )
        self.tilts.show_series(angles)
        self.preparing.show_size(height, width)
        try:
            stages = self._stages = Stages(series_from_layer(layer))
        except InputError as error:
            self.slice.say(str(error))
            return
        self.slice.say(COMING)
        self._looking.ask(partial(_looked_at, stages))
        self._on_images()

    def _on_inspected(self, found: tuple[Stages, Any, list[str]]) -> None:
        stages, inspection, notes = found
        if stages is not self._stages:
            return
        self.tilts.show_reasons(inspection)
        self._name_tilts()
        for note in notes:
            self.about.setText(f"{self.about.text()}<br>{caveat(note)}")

    def _name_tilts(self) -> None:
        self.tilts_fold.setText(f"Tilts ({self.tilts.in_words}{self.tilts.warnings_in_words})")

    def _on_images(self) -> None:
        """Follow a change of the images themselves: the alignment may say nothing of them any
        more.
        """
        self._name_tilts()
        if self._stages is None:
            return
        self._show_alignment()
        if self._blur_of is not None:
            try:
                same = self._images_key() == self._blur_of
            except (InputError, ValueError):
                same = False
            if not same:
                self._forget_blur()
        self._refresh()

    def _show_alignment(self) -> None:
        if self._stages is None:
            return
        alignment, angles = self.alignment, self._stages.raw.angles_deg
        self.aligning.show_alignment(alignment, angle=self._stages.raw.tilt_axis_angle_deg)
        used = np.setdiff1d(np.arange(len(angles)), self.tilts.left_out)
        if alignment is None:
            self.tilts.forget()
        else:
            self.tilts.show_alignment(used.tolist(), alignment.shifts_px, alignment.residual_px)
        self.aligning.offer_export(alignment, angles[used])
        _, long, wide = self._stages.raw.shape
        if alignment is not None:
            long, wide = aligned_shape((long, wide), alignment.tilt_axis_angle_deg)
        factor = self.preparing.bin.value()
        self.main_button.setText(
            f"Reconstruct {wide // factor} × {long // factor} × {wide // factor}"
        )

    def _take_alignment(self, stages: Stages, found: PreparedAlignment) -> None:
        """Take the alignment of a series, unless another one was chosen meanwhile."""
        if stages is self._stages:
            self._on_aligned(found)

    def _on_aligned(self, found: PreparedAlignment) -> None:
        self._aligned = found
        self._show_alignment()
        self._freshness.compare()
        self._refresh()

    def _on_moved(self) -> None:
        """Take the axis as it was set by hand."""
        if self._aligned is None:
            self._refresh()
            return
        angle, offset = self.aligning.axis_angle.value(), self.aligning.offset.value()
        changed = self._aligned.alignment.changed(
            tilt_axis_angle_deg=angle, tilt_axis_offset_px=offset
        )
        self._aligned = replace(self._aligned, alignment=changed)
        self._forget_blur()
        self._show_alignment()
        self._refresh()

    def _on_imported(self, alignment: Alignment) -> None:
        preparation = self._preparation()
        used = len(self.tilts.angles) - len(preparation.leave_out)
        if len(alignment.shifts_px) != used:
            self.status.refuse(
                InputError(
                    f"The .xf file holds {len(alignment.shifts_px)} images, {used} tilts of the series are used."
                )
            )
            return
        self._forget_blur()
        self._on_aligned(PreparedAlignment(alignment, preparation, len(self.tilts.angles)))

    def _refresh(self) -> None:
        """Ask for the plane under the present settings: first quickly, then as the volume will
        be.
        """
        stages = self._stages
        if stages is None:
            return
        try:
            section, preparation = self.method.section(), self._preparation()
        except (InputError, ValueError) as error:
            self.slice.say(str(error))
            return
        self._show_made()
        alignment, share, enabled = self.alignment, self.slice.share, self.aligning.enabled
        angle = self.aligning.given_angle

        def work(should_stop: ShouldStop, quick: bool) -> _ShownPlane:
            tried = alignment
            if enabled and tried is None:
                tried = unaligned(stages.prepared(preparation), angle)
            rows = stages.preview(preparation, tried).shape[0]
            live = preview_plane(
                stages, preparation, tried, section, share, quick=quick, should_stop=should_stop
            )
            return _ShownPlane(live, rows, alignment is not None or not enabled)

        self._again: Callable[[], None] = lambda: self._live.ask(partial(work, quick=False))
        self._live.ask(partial(work, quick=True))

    def _on_plane(self, shown: _ShownPlane) -> None:
        note = (
            ""
            if shown.aligned
            else "not aligned yet: the direction of the axis is the file's, shifts are not known"
        )
        made = self._show_made()
        if not made:
            self.slice.show_plane(shown.live, shown.rows, note=note)
        self.aligning.show_rows(
            shown.live.before, shown.live.after, aligned=self.alignment is not None
        )
        self._only_looked = not shown.live.final and not made and self.status.busy
        if not shown.live.final and not made and not self.status.busy:
            self._again()

    def _show_made(self) -> bool:
        """Show the cross-section of the last volume where it was made with the present settings;
        return whether it was.
        """
        if self.result is None or self._made is None or self._freshness.is_stale:
            return False
        self.slice.show_volume(self.result.volume, self._made.name)
        return True

    def _show_prepared(self) -> None:
        try:
            stages, preparation = self._required(), self._preparation()
        except (InputError, ValueError) as error:
            self.status.refuse(InputError(str(error)))
            return
        name = f"{stem_of(self._layer_choice.required().name)}{SEPARATOR}prepared"
        self.status.run(
            "Prepare",
            partial(_prepared, stages, preparation),
            lambda series: self._put_beside(series_data(series, name)),
            of=self._in_use("nothing was prepared"),
        )

    def _put_beside(self, data: Any) -> None:
        """Add a layer; the form and what is selected in napari stay with the tilt series."""
        with keeping_choice(self._viewer):
            put_layer(self._viewer, data)

    def _on_iteration(self, iteration: int, residual: float) -> None:
        if self.sender() is self._news and self.status.busy:
            self.status.say(f"iteration {iteration}: residual {percent(residual)}")

    def _on_grown(self, volume: Any, iteration: int) -> None:
        if self.sender() is self._news and self.status.busy and self._stages is not None:
            size = self._stages.raw.pixel_size_nm * self.preparing.bin.value()
            self._growing.show(volume, size, stem_of(self._layer_choice.required().name), iteration)
            if self._layer_choice.layer is not None:
                self._layer_choice.layer.visible = False

    def _on_done(
        self, series: Layer, stages: Stages, settings: tuple[Any, ...], found: Tomogram
    ) -> None:
        self.result, self.even_odd = found, None
        shown, stem = stages is self._stages, stem_of(series.name)
        if shown and found.blur is not None and settings[1] == self._images_key():
            self._blur_of = settings[1]
            self.method.blur.take(found.blur)
        name = f"{stem}{SEPARATOR}{layer_word(found.volume)}"
        self._growing.hide()
        breathe(self._viewer)
        assert found.aligned is not None
        assert found.quality is not None
        if self.keep_aligned.isChecked():
            self._put_beside(series_data(found.aligned, f"{stem}{SEPARATOR}aligned", visible=False))
        series.visible = False  # it lies in the same place as the volume and would hide it
        known = list(self._viewer.layers)
        self._made = put_layer(self._viewer, volume_data(found.volume, name))
        if not any(self._made is one for one in known):  # else the user's contrast stays
            self._made.contrast_limits = volume_limits(np.asarray(found.volume.data))
        keep_images(self._made, found.aligned)
        breathe(self._viewer)
        self._viewer.layers.selection.active = self._made
        self._viewer.dims.set_point(
            range(3), [size / 2 for size in found.volume.size_nm]
        )  # tilts reached further than z
        used = np.setdiff1d(np.arange(len(self.tilts.angles)), self.tilts.left_out)
        if shown and len(used) == len(found.quality.residual_per_tilt):
            self.tilts.show_residuals(used.tolist(), found.quality.residual_per_tilt)
        self.numbers.show_lines(result_lines(found))
        self._freshness.note((*settings[:3], _axis_of(found.alignment)))
        self._only_looked = not self._show_made() and self._only_looked
        self._say_made(self._made)
        if self.compares.isChecked() and halves_slices(found) and not self._finished_early():
            self.status.run(
                "Even/odd correlation",
                partial(_compared, found),
                partial(self._on_compared, found, self._made),
                of=InUse(self._viewer, (self._made,), "nothing was correlated"),
            )

    def _finished_early(self) -> bool:
        if self.result is None:
            return False
        return required_step(self.result.volume.history, ReconstructStep).finished_early is not None

    def _on_compared(self, found: Tomogram, made: Layer, even_odd: EvenOdd) -> None:
        self.even_odd = even_odd
        self.numbers.show_lines(result_lines(found) + even_odd_words(even_odd))
        self._say_made(made)

    def _say_made(self, layer: Layer) -> None:
        self.status.say(f"Made '{layer.name}'.", of=InUse(self._viewer, (layer,)))

    def _on_busy(self, busy: bool) -> None:
        ready = not busy and self._layer_choice.layer is not None
        self.main_button.setEnabled(ready)
        self.method.blur.find_button.setEnabled(ready)
        self.aligning.align_button.setEnabled(ready and self.aligning.enabled)
        if not busy:
            self._growing.hide()
        if not busy and self._only_looked:
            self._only_looked = False
            self._again()  # the first look came while a run took the processor


def _axis_of(alignment: Alignment | None) -> tuple[float, float, bytes] | None:
    """Return what tells one alignment from another, with the decimals that the form shows."""
    if alignment is None:
        return None
    angle, offset = alignment.tilt_axis_angle_deg, alignment.tilt_axis_offset_px
    return round(angle, 2), round(offset, 2), np.round(alignment.shifts_px, 3).tobytes()


def _looked_at(stages: Stages, should_stop: ShouldStop) -> tuple[Stages, Any, list[str]]:
    inspection = stages.inspection(should_stop=should_stop)
    notes = contrast_note(stages.raw), image_faults(stages.raw, should_stop=should_stop).sentence
    return stages, inspection, [note for note in notes if note is not None]


def _prepared(
    stages: Stages, preparation: PrepareSection, progress: Progress, should_stop: ShouldStop
) -> TiltSeries:
    return stages.prepared(preparation, progress=progress, should_stop=should_stop)


def _compared(found: Tomogram, progress: Progress, should_stop: ShouldStop) -> EvenOdd:
    return correlate_halves(found, progress=progress, should_stop=should_stop)
