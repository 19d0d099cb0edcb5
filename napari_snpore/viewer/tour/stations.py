"""Stations of the guided tour: what each does in which form, how it is known to be finished, and
what is said about it.

A station works a form as a user would: it opens the form through the Workbench and presses its
button. It reads nothing but what the form offers to scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from qtpy.QtWidgets import QAbstractButton, QWidget

from napari_snpore.viewer.boxes.widget import SubvolumeWidget
from napari_snpore.viewer.figure.widget import FigureWidget
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
from napari_snpore.viewer.scene.widget import SceneWidget
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layers import is_phases, is_series
from napari_snpore.viewer.slices.widget import OrthoSlicesWidget
from napari_snpore.viewer.threshold.widget import ThresholdWidget

SAMPLE = "needle"


class Bench(Protocol):
    """What the tour asks of the Workbench."""

    @property
    def viewer(self) -> Any:
        """The viewer that it works in."""

    def open_step(self, name: str) -> None:
        """Open the form of a step."""

    def open_sample(self, key: str) -> None:
        """Open a sample of the plugin."""


@dataclass(frozen=True)
class Station:
    """One stop of the tour.

    Attributes
    ----------
    title : str
        Its name.
    happens : str
        What is happening, while it works.
    look : str
        What to look at, once it is done.
    step : str
        The step of the Workbench whose form is opened; empty for none.
    form : type or None
        The class of that form.
    start : callable
        ``start(bench, form)``, called until it returns True: what it needs may have to be counted
        first.
    is_done : callable
        ``is_done(bench, form)``: whether the result is there.
    part : callable, optional
        ``part(form)``: what is scrolled into view once it is done.
    """

    title: str
    happens: str
    look: str
    step: str
    form: type[QWidget] | None
    start: Callable[[Bench, Any], bool]
    is_done: Callable[[Bench, Any], bool]
    part: Callable[[Any], QWidget] | None = None


def _press(button: QAbstractButton) -> bool:
    """Press a button as soon as it is enabled."""
    if not button.isEnabled():
        return False
    button.click()
    return True


def _open_sample(bench: Bench, form: Any) -> bool:
    del form
    if not _has_series(bench, None):
        bench.open_sample(SAMPLE)
    return True


def _has_series(bench: Bench, form: Any) -> bool:
    del form
    return any(is_series(layer) for layer in bench.viewer.layers)


def _set_two_phases(bench: Bench, form: Any) -> bool:
    """Ask for void and solid: the needle holds no third phase."""
    del bench
    if form.counting.busy or form.layer is None or not form.has_counted:
        return False
    form.phases.box.setValue(2)
    return True


def _apply(bench: Bench, form: Any) -> bool:
    del bench
    return bool(form.thresholds) and not form.counting.busy and _press(form.main_button)


def _has_phases(bench: Bench, form: Any) -> bool:
    del form
    return any(is_phases(layer) for layer in bench.viewer.layers)


def _is_open(bench: Bench, form: Any) -> bool:
    del bench
    return form is not None


STATIONS: Sequence[Station] = (
    Station(
        "Tilt series",
        "A real HAADF tilt series of a needle is opened: 91 images, 2° apart.",
        "the slider below the picture; move it: each position is one tilt angle.",
        "",
        None,
        _open_sample,
        _has_series,
    ),
    Station(
        "Reconstruct",
        "The images are aligned, their blur is found, and a volume is computed (TV). This is the"
        " longest step.",
        "the cross-section in the form, and below it the residual, the resolution guide D·Δθ and"
        " what the missing tilts do to it.",
        "Reconstruct",
        ReconstructWidget,
        lambda bench, form: _press(form.main_button),
        lambda bench, form: form.result is not None,
        lambda form: form.numbers,
    ),
    Station(
        "Threshold",
        "The grey values are counted and a threshold between void and needle is suggested; a needle"
        " has two phases, a fibre with tin has three.",
        "the line in the histogram; drag it: colours and fractions follow at once. Ctrl+Z takes it"
        " back.",
        "Threshold",
        ThresholdWidget,
        _set_two_phases,
        lambda bench, form: len(form.thresholds) == 1 and not form.counting.busy,
    ),
    Station(
        "Envelope",
        "Vacuum beside the needle is as dark as a pore; ambient occlusion tells them apart.",
        "the outline of the envelope around the needle; fractions are of its volume from now on.",
        "Envelope",
        ThresholdWidget,
        lambda bench, form: _press(form.envelope.make_button),
        lambda bench, form: form.has_envelope,
    ),
    Station(
        "Phases",
        "Apply labels every voxel with its phase, exactly.",
        "the layer of phases on top, and the fractions in the form.",
        "Threshold",
        ThresholdWidget,
        _apply,
        _has_phases,
    ),
    Station(
        "Slices",
        "Three linked slices are opened.",
        "the cross-hair; drag it in one slice: the others follow. Positions are in nm.",
        "Slices",
        OrthoSlicesWidget,
        lambda bench, form: True,
        _is_open,
    ),
    Station(
        "Subvolumes",
        "A cube is placed in the centre and one at the edge, by the envelope.",
        "the boxes in the slices, which can be dragged, and their fractions in the table.",
        "Subvolumes",
        SubvolumeWidget,
        lambda bench, form: _press(form.placing.preset_button),
        lambda bench, form: len(boxes_of(bench.viewer)) >= 2,
    ),
    Station(
        "Measure",
        "The objects of a phase are labelled and each is measured: length, width, volume.",
        "the numbers with their caveats, the histograms, and the table of objects.",
        "Measure",
        MeasureWidget,
        lambda bench, form: _press(form.main_button),
        lambda bench, form: form.table is not None,
        lambda form: form.object_result,
    ),
    Station(
        "3D scene",
        "The volume is shown in 3D as in the paper, with its bounding box.",
        "the scene; turn it with the mouse. Phases as lit surfaces, cuts and movies are in the form.",
        "3D scene",
        SceneWidget,
        lambda bench, form: _press(form.main_button),
        lambda bench, form: bench.viewer.dims.ndisplay == 3,
    ),
    Station(
        "Figure",
        "The plate is drawn from what the window shows.",
        "the preview. Save plate … writes it as PNG, SVG or PDF, with the recipe inside.",
        "Figure",
        FigureWidget,
        lambda bench, form: _press(form.preview_button),
        lambda bench, form: form.has_preview,
        lambda form: form.picture,
    ),
)
"""From the sample to the plate, in order."""
