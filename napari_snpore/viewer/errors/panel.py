"""Part of a form: errors of the numbers, by a digital twin of the phases."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from napari.layers import Labels, Layer
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QPushButton

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.history import stored_history
from napari_snpore.study.run_errors import RunErrors, why_no_errors
from napari_snpore.viewer.edits.watch import edits_of
from napari_snpore.viewer.errors.lines import error_lines, hover_of
from napari_snpore.viewer.errors.steps import ErrorRequest, estimate
from napari_snpore.viewer.forms.form import CountBox, Fold, MainButton, ResultText
from napari_snpore.viewer.forms.step_form import LayerForm
from napari_snpore.viewer.forms.tilt_images import images_behind
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layer_history import made_from, path
from napari_snpore.viewer.shared.layers import (
    KEY,
    is_volume,
    kind_of,
    record_of,
    scheme_of,
    steps_of,
    volume_from_layer,
)
from napari_snpore.viewer.shared.worker import InUse

_TIP = """Simulates the images of a fibre that is exactly as these phases say, puts them through the same steps
(reconstruct, threshold, polish, measure), and takes the change of each number for the error of these
steps. Takes somewhat longer than Reconstruct and Polish together."""
_NO_PHASES = "Make phases first: Threshold, Apply, Polish."
_NO_VOLUME = (
    "The volume that these phases were made of is not in the window; errors need it and its images."
)
_CHANGED = "The phases changed meanwhile: estimate the errors again."


class ErrorPanel(Fold):
    """Fields of the errors; their button and the lines of the result lie elsewhere in the form."""

    def __init__(self) -> None:
        super().__init__("Errors")
        self.twins = CountBox(
            1,
            1,
            100,
            tip=(
                "Digital twins of the fibre, which differ in their noise. One corrects the fractions; more of them make\n"
                "the correction steadier and take as many times longer."
            ),
        )
        self.draws = CountBox(
            25,
            3,
            1000,
            tip=(
                "Draws of thresholds, blur, τ and ray length within what the images allow, for the intervals. 3 is\n"
                "what a repetition by hand would be."
            ),
        )
        self.button = QPushButton("Estimate errors")
        self.form.addRow("Digital twins", self.twins)
        self.form.addRow("Random draws", self.draws)
        self.button.setMinimumHeight(MainButton("", "").minimumHeight())


class ErrorControl(QObject):
    """Starts the estimate of a form and shows what the phases keep of it.

    Parameters
    ----------
    form : LayerForm
        Its layer is the phases; its status line runs the work.
    viewer : ViewerModel
    limit_nm : callable
        Returns the length below which objects count as short.
    """

    def __init__(self, form: LayerForm, viewer: Any, limit_nm: Callable[[], float]) -> None:
        super().__init__(form)
        self._form, self._viewer, self._limit_nm = form, viewer, limit_nm
        self.panel = ErrorPanel()
        self.result = ResultText()
        self._followed: weakref.WeakSet[Layer] = weakref.WeakSet()
        self.panel.button.clicked.connect(self.start)
        form.status.busy_changed.connect(lambda busy: self.enable())
        for emitter in (viewer.layers.events.inserted, viewer.layers.events.removed):
            connect_while_alive(self, emitter, self._on_layers)

    def show_layer(self, layer: Layer | None) -> None:
        """Follow the phases that are chosen now."""
        if layer is not None and layer not in self._followed:
            self._followed.add(layer)
            connect_while_alive(self, layer.events.metadata, self._on_layers)
        self.show()
        self.enable()

    def show(self) -> None:
        """Show the errors that the chosen phases keep in their history."""
        layer = self._form.layer
        known = layer is not None and kind_of(layer) == "phases"
        history = steps_of(record_of(layer)) if known else ()
        names = tuple(scheme_of(layer).names) if known and layer is not None else ()
        self.result.show_lines(error_lines(history, names))
        shown = [f"{name} fraction, whole" for name in names] + ["Sn cluster", "Sn volume"]
        self.result.setToolTip(hover_of(history, shown))

    def why_not(self) -> str:
        """Return what is missing for an estimate; empty where nothing is."""
        layer = self._form.layer
        if layer is None or kind_of(layer) != "phases":
            return _NO_PHASES
        refusal = why_no_errors(steps_of(record_of(layer)))
        if refusal is not None:
            return refusal
        volume = self._volume(layer)
        if volume is None:
            return _NO_VOLUME
        try:
            images_behind(self._viewer, volume)
        except InputError as error:
            return str(error)
        return ""

    def enable(self) -> None:
        """Switch the button on, or say in its tooltip what is missing."""
        missing = self.why_not()
        self.panel.button.setToolTip(missing or _TIP)
        self.panel.button.setEnabled(not missing and not self._form.status.busy)

    def start(self) -> None:
        """Estimate the errors of the chosen phases in a thread."""
        form, layer = self._form, self._form.layer
        try:
            edits = edits_of(layer)
            if edits is not None:
                edits.settle()
            missing = self.why_not()
            volume = None if layer is None else self._volume(layer)
            if missing or layer is None or volume is None:
                raise InputError(missing or _NO_PHASES)
            request = ErrorRequest(
                volume_from_layer(layer),
                volume_from_layer(volume),
                images_behind(self._viewer, volume),
                self.panel.twins.value(),
                self.panel.draws.value(),
                0,
                self._limit_nm(),
                tuple(boxes_of(self._viewer)),
            )
        except InputError as error:
            form.status.refuse(error)
            return

        def work(progress: Progress, should_stop: ShouldStop) -> RunErrors:
            return estimate(request, progress, should_stop)

        before = path(layer)
        form.status.run(
            "Estimate errors",
            work,
            lambda errors: self._on_estimated(layer, before, errors),
            of=InUse(self._viewer, (layer, volume), "no error was estimated"),
        )

    def _on_estimated(self, layer: Labels, before: tuple[str, ...], errors: RunErrors) -> None:
        if path(layer) != before:
            self._form.status.say(_CHANGED, problem=True)
            return
        history = tuple(
            step for step in steps_of(record_of(layer)) if step.name != errors.step.NAME
        )
        kept = stored_history((*history, errors.step.step))
        layer.metadata = {**layer.metadata, KEY: {**record_of(layer), **kept}}
        failed = "" if errors.reason is None else f" {errors.reason}"
        self._form.status.say(
            f"Errors of '{layer.name}' are in its history.{failed}",
            of=InUse(self._viewer, (layer,)),
        )

    def _volume(self, phases: Layer) -> Layer | None:
        volumes = [layer for layer in self._viewer.layers if is_volume(layer)]
        return made_from(phases, volumes, by="segment")

    def _on_layers(self, event: Any) -> None:
        # a method, which is held weakly: the viewer would keep a closure, and with it the form
        del event
        self.show()
        self.enable()
