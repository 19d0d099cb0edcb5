"""The Threshold form: thresholds dragged on the exact grey-value histogram, phases shown at
once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import napari.components
import numpy as np
from napari.layers import Labels, Layer
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.segmentation.envelope import Envelope
from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.thresholds import Suggestion
from napari_snpore.viewer.forms.form import caveat
from napari_snpore.viewer.forms.form_values import form_values, set_form_values
from napari_snpore.viewer.preferences import preferences
from napari_snpore.viewer.shared.events import breathe
from napari_snpore.viewer.shared.layer_history import thresholds_of
from napari_snpore.viewer.shared.layers import array_from_layer
from napari_snpore.viewer.shared.other_specimens import hide_other_specimens
from napari_snpore.viewer.shared.undo import Undo
from napari_snpore.viewer.shared.units import has_scale
from napari_snpore.viewer.shared.worker import InUse
from napari_snpore.viewer.threshold.form import ThresholdForm
from napari_snpore.viewer.threshold.image_work import ImageWork
from napari_snpore.viewer.threshold.layers import are_of_envelope, phases_of
from napari_snpore.viewer.threshold.memory import SavedForm, ThresholdMemory
from napari_snpore.viewer.threshold.polish_panel import PolishedShares
from napari_snpore.viewer.threshold.preview import PhasePreview
from napari_snpore.viewer.threshold.result_lines import (
    LOST,
    OLDER_PHASES,
    WOULD_LOSE,
    Region,
    region_line,
)
from napari_snpore.viewer.threshold.same_rule.work import SameRule
from napari_snpore.viewer.threshold.saved_state import pack_envelope, set_settings, settings_of
from napari_snpore.viewer.threshold.steps import Counted, Enclosed, count
from napari_snpore.viewer.threshold.suggesting import Suggesting
from napari_snpore.viewer.threshold.volume_work import VolumeWork


class ThresholdWidget(ThresholdForm):
    """Thresholds on the histogram of a volume, phases previewed while they are dragged, and the
    phase layer they make.

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

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(viewer)
        self._thresholds: tuple[float, ...] = ()
        self._chosen_thresholds: tuple[float, ...] | None = (
            None  # set by a user or a script: a suggestion must not replace them
        )
        self._history: Undo[tuple[float, ...]] = Undo()
        self._histogram: Histogram | None = None
        self._enclosed: Enclosed | None = None
        self._memory = ThresholdMemory()
        self._kept: Mapping[str, Any] | None = (
            None  # an envelope of a saved window that is not unpacked yet
        )
        self._scheme = preferences().scheme(len(PORE_C_SN.names))
        self._preview = PhasePreview(self._viewer, self)
        self._dragging = False
        self._images = ImageWork(self, self._viewer)
        self._suggesting = Suggesting(self, self._images)
        self._work = VolumeWork(self, self._viewer, self._images)
        self._same_rule = SameRule(self, self._viewer)
        self._show_scheme(self._scheme)
        self._connect()
        self._layer_choice.layer_changed.connect(self._on_layer)
        self._layer_choice.scale_changed.connect(self._on_scale)
        self._on_layer(self._layer_choice.layer)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Increasing grey values; empty until they are set or suggested."""
        return self._thresholds

    @thresholds.setter
    def thresholds(self, thresholds: Sequence[float]) -> None:
        values = _checked(thresholds)
        self._remember()
        self._chosen_thresholds = values
        self._uncover_preview()
        self._take(values)

    @property
    def fractions(self) -> tuple[float, ...]:
        """Shares of the phases, of the envelope where it is up to date, else of the whole box;
        waits for the histogram.
        """
        self.counting.wait()
        return self._fractions()[0]

    @property
    def scheme(self) -> PhaseScheme:
        """Names and colours of the phases."""
        return self._scheme

    @property
    def residual_map(self) -> ResidualMap | None:
        """Residual over all thresholds, where the rule *projection* was asked for this volume."""
        return self._images.map

    @property
    def histogram(self) -> Histogram | None:
        """Grey values of the whole volume; None until they are counted."""
        return self._histogram

    @property
    def histogram_in_use(self) -> Histogram | None:
        """Grey values that fractions are taken from: inside the envelope where there is one."""
        return self._histogram if self._inside is None else self._inside

    @property
    def has_envelope(self) -> bool:
        """Whether fractions are taken inside an envelope."""
        return self._enclosed is not None

    @property
    def has_chosen(self) -> bool:
        """Whether a user or a script set the thresholds: a suggestion must not replace them."""
        return self._chosen_thresholds is not None

    @property
    def has_counted(self) -> bool:
        """Whether the grey values of the volume are counted."""
        return self._histogram is not None

    @property
    def rule_in_use(self) -> str:
        """The rule that suggested the present thresholds, "given" where they were set."""
        return self._suggesting.rule_in_use

    @property
    def envelope_in_use(self) -> Envelope | None:
        """The envelope that fractions are taken in and phases are made in."""
        return None if self._enclosed is None else self._enclosed.envelope

    @property
    def envelope_is_stale(self) -> bool:
        """Whether there is an envelope, of other thresholds or settings than the present ones."""
        envelope = self.envelope_in_use
        return envelope is not None and (
            envelope.threshold != self._thresholds[0] or envelope.options != self.envelope.options()
        )

    def required_layer(self) -> Layer:
        """Return the volume, or raise InputError where there is none."""
        return self._layer_choice.required()

    def polish_phases(self) -> Labels:
        """Polish the phases of the present thresholds and return their layer; the window stays
        alive meanwhile.

        Raises
        ------
        InputError
            No phases, no images behind the volume, or a blur that is not known.
        """
        missing = self._images.why_not_polish()
        if missing:
            raise InputError(missing)
        return self._phases_of(self._work.start_polish, "Nothing was polished.")

    def apply(self) -> Labels:
        """Make the phases layer (uint8) of the present thresholds and return it; the window stays
        alive meanwhile.
        """
        if self._kept is not None:
            self.counting.wait()
        return self._phases_of(self._work.start_apply, "No phases were made.")

    def _phases_of(self, start: Callable[[], None], failed: str) -> Labels:
        """Start a step, wait for it, and return the phases that it made."""
        made_before = self._work.applied
        start()
        self.status.wait()
        if self._work.applied == made_before or self._work.made is None:
            raise InputError(f"{failed} {self.status.message.text().lstrip('⚠ ')}")
        return self._work.made

    def apply_to_all(self) -> list[str]:
        """Make phases of the volumes of all other specimens by the rule in use here, and return what
        was done, a line per specimen; the window stays alive meanwhile.

        Raises
        ------
        InputError
            No thresholds yet, or no other specimen.
        """
        self.same_rule.show_lines([])
        self._same_rule.start()
        self.status.wait()
        lines = self.same_rule.words.text().split("<br>")
        if lines == [""]:
            raise InputError(self.status.message.text().lstrip("⚠ "))
        return lines

    def remember_other(self, layer: Layer, saved: SavedForm) -> None:
        """Keep what was made of a volume that is not shown, for when it is chosen."""
        self._memory.keep(layer, saved)

    def make_envelope(self) -> None:
        """Make the envelope of the present thresholds and settings; the window stays alive
        meanwhile.

        Raises
        ------
        InputError
            No volume, no thresholds, or no voxel size.
        """
        self._work.start_envelope()
        self.status.wait()
        if self.envelope_in_use is None:
            raise InputError(f"No envelope was made. {self.status.message.text().lstrip('⚠ ')}")

    def state(self) -> Mapping[str, Any]:
        """Return volume, thresholds, phases, all settings, and the envelope."""
        made, envelope = self._work.made, self.envelope_in_use
        return {
            "layer": self.layer_name,
            "thresholds": list(self._thresholds),
            "names": list(self._scheme.names),
            "colors": list(self._scheme.colors),
            "settings": settings_of(self),
            "phases": made.name if made is not None and self._work.shows_phases else None,
            "polished": None if self._images.shares is None else self._images.shares.as_state(),
            "made_envelope": self._kept if envelope is None else pack_envelope(envelope),
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        if not self.choose_saved(state, layers):
            return
        self._show_scheme(PhaseScheme(tuple(state["names"]), tuple(state["colors"])))
        set_settings(self, state.get("settings", {}))
        stays = bool(state["thresholds"]) and self._preview.shows(self.layer)
        self._show_layer(self.layer, kept=state.get("made_envelope"), keep_preview=stays)
        if state["thresholds"]:
            self._chosen_thresholds = _checked(state["thresholds"])
            self._take(
                self._chosen_thresholds
            )  # nothing is uncovered: what a saved window shows stays shown
        self._work.made = layers.get(state.get("phases", ""))
        self._take_shares(PolishedShares.from_state(state.get("polished")))
        self._images.enable()
        self._show_result()

    def closed(self) -> None:
        """Stop, and take the preview away."""
        self.counting.drop()
        super().closed()
        self._preview.hide()

    def _connect(self) -> None:
        self.plot.thresholds_changed.connect(self._on_drag)
        self.plot.drag_started.connect(self._on_drag_start)
        self.plot.drag_finished.connect(self._on_drag_end)
        self.tools.log.toggled.connect(self.plot.set_log)
        self.tools.preview.toggled.connect(self._update_preview)
        self.tools.suggest.clicked.connect(self.suggest)
        self.tools.undo.clicked.connect(self.undo)
        self.tools.redo.clicked.connect(self.redo)
        self.region.changed.connect(self._on_region)
        self.cleanup.wants_smooth.connect(self._work.start_smooth)
        self.phases.changed.connect(self._on_scheme)
        self.phases.refused.connect(self.status.refuse)
        self.phases.box.valueChanged.connect(self._on_phase_count)
        self.boxes.moved.connect(self._on_box)
        self.envelope.make_button.clicked.connect(self._work.start_envelope)
        self.envelope.field_button.clicked.connect(self._work.start_occlusion)
        self.envelope.changed.connect(self._show_result)
        self.main_button.clicked.connect(self._work.start_apply)
        self.polish_button.clicked.connect(self._work.start_polish)
        self.status.busy_changed.connect(self._on_busy)
        self.counting.busy_changed.connect(lambda _: self._enable_apply())
        self.counting.busy_changed.connect(self._on_count_ends)
        # not in the whole window: on the canvas these keys take back strokes on the phases
        within = Qt.ShortcutContext.WidgetWithChildrenShortcut
        QShortcut(QKeySequence.StandardKey.Undo, self, self.undo, context=within)
        QShortcut(QKeySequence.StandardKey.Redo, self, self.redo, context=within)

    def suggest(self) -> None:
        """Take the thresholds that the chosen rule finds."""
        self._suggesting.suggest()

    def take_suggestion(self, found: Suggestion) -> None:
        """Make suggested thresholds the present ones."""
        self._remember()
        self._chosen_thresholds = None
        self._take(found.thresholds)
        self._suggesting.show(found)

    def undo(self) -> None:
        """Go back to the thresholds before the last change."""
        self._return_to(self._history.back(self._thresholds))

    def redo(self) -> None:
        """Take back an undo."""
        self._return_to(self._history.forth(self._thresholds))

    def _remember(self) -> None:
        if self._thresholds:
            self._history.remember(self._thresholds)

    def _return_to(self, thresholds: tuple[float, ...] | None) -> None:
        if thresholds is not None:
            self._take(thresholds)

    def _on_layer(self, layer: Layer | None) -> None:
        self._memory.leave(self._present())
        self._show_layer(layer, self._memory.enter(layer))

    def _present(self) -> SavedForm:
        return SavedForm(
            self._thresholds,
            self._chosen_thresholds,
            self._suggesting.shown,
            self._scheme,
            form_values(self.envelope),
            self._histogram,
            self._enclosed,
            self._kept,
            self._images.map,
            self._images.shares,
        )

    def _show_layer(
        self,
        layer: Layer | None,
        saved: SavedForm | None = None,
        *,
        kept: Mapping[str, Any] | None = None,
        keep_preview: bool = False,
    ) -> None:
        """Show a volume: with its remembered settings, or anew, with the envelope that a saved
        window kept. The preview may stay where it is of this volume: napari collects garbage for
        each layer that goes, once a canvas.
        """
        if self._histogram is not None:
            self._chosen_thresholds = None  # thresholds of another volume: its own are suggested
        self._histogram = self._enclosed = None
        self._kept = kept
        self._work.envelope_given_up = False
        self.region.show_volume(None, None, None)
        if not keep_preview:
            self._preview.hide()
        self._history.clear()
        self.plot.set_histogram(None, "counting …" if layer is not None else "no volume")
        if self._chosen_thresholds is None:
            self._thresholds = ()
        if saved is not None:
            self._take_up(saved)
        self._images.show_volume(
            None if saved is None else saved.residual_map, None if saved is None else saved.polished
        )
        self._take_shares(self._images.shares)
        self._enable_apply()
        self._show_boxes()
        self._show_result()
        self.counting.drop()
        self.counting.say("")
        if layer is None:
            self._suggesting.show(None)
            return
        self.envelope.set_available(has_scale(layer))
        if saved is None or saved.histogram is None:
            self._start_count(layer)
        else:
            self._on_counted(Counted(saved.histogram))
            self._suggesting.show(saved.suggestion)

    def _take_up(self, saved: SavedForm) -> None:
        """Take what was set and made for this volume before another one was chosen; its histogram
        comes after.
        """
        self._show_scheme(saved.scheme)
        self._thresholds, self._chosen_thresholds, self._kept = (
            saved.thresholds,
            saved.chosen_thresholds,
            saved.packed,
        )
        set_form_values(self.envelope, saved.envelope_settings)
        if saved.enclosed is not None:
            self._enclosed = saved.enclosed
        if self.layer is not None:
            self._work.made = phases_of(self._viewer, self.layer)

    def _start_count(self, layer: Layer) -> None:
        data, phases, method = (
            array_from_layer(layer),
            self.phases.box.value(),
            self.tools.rule,
        )
        kept = self._kept

        def work(progress: Progress, should_stop: ShouldStop) -> Counted:
            return count(data, phases, method, kept, progress, should_stop)

        of = InUse(self._viewer, (layer,))
        self.counting.run("Count grey values", work, self._on_counted, of=of)

    def _on_count_ends(self, busy: bool) -> None:
        if not busy and self.counting.failed and self._histogram is None:
            self.plot.set_histogram(None, "no histogram")

    def _on_scale(self) -> None:
        self.envelope.set_available(self.layer is not None and has_scale(self.layer))

    def _on_counted(self, counted: Counted) -> None:
        breathe(self._viewer)  # the form was opened a moment ago, and is drawn before the preview
        self._histogram, self._kept = counted.histogram, None
        if counted.enclosed is not None:
            self._enclosed = counted.enclosed
        self.region.show_volume(self.layer, counted.histogram, self._inside)
        if self._chosen_thresholds is None and counted.suggestion is not None:
            self._take(counted.suggestion.thresholds)
            self._suggesting.show(counted.suggestion)
        else:
            self._take(self._thresholds)
            self._suggesting.show(None)
        self._suggesting.after_count(counted)

    def _on_region(self) -> None:
        if self._histogram is not None:
            self.plot.set_histogram(self.region.histogram)

    def _take(self, thresholds: tuple[float, ...]) -> None:
        """Make thresholds the present ones, everywhere."""
        self._thresholds = thresholds
        if thresholds and len(thresholds) + 1 != len(self._scheme.names):
            self._set_phases(len(thresholds) + 1)
        self.plot.set_thresholds(thresholds)
        self._show_boxes()
        self._update_preview()
        self._show_result()
        self._suggesting.note_thresholds()
        if not self._dragging:
            self._images.note_thresholds()

    def _set_phases(self, count: int) -> None:
        if not 2 <= count <= self.phases.box.maximum():
            raise InputError(
                f"{count} phases are asked for; 2 to {self.phases.box.maximum()} are possible."
            )
        self._show_scheme(preferences().scheme(count))

    def _show_scheme(self, scheme: PhaseScheme) -> None:
        self._scheme = scheme
        self.plot.set_scheme(scheme)
        self.phases.show_scheme(scheme)
        self.tools.show_phase_count(len(scheme.names))
        self.cleanup.show_phases(scheme.names)

    def _on_scheme(self, scheme: PhaseScheme) -> None:
        """Take edited names and colours."""
        self._show_scheme(scheme)
        self._show_boxes()
        self._update_preview()
        self._show_result()

    def _on_phase_count(self, count: int) -> None:
        self._remember()
        self._set_phases(count)
        self._chosen_thresholds = None
        self._take(())  # a rule that cannot find so many leaves no numbers of others behind
        if self._histogram is not None:
            self.suggest()

    def _show_boxes(self) -> None:
        self.boxes.show_thresholds(self._thresholds, self._scheme, self._histogram)

    def _on_box(self, index: int, value: float) -> None:
        moved = list(self._thresholds)
        moved[index] = value
        try:
            self.thresholds = moved
        except InputError as error:
            self.status.refuse(error)
            self._show_boxes()

    def _on_drag_start(self) -> None:
        self._dragging = True
        self._remember()
        self._uncover_preview()
        self._preview.coarsen(True)

    def _on_drag(self, thresholds: tuple[float, ...]) -> None:
        self._chosen_thresholds = thresholds
        self._take(thresholds)

    def _on_drag_end(self) -> None:
        self._dragging = False
        self._preview.coarsen(False)
        self._images.note_thresholds()

    def _update_preview(self) -> None:
        layer = self.layer
        if layer is None or not self._thresholds or not self.tools.preview.isChecked():
            self._preview.hide()
        else:
            self._preview.show(layer, self._thresholds, self._scheme)

    def _uncover_preview(self) -> None:
        """Show the preview again where phases of older thresholds, or of another specimen, cover
        it.
        """
        hid = "" if self.layer is None else hide_other_specimens(self._viewer, self.layer)
        made, covers = self._work.made, False
        if made is not None and self._work.shows_phases and made.visible:
            made.visible, covers = False, True
        if covers or hid:
            self.tools.preview.setChecked(True)
        if hid:
            self.status.say(hid.strip())

    def _fractions(self) -> tuple[tuple[float, ...], bool]:
        """Return the shares, and whether they are of the envelope."""
        if self._histogram is None or not self._thresholds:
            return (), False
        if self._inside is None:
            return self._histogram.fractions(self._thresholds), False
        return self._inside.fractions(self._thresholds), True

    def show_result(self) -> None:
        """Show the numbers of what the form and the phases hold now."""
        self._show_result()

    def _show_result(self) -> None:
        shares, inside = self._fractions()
        self.shares.show_shares(shares, self._scheme)
        self.sensitivity.show_thresholds(
            self._inside if inside else self._histogram,
            self._thresholds if shares else (),
            self._scheme,
        )
        if not shares:
            self.result.show_lines([])
            self.envelope.show_state(None, stale=False)
            return
        region: Region = "box"
        if inside:
            region = "older envelope" if self.envelope_is_stale else "envelope"
        polished = self._images.polished is not None
        self.result.show_lines(
            [
                region_line(region, self._scheme.names[0], polished=polished),
                *self._images.lines(),
                *self._words_of_age(),
                *self._words_of_loss(inside),
            ]
        )
        self.envelope.show_state(self.envelope_in_use, stale=self.envelope_is_stale)

    def _words_of_age(self) -> list[str]:
        """Say that the phases layer, which is not polished, is of other thresholds than these."""
        phases = None if self.layer is None else phases_of(self._viewer, self.layer)
        if phases is None or self._images.polished is not None:
            return []
        made_with = thresholds_of(phases)
        return [caveat(OLDER_PHASES)] if made_with and made_with != self._thresholds else []

    def _words_of_loss(self, inside: bool) -> list[str]:
        """Warn where phases of the envelope give way to phases of the whole box, before Apply and
        after it.
        """
        if inside or self.layer is None:
            return []
        if self._work.envelope_given_up:
            return [caveat(LOST)]
        return [caveat(WOULD_LOSE)] if are_of_envelope(phases_of(self._viewer, self.layer)) else []

    @property
    def _inside(self) -> Histogram | None:
        return None if self._enclosed is None else self._enclosed.inside

    def take_envelope(self, layer: Layer, enclosed: Enclosed) -> None:
        """Take the envelope of a volume, also of one that is not shown any more."""
        if layer is not self.layer:
            self._memory.take_envelope(layer, enclosed)
            return
        self._enclosed = enclosed
        self.region.show_volume(layer, self._histogram, self._inside)
        self._show_result()
        self._images.show_map()

    def take_phases(self, shares: PolishedShares | None) -> None:
        """Follow phases that were made of the volume that is shown; ``shares`` where they were
        polished.
        """
        self._take_shares(shares)
        self._images.note_thresholds()
        self._images.enable()
        self._show_result()

    def _take_shares(self, shares: PolishedShares | None) -> None:
        """Show what polishing changed, as long as polished phases are there."""
        self._images.shares = shares if self._images.polished is not None else None
        self.polish.words.show_lines([] if shares is None else list(shares.lines))
        self.polish.fit()

    def _enable_apply(self) -> None:
        """Wait for an envelope that is being taken up: without it other phases would be made."""
        unpacks = self._kept is not None and self.counting.busy
        self.main_button.setEnabled(self.layer is not None and not self.status.busy and not unpacks)
        self._images.enable()

    def _on_busy(self, busy: bool) -> None:
        self._enable_apply()
        for button in (
            self.envelope.make_button,
            self.envelope.field_button,
            self.cleanup.smooth_button,
        ):
            button.setEnabled(not busy and self.layer is not None and self.envelope.available)
        self.same_rule.button.setEnabled(not busy)


def _checked(thresholds: Sequence[float]) -> tuple[float, ...]:
    values = tuple(float(value) for value in thresholds)
    if not values or not np.isfinite(values).all() or any(np.diff(values) <= 0):
        raise InputError(f"thresholds are {values}; finite, increasing grey values are needed.")
    return values
