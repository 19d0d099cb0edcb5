"""Panel that writes every slice of a volume: numbered pictures in a folder, or one movie."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from napari.layers import Labels, Layer
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.figures.plate_spec import Painter
from napari_snpore.files.movies import SUFFIXES, write_movie
from napari_snpore.viewer.figure.layer_appearance import gray_painter, label_painter, shown_scheme
from napari_snpore.viewer.forms.form import CountBox, Fold
from napari_snpore.viewer.forms.layer_choice import LayerChoice
from napari_snpore.viewer.forms.path_dialogs import ask_folder, ask_place
from napari_snpore.viewer.shared.layers import record_of, volume_from_layer
from napari_snpore.viewer.shared.worker import InUse, StepStatus
from napari_snpore.volume import Volume

_PLANES = ("XZ", "XY", "YZ")


class StackPanel(Fold):
    """Writes every slice of the chosen volume or phases, in the window's contrast and colours."""

    def __init__(self, volume: LayerChoice, phases: LayerChoice, status: StepStatus) -> None:
        super().__init__("All slices")
        self._choices = {"grey values": volume, "phases": phases}
        self._status = status
        self.of = QComboBox()
        self.of.addItems(list(self._choices))
        self.of.setToolTip("The layer whose slices are written, as the window paints it.")
        self.plane = QComboBox()
        self.plane.addItems(_PLANES)
        self.plane.setToolTip("All slices of this plane, from one end of the volume to the other.")
        self.labels = QCheckBox("place and scale bar on each")
        self.labels.setChecked(True)
        self.labels.setToolTip("Write the position in nm and a scale bar into each picture.")
        self.overwrite = QCheckBox("overwrite pictures that are there")
        self.overwrite.setToolTip(
            "Replaces the pictures that were saved here before (slice_0001.png and so on); other files stay. Off: the\n"
            "folder must be empty."
        )
        self.speed = CountBox(15, 1, 60, tip="Slices shown per second of the movie.")
        self.pictures_button = QPushButton("Save pictures …")
        self.pictures_button.setToolTip(
            "Numbered PNG files, slice_0001.png and so on, in a folder of your choice."
        )
        self.movie_button = QPushButton("Save movie …")
        self.movie_button.setToolTip("Saves a movie; the ending of the name decides: .mp4 or .gif.")
        self._on = True
        self.of.currentTextChanged.connect(self._refresh)
        for choice in self._choices.values():
            choice.layer_changed.connect(self._refresh)
        self.pictures_button.clicked.connect(self._ask_folder)
        self.movie_button.clicked.connect(self._ask_movie)
        self.form.addRow("Slices of", self.of)
        self.form.addRow("Plane", self.plane)
        self.form.addRow(self.labels)
        self.form.addRow(self.overwrite)
        self.form.addRow("Slices per second", self.speed)
        self.form.addRow(self.pictures_button)
        self.form.addRow(self.movie_button)

    def enable(self, on: bool) -> None:
        """Let the buttons be pressed while no other work runs, and there is something of the chosen
        kind to write.
        """
        self._on = on
        self._refresh()

    def _refresh(self, _: Any = None) -> None:
        there = self._on and self._choices[self.of.currentText()].layer is not None
        self.pictures_button.setEnabled(there)
        self.movie_button.setEnabled(there)

    def save_pictures(self, folder: str | Path) -> None:
        """Write every slice as a numbered PNG, in the background.

        Raises
        ------
        InputError
            There is no such layer.
        """
        layer, volume, coloring = self._source()
        plane, labels, overwrite = (
            self.plane.currentText(),
            self.labels.isChecked(),
            self.overwrite.isChecked(),
        )
        recipe = self._recipe(layer)

        def work(progress: Progress, should_stop: ShouldStop) -> list[Path]:
            from napari_snpore.figures.slice_stack import write_slice_images

            return write_slice_images(
                folder,
                volume,
                coloring,
                plane=plane,
                labels=labels,
                recipe=recipe,
                overwrite=overwrite,
                progress=progress,
                should_stop=should_stop,
            )

        self._status.run(
            "Slices",
            work,
            lambda paths: self._status.say(f"Saved {len(paths)} pictures in {folder}."),
            of=self._in_use(layer),
        )

    def save_movie(self, path: str | Path) -> None:
        """Write every slice as one movie, in the background.

        Raises
        ------
        InputError
            There is no such layer, or an ending that is not ``.mp4`` or ``.gif``.
        """
        if Path(path).suffix.lower() not in SUFFIXES:
            raise InputError(
                f"'{Path(path).name}' has no ending of a movie; .mp4 or .gif is needed."
            )
        layer, volume, coloring = self._source()
        plane, labels, speed = self.plane.currentText(), self.labels.isChecked(), self.speed.value()
        recipe = {**self._recipe(layer), "plane": plane}

        def work(progress: Progress, should_stop: ShouldStop) -> Path:
            from napari_snpore.figures.slice_stack import slice_images

            frames = slice_images(volume, coloring, plane=plane, labels=labels)
            return write_movie(
                path,
                frames,
                frames_per_second=speed,
                recipe=recipe,
                progress=progress,
                should_stop=should_stop,
            )

        self._status.run(
            "Movie", work, lambda made: self._status.say(f"Saved {made}."), of=self._in_use(layer)
        )

    def _in_use(self, layer: Layer) -> InUse:
        return self._choices[self.of.currentText()].in_use(layer, "nothing was saved")

    def _source(self) -> tuple[Layer, Volume, Painter]:
        layer = self._choices[self.of.currentText()].required()
        return (
            layer,
            volume_from_layer(layer),
            (label_painter if isinstance(layer, Labels) else gray_painter)(layer),
        )

    def _recipe(self, layer: Layer) -> dict[str, Any]:
        return {
            "figure": "slices",
            "layer": layer.name,
            "history": list(record_of(layer).get("history", ())),
            **_painted(layer),
            "labels": self.labels.isChecked(),
        }

    def _ask_folder(self) -> None:
        ask_folder(self, "Folder for the slices", partial(self._try, self.save_pictures))

    def _ask_movie(self) -> None:
        kinds = "MP4 (*.mp4);;GIF (*.gif)"
        save = partial(self._try, self.save_movie)
        ask_place(self, "Save movie of the slices", "slices.mp4", kinds, save)

    def _try(self, save: Callable[[str], None], name: str) -> None:
        try:
            save(name)
        except InputError as error:
            self._status.refuse(error)


def _painted(layer: Layer) -> dict[str, Any]:
    """Return in which colours a layer is drawn, for the recipe."""
    if isinstance(layer, Labels):
        shown = shown_scheme(layer)
        return {"phases": dict(zip(shown.names, shown.colors, strict=True))}
    limits = [float(end) for end in layer.contrast_limits]
    return {"contrast_limits": limits, "colormap": layer.colormap.name, "gamma": float(layer.gamma)}
