"""Panel of the movies: the scene on a turntable, or a tilt series image by image."""

from __future__ import annotations

import importlib.util
import weakref
from pathlib import Path
from typing import Any

from napari.layers import Layer
from qtpy.QtWidgets import QComboBox, QPushButton

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.files.movies import SUFFIXES, write_movie
from napari_snpore.viewer.forms.form import CountBox, Fold
from napari_snpore.viewer.forms.path_dialogs import ask_place
from napari_snpore.viewer.scene.film import Film
from napari_snpore.viewer.scene.tilt_movie import tilt_frames
from napari_snpore.viewer.scene.turntable import turntable_frames
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layer_colors import colors_of
from napari_snpore.viewer.shared.layers import is_series, record_of, series_from_layer
from napari_snpore.viewer.shared.worker import InUse, StepStatus

_TURN = "turntable of this scene"
_TILTS = "tilts of "
_AXES = {"y": "y", "z": "z", "x": "x", "vertical on screen": "vertical on screen"}


class MoviePanel(Fold):
    """Makes a movie of the view; the window stays responsive meanwhile.

    Parameters
    ----------
    viewer : Viewer
        With its window.
    status : StepStatus
        Where progress is shown and refusals are said.
    """

    def __init__(self, viewer: Any, status: StepStatus) -> None:
        super().__init__("Movie")
        self._viewer, self._status = viewer, status
        self._film: Film | None = None
        self._listed: list[Layer | None] = []  # in the order of the list; None is the turntable
        self._named: weakref.WeakSet[Layer] = weakref.WeakSet()
        self.of = QComboBox()
        self.of.setPlaceholderText("choose: the series was removed")
        self.of.setToolTip(
            "The 3D scene as it is now, turned once around; or the images of a tilt series in order of angle."
        )
        self.axis = QComboBox()
        self.axis.addItems(list(_AXES))
        self.axis.setToolTip("Axis of the volume that the scene turns about.")
        self.frames = CountBox(72, 2, 3600, tip="Pictures in a full turn: 72 are steps of 5°.")
        self.speed = CountBox(15, 1, 60, tip="Pictures shown per second of the movie.")
        self.save_button = QPushButton("Save movie …")
        self.save_button.setToolTip(
            "Saves the movie; the ending of the name decides: .mp4 (H.264) or .gif."
        )
        self.save_button.clicked.connect(self._ask_path)
        self.form.addRow("Movie of", self.of)
        self.form.addRow("Turn about", self.axis)
        self.form.addRow("Pictures per turn", self.frames)
        self.form.addRow("Pictures per second", self.speed)
        self.form.addRow(self.save_button)
        self.of.currentIndexChanged.connect(self._enable)
        for emitter in (viewer.layers.events.inserted, viewer.layers.events.removed):
            connect_while_alive(self, emitter, self._list)
        self._list()

    def save(self, path: str | Path) -> None:
        """Make the movie and write it, in the background.

        Raises
        ------
        InputError
            An ending that is not ``.mp4`` or ``.gif``, or nothing to film: the chosen series was
            removed.
        """
        if Path(path).suffix.lower() not in SUFFIXES:
            raise InputError(
                f"'{Path(path).name}' has no ending of a movie; .mp4 or .gif is needed."
            )
        if self.of.currentIndex() < 0:
            raise InputError(
                "The tilt series of the movie was removed; choose another one, or the turntable."
            )
        series = self._listed[self.of.currentIndex()]
        if series is None:
            self._save_turntable(path)
        else:
            self._save_tilts(path, series)

    def _save_turntable(self, path: str | Path) -> None:
        scene = turntable_frames(
            self._viewer,
            frames=self.frames.value(),
            axis=_AXES[self.axis.currentText()],  # type: ignore[arg-type]
        )
        recipe = {
            "movie": "turntable",
            "frames": self.frames.value(),
            "axis": _AXES[self.axis.currentText()],
        }
        recipe["layers"] = [
            {"name": layer.name, "history": list(record_of(layer).get("history", ()))}
            for layer in self._viewer.layers
            if layer.visible
        ]
        self._film = film = Film(
            path,
            scene,
            total=self.frames.value(),
            frames_per_second=self.speed.value(),
            recipe=recipe,
            parent=self,
        )
        self._status.run("Movie", film.work, self._say)

    def _save_tilts(self, path: str | Path, series: Layer) -> None:
        tilts, speed, colors = series_from_layer(series), self.speed.value(), colors_of(series)
        limits = (float(series.contrast_limits[0]), float(series.contrast_limits[1]))
        recipe = {
            "movie": "tilt series",
            "series": series.name,
            "contrast_limits": list(limits),
            "gamma": float(series.gamma),
            "colormap": str(series.colormap.name),
        }

        def work(progress: Progress, should_stop: ShouldStop) -> Path:
            frames = list(tilt_frames(tilts, contrast_limits=limits, colors=colors))
            return write_movie(
                path,
                frames,
                frames_per_second=speed,
                recipe=recipe,
                progress=progress,
                should_stop=should_stop,
            )

        self._status.run(
            "Movie", work, self._say, of=InUse(self._viewer, (series,), "no movie was made")
        )

    def _say(self, path: Path) -> None:
        self._film = None
        self._status.say(f"Saved {path}")

    def _ask_path(self) -> None:
        suffix = _best_suffix()
        layer = self._listed[self.of.currentIndex()] if self.of.currentIndex() >= 0 else None
        name = "turntable" if layer is None else "tilts"
        kinds = "MP4 (*.mp4);;GIF (*.gif)" if suffix == "mp4" else "GIF (*.gif);;MP4 (*.mp4)"
        ask_place(self, "Save movie", f"{name}.{suffix}", kinds, self._save_or_say)

    def _save_or_say(self, path: str) -> None:
        try:
            self.save(path)
        except InputError as error:
            self._status.refuse(error)

    def _list(self, event: Any = None) -> None:
        """List the turntable and the series; what was chosen stays chosen, under its new name where
        it has one.
        """
        del event
        index = self.of.currentIndex()
        chosen = self._listed[index] if index >= 0 else None
        started = bool(self._listed)
        self._listed = [None, *(layer for layer in self._viewer.layers if is_series(layer))]
        self.of.blockSignals(True)
        self.of.clear()
        self.of.addItems(
            [_TURN if layer is None else _TILTS + layer.name for layer in self._listed]
        )
        was_there = not started or (index >= 0 and chosen in self._listed)
        self.of.setCurrentIndex(self._listed.index(chosen) if was_there else -1)
        self.of.blockSignals(False)
        for layer in self._listed:
            if layer is not None and layer not in self._named:
                self._named.add(layer)
                connect_while_alive(self, layer.events.name, self._list)
        self._enable()

    def _enable(self, _: Any = None) -> None:
        turn = self.of.currentIndex() == 0
        self.axis.setEnabled(turn)
        self.frames.setEnabled(turn)


def _best_suffix() -> str:
    """Return the ending that works here: mp4 needs what the extra ``movie`` brings."""
    return "mp4" if importlib.util.find_spec("imageio_ffmpeg") is not None else "gif"
