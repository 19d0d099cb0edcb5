"""Panel of the oblique slice: resampled in a worker, shown flat and at its place in 3D."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QPushButton

from napari_snpore.errors import InputError
from napari_snpore.files import write_volume
from napari_snpore.history import ObliqueSliceStep
from napari_snpore.oblique import ObliqueSlice, oblique_slice
from napari_snpore.viewer.forms.form import Fold, NumberBox
from napari_snpore.viewer.forms.gray_image import GrayImage
from napari_snpore.viewer.forms.path_dialogs import ask_place
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.layers import KEY, volume_from_layer
from napari_snpore.viewer.shared.view_kept import add_in_two_turns, keeping_position
from napari_snpore.viewer.slices.scene_planes import KIND
from napari_snpore.volume import Triple, Volume

_NAME = "oblique plane"


def angle_boxes() -> tuple[NumberBox, NumberBox]:
    """Return the fields for the two angles of a plane, tilt and turn, in degrees."""
    limits = (-180.0, 180.0)
    return (
        NumberBox(
            45.0,
            *limits,
            step=5.0,
            decimals=1,
            tip="Angle between the plane and XY, about x. 90 gives XZ.",
        ),
        NumberBox(
            0.0, *limits, step=5.0, decimals=1, tip="Angle by which the plane is turned about z."
        ),
    )


class ObliquePanel(Fold):
    """A plane through the cross-hair, turned by two angles.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    place : callable
        Returns the layer that is cut and the point (z, y, x) in nm.

    Signals
    -------
    failed : str
        One sentence, where the plane cannot be cut or saved.
    saved : str
        What was written.
    """

    failed = Signal(str)
    saved = Signal(str)

    def __init__(
        self, viewer: ViewerModel, place: Callable[[], tuple[Layer | None, Triple]]
    ) -> None:
        super().__init__("Oblique slice")
        self._viewer, self._place = viewer, place
        self._layer: Layer | None = None
        self._source: Layer | None = None
        self.slice: ObliqueSlice | None = None
        self.tilt, self.turn = angle_boxes()
        self.in_scene = QCheckBox("in the 3D view too")
        self.in_scene.setToolTip("Show the slice where it lies, in napari's own 3D view.")
        self.picture = GrayImage(200, empty="open this fold with a volume in the window")
        self.save_button = QPushButton("Save TIFF …")
        self.save_button.setToolTip(
            "Saves the grey values of this slice as TIFF, with its pixel size."
        )
        self.save_button.setEnabled(False)
        self.form.addRow("Tilt (°)", self.tilt)
        self.form.addRow("Turn (°)", self.turn)
        self.form.addRow(self.picture)
        self.form.addRow(self.in_scene)
        self.form.addRow(self.save_button)
        self._labels = False  # of the present slice; ``_cut()``: its layer, None where it is gone
        self._cut: Callable[[], Layer | None] = lambda: None
        self._work = LatestTask(self)
        self._work.done.connect(self._on_done)
        self._work.failed.connect(self.failed)
        for box in (self.tilt, self.turn):
            box.valueChanged.connect(self.refresh)
        self.toggled.connect(self.refresh)
        self.in_scene.toggled.connect(self._on_scene)
        self.save_button.clicked.connect(self._ask_path)
        connect_while_alive(self, viewer.layers.events.removed, self._on_removed)

    def refresh(self, _: Any = None) -> None:
        """Cut the plane anew, while the fold is open."""
        layer, point = self._place()
        if not self.isExpanded() or layer is None:
            return
        try:
            volume = volume_from_layer(layer)
        except InputError as error:
            self.picture.clear(str(error))
            return
        labels = isinstance(layer, Labels)
        tilt, turn = self.tilt.value(), self.turn.value()
        # another layer can be chosen, or this one be gone, before the slice is there
        cut = weakref.ref(layer)
        self._work.ask(
            lambda should_stop: (
                oblique_slice(
                    volume,
                    center_nm=point,
                    tilt_deg=tilt,
                    turn_deg=turn,
                    labels=labels,
                    should_stop=should_stop,
                ),
                labels,
                cut,
            )
        )

    def closed(self) -> None:
        """Forget the work and take the plane out of the scene."""
        self._work.drop()
        self._drop_layer()

    def wait(self) -> None:
        """Return when the slice is there. For scripts."""
        self._work.wait()

    def _on_done(self, result: tuple[ObliqueSlice, bool, Callable[[], Layer | None]]) -> None:
        found, self._labels, self._cut = result
        self.slice = found
        self.save_button.setEnabled(True)
        self.picture.show_image(
            found.image,
            pixel_nm=found.pixel_nm,
            title=f"{self.tilt.value():g}° / {self.turn.value():g}°",
        )
        if self.in_scene.isChecked():
            self._show(found)

    def _on_scene(self, on: bool) -> None:
        if on and self.slice is not None:
            self._show(self.slice)
        elif not on:
            self._drop_layer()

    def _show(self, found: ObliqueSlice) -> None:
        source, kind = self._cut(), Labels if self._labels else Image
        if isinstance(self._layer, kind) and self._layer.data.dtype == found.image.dtype:
            with keeping_position(self._viewer):
                self._layer.data = found.image[None]
                self._layer.affine = slice_affine(found)
            self._follow(source)
            return
        self._drop_layer()
        self._viewer.dims.ndisplay = 3
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Non-orthogonal slicing", UserWarning
            )  # a layer starts as a 2D slice
            self._layer = self._new_layer(found, labels=kind is Labels)
            self._follow(source)
            add_in_two_turns(self._viewer, self._layer)

    def _new_layer(self, found: ObliqueSlice, *, labels: bool) -> Layer:
        common = {
            "name": _NAME,
            "affine": slice_affine(found),
            "units": ("nm",) * 3,
            "metadata": {KEY: {"kind": KIND, "history": []}},
        }
        if labels:
            return Labels(found.image[None], **common)
        return Image(found.image[None], rendering="mip", interpolation3d="nearest", **common)

    def _follow(self, source: Layer | None) -> None:
        """Take over contrast and colours of a layer, now and later."""
        if source is not self._source:
            earlier, self._source = self._source, source
            for layer, what in ((earlier, "disconnect"), (source, "connect")):
                if layer is None:
                    continue
                for name in _appearance_of(layer):
                    getattr(getattr(layer.events, name), what)(self._copy_appearance)
        self._copy_appearance()

    def _copy_appearance(self, event: Any = None) -> None:
        del event
        if self._layer is not None:
            for name in _appearance_of(self._source):
                setattr(self._layer, name, getattr(self._source, name))

    def save(self, path: str | Path) -> Path:
        """Write the slice as a TIFF with its pixel size.

        Raises
        ------
        InputError
            There is no slice yet, or the place cannot be written.
        """
        if self.slice is None:
            raise InputError(
                "There is no oblique slice yet; open its fold with a volume in the window."
            )
        z, y, x = map(float, self.slice.first_nm)
        step = ObliqueSliceStep(self.tilt.value(), self.turn.value(), (z, y, x)).step
        image = Volume(self.slice.image[None], (self.slice.pixel_nm,) * 3, history=(step,))
        return write_volume(Path(path), image)

    def _ask_path(self) -> None:
        ask_place(self, "Save the oblique slice", "oblique.tif", "TIFF (*.tif)", self._save)

    def _save(self, path: str) -> None:
        try:
            self.saved.emit(f"Wrote {self.save(path)}.")
        except InputError as error:
            self.failed.emit(str(error))

    def _drop_layer(self) -> None:
        self._follow(None)
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer:
            self._layer = None
            self._follow(None)
            self.in_scene.setChecked(False)


def _appearance_of(layer: Any) -> tuple[str, ...]:
    if isinstance(layer, Labels):
        return ("colormap",)
    return ("contrast_limits", "colormap", "gamma") if isinstance(layer, Image) else ()


def slice_affine(found: ObliqueSlice) -> Any:
    """Return the 4 × 4 matrix that puts an image of one voxel's thickness, shape (1, rows,
    columns), into its place.
    """
    affine = np.eye(4)
    affine[:3, 0] = found.normal * found.pixel_nm
    affine[:3, 1] = found.down * found.pixel_nm
    affine[:3, 2] = found.right * found.pixel_nm
    affine[:3, 3] = found.first_nm
    return affine
