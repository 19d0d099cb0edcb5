"""What the tilt images add to the Threshold form: the rule *projection*, the map of the residual, and
polished phases.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from qtpy.QtCore import QObject

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.history import PolishStep, last_step
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.study.polishing import why_blur_unknown
from napari_snpore.viewer.edits.watch import LayerEdits, edits_of
from napari_snpore.viewer.errors.lines import fraction_error_lines, hover_of
from napari_snpore.viewer.forms.form import caveat
from napari_snpore.viewer.forms.residual_picture import ShownMap
from napari_snpore.viewer.forms.tilt_images import TiltImages, images_behind
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layer_history import note_moved, thresholds_of
from napari_snpore.viewer.shared.layers import record_of, steps_of, volume_from_layer
from napari_snpore.viewer.shared.worker import InUse
from napari_snpore.viewer.threshold.layers import phases_of
from napari_snpore.viewer.threshold.polish_panel import PolishedShares
from napari_snpore.viewer.threshold.result_lines import edited_lines
from napari_snpore.viewer.threshold.steps import IMAGE_RULES, Compared, compare

if TYPE_CHECKING:
    from napari_snpore.viewer.threshold.widget import ThresholdWidget

_POLISH_TIP = """Correct the phases of the present thresholds voxel by voxel, by the tilt images.
Pores, walls and particles come out nearer to the truth than by any thresholds.
Apply brings the plain phases of the thresholds back."""
_FIRST = "Polish needs phases: press Apply first."
_HINT = (
    "<i>Suggest</i> <i>by the tilt images</i> shows here which thresholds the tilt images allow."
)


class ImageWork(QObject):
    """Knows the images behind the volume of a form, and starts what needs them.

    Attributes
    ----------
    images : TiltImages or None
        Of the volume that is shown.
    reason : str
        Why there are none.
    map : ResidualMap or None
        Of the volume that is shown.
    shares : PolishedShares or None
        Of its polished phases.
    """

    def __init__(self, form: ThresholdWidget, viewer: Any) -> None:
        super().__init__(form)
        self._form, self._viewer = form, viewer
        self.images: TiltImages | None = None
        self.reason = ""
        self.map: ResidualMap | None = None
        self.shares: PolishedShares | None = None
        self._edits: weakref.WeakSet[LayerEdits] = weakref.WeakSet()
        for emitter in (viewer.layers.events.inserted, viewer.layers.events.removed):
            connect_while_alive(self, emitter, self._on_layers)

    def _on_layers(self, event: Any) -> None:
        # a method, which is held weakly: the viewer would keep a closure, and with it the form
        del event
        self.look_for_images()

    def show_volume(self, found: ResidualMap | None, shares: PolishedShares | None) -> None:
        """Take what is known of the volume that is shown now."""
        self.map, self.shares = found, shares
        self.look_for_images()

    def look_for_images(self) -> None:
        """Find the images behind the volume; series come and go."""
        self.images, self.reason = None, ""
        if self._form.layer is not None:
            try:
                self.images = images_behind(self._viewer, self._form.layer)
            except InputError as error:
                self.reason = str(error)
        self._form.tools.allow_projection(self.reason)
        self.enable()

    def enable(self) -> None:
        """Switch *Polish* on, or say in its tooltip what is missing."""
        missing = self.why_not_polish()
        button = self._form.polish_button
        button.setToolTip(missing or _POLISH_TIP)
        button.setEnabled(
            not missing and not self._form.status.busy and self._form.main_button.isEnabled()
        )

    def why_not_polish(self) -> str:
        """Return what is missing for *Polish*; empty where nothing is."""
        layer = self._form.layer
        if layer is None:
            return "There is no volume yet."
        if self.images is None:
            return self.reason
        unknown = why_blur_unknown(steps_of(record_of(layer)))
        if unknown is not None:
            return f"{unknown} Reconstruct with TV and a blur."
        return "" if phases_of(self._viewer, layer) is not None else _FIRST

    @property
    def polished(self) -> Layer | None:
        """The phases of the volume, where they were polished."""
        layer = self._form.layer
        phases = None if layer is None else phases_of(self._viewer, layer)
        if phases is None:
            return None
        made = last_step(steps_of(record_of(phases)), PolishStep)
        return None if made is None or made.note is not None else phases

    def suggests(self, rule: str) -> bool:
        """Say whether a rule asks the images of the volume that is shown."""
        if rule not in IMAGE_RULES or self.images is None:
            return False
        return rule == "projection" or self.images.made_by.method == "tv"

    def _followed(self) -> Layer | None:
        """Return the phases of the volume; from now on the form says what is corrected in them."""
        layer = self._form.layer
        phases = None if layer is None else phases_of(self._viewer, layer)
        edits = edits_of(phases)
        if edits is not None and edits not in self._edits:
            self._edits.add(edits)
            edits.changed.connect(self._form.show_result)
            edits.made_again.connect(self._form.show_result)
        return phases

    def start_compare(self, done: Callable[[Compared], None]) -> None:
        """Compare the volume with its images in a thread, under the histogram."""
        layer, images = self._form.layer, self.images
        assert layer is not None
        assert images is not None
        volume, phases = volume_from_layer(layer), self._form.phases.box.value()

        def work(progress: Progress, should_stop: ShouldStop) -> Compared:
            return compare(volume, images, phases, progress, should_stop)

        of = InUse(self._viewer, (layer,))
        self._form.counting.run("Compare with the images", work, done, of=of)

    def note_thresholds(self) -> None:
        """Follow thresholds that have come to rest: mark the map and polished phases of other
        thresholds.
        """
        form, polished = self._form, self.polished
        if polished is not None:
            note_moved(polished, form.thresholds)
        self.show_map()

    def show_map(self) -> None:
        """Show the map of the present number of phases with the thresholds in use."""
        form, found, histogram = self._form, self.map, self._form.histogram_in_use
        pictures = form.sensitivity.images
        fits = found is not None and len(found.suggestion.thresholds) == len(form.thresholds)
        if found is None or not fits or histogram is None or not form.thresholds:
            hint = self.reason if self.images is None else _HINT
            pictures.show_map(None, hint=hint if form.layer is not None else "")
        else:
            whole = "" if form.has_envelope else "of the whole box, "
            pictures.show_map(ShownMap(found, form.thresholds, histogram, form.scheme, whole))

    def _error_lines(self, phases: Layer | None) -> list[str]:
        """Return the errors that phases of the present thresholds keep, as rich text."""
        history = steps_of(record_of(phases))
        if thresholds_of(phases) != self._form.thresholds:
            history = ()
        names = self._form.scheme.names
        self._form.result.setToolTip(
            hover_of(history, [f"{name} fraction, whole" for name in names])
        )
        return fraction_error_lines(history, names)

    def lines(self) -> list[str]:
        """Return what was corrected by hand, what polishing changed, and whether it is of the
        present thresholds.
        """
        polished, names = self.polished, self._form.scheme.names
        phases = self._followed()
        lines = self._error_lines(phases)
        lines += edited_lines(steps_of(record_of(phases)), names)
        if polished is None:
            return lines
        if self.shares is not None and len(self.shares.after) == len(names):
            lines.append(self.shares.in_words(names))
        if thresholds_of(polished) != self._form.thresholds:
            lines.append(
                caveat(
                    "the polished phases are of older thresholds; <i>Polish</i> makes them fresh"
                )
            )
        return lines
