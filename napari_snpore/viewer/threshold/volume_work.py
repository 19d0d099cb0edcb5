"""What the Threshold form makes of its volume in threads: a smoothed volume, the envelope, its
occlusion, phases, polished phases; and the layers of the results.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Labels, Layer
from qtpy.QtCore import QObject

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.history import SmoothStep, last_step
from napari_snpore.segmentation.cleanup import CleanupOptions
from napari_snpore.segmentation.envelope import occlusion_field
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.segmentation.smoothing import smooth_volume
from napari_snpore.viewer.edits.watch import hand_edits
from napari_snpore.viewer.forms.form import caveat, number
from napari_snpore.viewer.shared.events import breathe
from napari_snpore.viewer.shared.layers import (
    array_from_layer,
    record_of,
    steps_of,
    volume_from_layer,
)
from napari_snpore.viewer.shared.other_specimens import hide_other_specimens
from napari_snpore.viewer.shared.worker import InUse, Result, Work
from napari_snpore.viewer.threshold.image_work import ImageWork
from napari_snpore.viewer.threshold.layers import (
    are_of_envelope,
    hide_envelope,
    phases_of,
    show_envelope,
    show_occlusion,
    show_phases,
    show_smooth,
)
from napari_snpore.viewer.threshold.polish_panel import PolishedShares
from napari_snpore.viewer.threshold.result_lines import LOST
from napari_snpore.viewer.threshold.steps import (
    Enclosed,
    Labelled,
    PolishedVolume,
    enclose,
    label,
    polish,
)
from napari_snpore.volume import Volume

if TYPE_CHECKING:
    from napari_snpore.viewer.threshold.widget import ThresholdWidget


class VolumeWork(QObject):
    """Starts the steps of a form that end in layers, and shows their results.

    Attributes
    ----------
    made : Labels or None
        Phases of the volume that is shown.
    applied : int
        How often phases were made.
    envelope_given_up : bool
        Whether phases of the envelope gave way to phases of the whole box.
    """

    def __init__(self, form: ThresholdWidget, viewer: Any, images: ImageWork) -> None:
        super().__init__(form)
        self._form, self._viewer, self._images = form, viewer, images
        self.made: Labels | None = None
        self.applied = 0
        self.envelope_given_up = False

    @property
    def shows_phases(self) -> bool:
        """Whether the phases that were made are still in the window."""
        return self.made is not None and self.made in self._viewer.layers

    def start_smooth(self) -> None:
        """Smooth the volume into a layer of its own, which becomes the volume of the form."""
        form = self._form
        try:
            layer = form.required_layer()
            volume = volume_from_layer(layer)
        except InputError as error:
            form.status.refuse(error)
            return
        method, strength = form.cleanup.method.currentData(), form.cleanup.strength.value()

        def work(progress: Progress, should_stop: ShouldStop) -> Volume:
            return smooth_volume(
                volume,
                method,
                strength,
                progress=progress,
                should_stop=should_stop,
            )

        self._run("Smooth", layer, work, partial(self._on_smooth, layer))

    def start_envelope(self) -> None:
        """Make the envelope of the present thresholds and settings."""
        form = self._form
        try:
            layer, thresholds = self._input()
            volume = volume_from_layer(layer)
        except InputError as error:
            form.status.refuse(error)
            return
        options, threshold = form.envelope.options(), thresholds[0]

        def work(progress: Progress, should_stop: ShouldStop) -> Enclosed:
            return enclose(volume, threshold, options, progress, should_stop)

        self._run("Make envelope", layer, work, partial(self._on_envelope, layer))

    def start_occlusion(self) -> None:
        """Make the ambient occlusion of the present thresholds and settings."""
        form = self._form
        try:
            layer, thresholds = self._input()
            volume = volume_from_layer(layer)
        except InputError as error:
            form.status.refuse(error)
            return
        options, threshold = form.envelope.options(), thresholds[0]

        def work(progress: Progress, should_stop: ShouldStop) -> Volume:
            return occlusion_field(
                volume, threshold, options, progress=progress, should_stop=should_stop
            )

        self._run("Occlusion", layer, work, partial(show_occlusion, self._viewer, layer))

    def start_apply(self) -> None:
        """Make the phases of the present thresholds."""
        form = self._form
        try:
            layer = self._input()[0]
            # thresholds need no voxel size: the phases take the place of the layer as it is
            volume = Volume(
                array_from_layer(layer), (1.0, 1.0, 1.0), history=steps_of(record_of(layer))
            )
            work, cleanup = self._labelling(layer, volume), form.cleanup.options()
        except InputError as error:
            form.status.refuse(error)
            return
        done = partial(self._on_applied, layer, form.scheme)
        self._run("Apply", layer, partial(work, cleanup), done)

    def start_polish(self) -> None:
        """Make the phases of the present thresholds and correct them by the images."""
        form, images = self._form, self._images.images
        try:
            layer = self._input()[0]
            missing = self._images.why_not_polish()
            if missing or images is None:
                raise InputError(missing)
            work = self._labelling(layer, volume_from_layer(layer))
            section, cleanup = form.polish.section(), form.cleanup.options()
        except (InputError, ValueError) as error:
            form.status.refuse(InputError(str(error)))
            return
        self._run(
            "Polish",
            layer,
            partial(polish, work, images, section, cleanup),
            partial(self._on_polished, layer, form.scheme),
        )

    def _input(self) -> tuple[Layer, tuple[float, ...]]:
        layer, thresholds = self._form.required_layer(), self._form.thresholds
        if not thresholds:
            counting = self._form.counting
            if counting.failed and counting.problem:
                raise InputError(counting.problem)
            raise InputError("There are no thresholds yet: wait for the histogram, or set them.")
        return layer, thresholds

    def _run(
        self, what: str, layer: Layer, work: Work[Result], done: Callable[[Result], Any]
    ) -> None:
        """Run a step on a volume; it ends where the layer is removed."""
        self._form.status.run(what, work, done, of=InUse(self._viewer, (layer,)))

    def _labelling(
        self, layer: Layer, volume: Volume
    ) -> Callable[[CleanupOptions, Progress, ShouldStop], Labelled]:
        """Return the work of *Apply* on a volume, for a thread: ``work(cleanup, progress,
        should_stop)``.
        """
        form = self._form
        thresholds, scheme, method = form.thresholds, form.scheme, form.rule_in_use
        envelope, options = form.envelope_in_use, form.envelope.options()
        stale = volume_from_layer(layer) if form.envelope_is_stale else None

        def work(cleanup: CleanupOptions, progress: Progress, should_stop: ShouldStop) -> Labelled:
            return label(
                volume,
                thresholds,
                scheme,
                method,
                envelope,
                stale,
                options,
                cleanup,
                progress,
                should_stop,
            )

        return work

    def _on_smooth(self, layer: Layer, smooth: Volume) -> None:
        form = self._form
        form.layer = shown = show_smooth(self._viewer, layer, smooth)
        made_by = last_step(smooth.history, SmoothStep)
        moved = math.nan if made_by is None or made_by.changed_rms is None else made_by.changed_rms
        form.status.say(
            f"Made '{shown.name}': grey values moved by {number(moved)} (root mean square).",
            of=InUse(self._viewer, (shown,)),
        )

    def _on_envelope(self, layer: Layer, enclosed: Enclosed) -> None:
        shown = self._show_envelope(layer, enclosed)
        self._form.status.say(
            f"Made '{shown.name}'.{hide_other_specimens(self._viewer, shown)}",
            of=InUse(self._viewer, (shown,)),
        )

    def _show_envelope(self, layer: Layer, enclosed: Enclosed) -> Layer:
        shown = show_envelope(self._viewer, layer, enclosed)
        if layer is self._form.layer:
            self.envelope_given_up = False
        self._form.take_envelope(layer, enclosed)
        return shown

    def _on_polished(self, layer: Layer, scheme: PhaseScheme, made: PolishedVolume) -> None:
        self._on_applied(layer, scheme, made.labelled, made.shares)

    def _on_applied(
        self,
        layer: Layer,
        scheme: PhaseScheme,
        made: Labelled,
        shares: PolishedShares | None = None,
    ) -> None:
        form = self._form
        if made.enclosed is not None:
            self._show_envelope(layer, made.enclosed)
        form.tools.preview.setChecked(False)  # the phases take its place
        hide_envelope(self._viewer, layer)
        breathe(self._viewer)
        loses = made.envelope is None and are_of_envelope(phases_of(self._viewer, layer))
        edited = sum(step.voxels for step in hand_edits(phases_of(self._viewer, layer)))
        self.made = show_phases(self._viewer, layer, made.phases, scheme)
        self.applied += 1
        changed = "".join(
            f" {step.name}: {step.changed_voxel_count:,} voxels changed." for step in made.cleanup
        )
        hid = hide_other_specimens(self._viewer, self.made)
        lost = f" {caveat(LOST)}." if loses else ""
        if edited:
            lost += f" {caveat(f'The corrections by hand of the earlier phases ({edited:,} voxels) are gone')}."
        polished = "" if shares is None else f" {shares.as_sentence(scheme.names)}"
        form.status.say(
            f"Made '{self.made.name}'.{polished}{changed}{hid}{lost}",
            of=InUse(self._viewer, (self.made,)),
        )
        if layer is form.layer:
            no_envelope = form.envelope_in_use is None
            self.envelope_given_up = no_envelope and (self.envelope_given_up or loses)
            form.take_phases(shares)
