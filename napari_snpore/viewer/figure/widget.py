"""The Figure form: a plate of what the window shows, its panels one by one, and all slices of a
volume.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import napari.components
import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray
from qtpy.QtCore import QEventLoop, Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
)

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError, OutputError
from napari_snpore.figures.plate_spec import DEFAULT_PARTS, PARTS, PlateSpec
from napari_snpore.figures.style import FigureStyle
from napari_snpore.subvolume import Projection
from napari_snpore.viewer.figure.gather import gather, missing_for
from napari_snpore.viewer.figure.layer_appearance import SliceAppearance
from napari_snpore.viewer.figure.scene_picture import SceneCamera
from napari_snpore.viewer.figure.specimens import is_objects
from napari_snpore.viewer.figure.stack_panel import StackPanel
from napari_snpore.viewer.forms.form import (
    CountBox,
    Fold,
    Freshness,
    MainButton,
    NumberBox,
    ResultText,
)
from napari_snpore.viewer.forms.layer_choice import LayerChoice
from napari_snpore.viewer.forms.path_dialogs import ask_place
from napari_snpore.viewer.forms.step_form import InputLayers, LayerForm
from napari_snpore.viewer.preferences import preferences
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layer_history import FIGURE
from napari_snpore.viewer.shared.layers import is_phases, is_volume, record_of
from napari_snpore.viewer.shared.worker import InUse
from napari_snpore.viewer.slices.widget import open_slices_of

_PLANES = ("XZ", "XY", "YZ")
_INPUTS = InputLayers(
    is_volume, what="volume", empty="Drop a volume on the window, or open File > Open Sample"
)
_PREVIEW_DPI = 110
_PANEL_MM = 88.0
_PROJECTIONS: Mapping[str, Projection] = {"mean over": "mean", "maximum over": "max"}
_SUFFIXES = ("png", "svg", "pdf")
_TIPS = {
    "scene": "The 3D view from where its camera stands, with a scale bar.",
    "grey": "The grey slice through the position of the window, in its contrast and colours.",
    "phases": "The same slice of the phases, exterior hatched.",
    "oblique": "The oblique slice that is open in Ortho slices.",
    "boxes": "Each box of Subvolumes: its middle plane, grey and as phases.",
    "fractions": "Volume fractions of each box, of the envelope inside it (%).",
    "pair": "Two boxes side by side with their fractions, as in the paper: centre and edge.",
    "gray_values": "Histogram of the grey values of the volume, with the thresholds that made the phases.",
    "histograms": "Feret length and width (nm) and aspect ratio of the objects; objects cut by the box are left out.",
    "table": "What Compare shows: numbers of all states with intervals and differences. Before anything was compared, one\n"
    "column per specimen of this window, without differences.",
    "states": "What Compare shows: fractions as bars with intervals, profiles, overlaid sizes, differences.",
}


class FigureWidget(LayerForm):
    """A plate from the window: tick what it shows, preview, save.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        napari passes its own. Without a window there is no picture of the 3D scene.

    Examples
    --------
    In napari's console::

        widget = FigureWidget(viewer)
        widget.parts = ("grey", "phases")
        widget.save("figure1.pdf")
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(
            viewer,
            _INPUTS,
            MainButton(
                "Save plate …",
                "Saves one figure with all panels as PNG, SVG or PDF. The settings it was made with are written inside.",
            ),
        )
        self._picture: QPixmap | None = None
        self._camera = SceneCamera(self._viewer, self)
        self._build()
        for choice in (self._layer_choice, self._phases, self._objects):
            choice.layer_changed.connect(self._enable)
        boxes_of(self._viewer).changed.connect(self._enable)
        connect_while_alive(self, self._viewer.layers.events.removed, self._enable)
        self._enable()

    @property
    def parts(self) -> tuple[str, ...]:
        """What the plate shows: keys of :data:`~napari_snpore.figures.plate_spec.PARTS`."""
        return tuple(
            part for part, tick in self.ticks.items() if tick.isChecked() and tick.isEnabled()
        )

    @parts.setter
    def parts(self, parts: tuple[str, ...]) -> None:
        for part, tick in self.ticks.items():
            tick.setChecked(part in parts)

    def save(self, path: str | Path) -> Path:
        """Draw the plate and write it; the window stays alive meanwhile.

        Parameters
        ----------
        path : str or Path
            Ending in .png, .svg or .pdf.

        Raises
        ------
        InputError
            Nothing is ticked, or another ending.
        """
        self._save(path, apart=False)
        self.status.wait()
        return Path(path)

    def save_panels(self, path: str | Path) -> None:
        """Write every panel as a figure of its own, numbered in their order."""
        self._save(path, apart=True)
        self.status.wait()

    @property
    def has_preview(self) -> bool:
        """Whether a plate is drawn in the form."""
        return self._picture is not None

    def preview(self) -> None:
        """Draw the plate into the form; the window stays alive meanwhile."""
        self._preview()
        self.status.wait()

    def state(self) -> Mapping[str, Any]:
        """Return what the user set."""
        return {
            "parts": [part for part, tick in self.ticks.items() if tick.isChecked()],
            "plane": self.plane.currentText(),
            "field_nm": self.field.value(),
            "width_mm": self.width_box.value(),
            "font_pt": self.font_box.value(),
            "dpi": self.dpi_box.value(),
            "letters": self.letters.isChecked(),
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        del layers
        self.parts = tuple(state.get("parts", ()))
        self.plane.setCurrentText(str(state.get("plane", "XZ")))
        for box, name in (
            (self.field, "field_nm"),
            (self.width_box, "width_mm"),
            (self.font_box, "font_pt"),
        ):
            box.setValue(float(state.get(name, box.value())))
        self.dpi_box.setValue(int(state.get("dpi", self.dpi_box.value())))
        self.letters.setChecked(bool(state.get("letters", True)))

    def _build(self) -> None:
        self._phases = LayerChoice(
            self._viewer, is_phases, empty="Make one with Threshold, Apply", what="layer of phases"
        )
        self._objects = LayerChoice(
            self._viewer,
            is_objects,
            empty="Make one with Measure",
            what="layer of measured objects",
        )
        rows = self.rows()
        for label, choice in (
            ("Volume", self._layer_choice),
            ("Phases", self._phases),
            ("Objects", self._objects),
        ):
            rows.addRow(label, choice)
        rows.addRow(self._layer_choice.hint())
        rows.addRow(QLabel("Show"))
        self.ticks: dict[str, QCheckBox] = {}
        for part, name in PARTS.items():
            tick = self.ticks[part] = QCheckBox(name)
            tick.setChecked(part in DEFAULT_PARTS)
            tick.setToolTip(_TIPS[part])
            rows.addRow(tick)  # over both columns: what is missing stands behind the name
        self.plane = QComboBox()
        self.plane.addItems(_PLANES)
        self.plane.setToolTip(
            "Plane of the slices, through the position of the window. XZ is the fibre's cross-section."
        )
        rows.addRow("Plane", self.plane)
        self.field = NumberBox(
            0.0,
            0.0,
            1e6,
            step=5.0,
            decimals=1,
            tip=(
                "Side of the square around the position that is drawn. Lowest value: that of the open Ortho slices, else\n"
                "everything."
            ),
        )
        self.field.setSpecialValueText("as in Ortho slices, or all")
        rows.addRow("Field of view (nm)", self.field)
        self._style_rows(rows)
        self.picture = QLabel("Preview shows the plate here.")
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setMinimumHeight(60)
        self.picture.setWordWrap(True)
        self.results.addWidget(self.picture)
        self.age = ResultText("What the preview above was drawn with.")
        self.results.addWidget(self.age)
        self.preview_button = QPushButton("Preview")
        self.preview_button.setToolTip(
            "Draws the plate as it would be saved now, with what the window shows."
        )
        self.preview_button.clicked.connect(self._preview)
        self.main_button.clicked.connect(self._ask_plate)
        self.panels_button = QPushButton("Save panels …")
        self.panels_button.setToolTip("Saves each panel as a file of its own, numbered.")
        self.panels_button.clicked.connect(self._ask_panels)
        line = QHBoxLayout()
        line.addWidget(self.main_button, 1)
        for button in (self.preview_button, self.panels_button):
            line.addWidget(button)
        self.footer.addLayout(line)
        self.stack = StackPanel(self._layer_choice, self._phases, self.status)
        self.column.addWidget(self.stack)
        self.column.addStretch(1)
        self.footer.addWidget(self.status)
        self.status.busy_changed.connect(self._enable)
        self._freshness = Freshness(
            self, (self.age,), self._settings, "Preview draws it again", self._missing
        )

    def _missing(self) -> str:
        drawable = any(tick.isEnabled() for tick in self.ticks.values())
        return "" if drawable else super()._missing()

    def _settings(self) -> tuple[Any, ...]:
        """Return what a plate shows, but for the position and the look of the window."""
        layers = [choice.layer for choice in (self._layer_choice, self._phases, self._objects)]
        made_by = [None if one is None else record_of(one).get("history") for one in layers]
        return self.state(), layers, made_by, list(boxes_of(self._viewer))

    def _style_rows(self, rows: Any) -> None:
        fold = Fold("Size and type")
        self.width_box = NumberBox(
            180.0,
            40.0,
            400.0,
            step=1.0,
            decimals=0,
            tip="Width of the whole figure. 88 mm fills one column of a journal, 180 mm two.",
        )
        self.font_box = NumberBox(
            preferences().figure_font_pt,
            4.0,
            20.0,
            step=0.5,
            decimals=1,
            tip="Size of the type in the figure, in points; journals ask for 6 to 8. New figures start with"
            "\nthe size in File > Preferences > snpore.",
        )
        self.dpi_box = CountBox(
            300, 50, 1200, tip="Dots per inch of PNG, and of pictures inside SVG and PDF."
        )
        self.letters = QCheckBox("letters a, b, c")
        self.letters.setChecked(True)
        self.letters.setToolTip("Puts a letter on each panel, in reading order.")
        fold.form.addRow("Width (mm)", self.width_box)
        fold.form.addRow("Type (pt)", self.font_box)
        fold.form.addRow("Dots per inch", self.dpi_box)
        fold.form.addRow(self.letters)
        self.column.addWidget(fold)

    def _style(self) -> FigureStyle:
        return FigureStyle(
            self.width_box.value(),
            self.font_box.value(),
            self.dpi_box.value(),
            letters=self.letters.isChecked(),
        )

    def _slices(self) -> SliceAppearance:
        """Return what the open Ortho slices show; nothing of its own without them."""
        slices = open_slices_of(self._viewer)
        if slices is None:
            return SliceAppearance()
        oblique = slices.oblique
        return SliceAppearance(
            slices.field_of_view,
            _PROJECTIONS.get(slices.thick_way.currentText()),
            slices.thickness.value(),
            slices.layer if oblique.isExpanded() else None,
            oblique.tilt.value(),
            oblique.turn.value(),
        )

    def _spec(self) -> PlateSpec:
        self._enable()
        volume = self._layer_choice.layer
        if (
            "scene" in self.parts
            and volume is not None
            and self.isVisible()
            and not self._camera.has(volume)
        ):
            self.status.say("Drawing the 3D scene …")
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        return gather(
            self._viewer,
            self.parts,
            volume=volume,
            phases=self._phases.layer,
            objects=self._objects.layer,
            plane=self.plane.currentText(),
            field_nm=self.field.value(),
            slices=self._slices(),
            camera=self._camera,
            style=self._style(),
        )

    def _preview(self) -> None:
        try:
            spec, settings = self._spec(), self._settings()
        except InputError as error:
            self.status.refuse(error)
            return

        def work(
            progress: Progress, should_stop: ShouldStop
        ) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
            from napari_snpore.figures.plate_drawing import draw_plate

            drawn = draw_plate(spec, dpi=_PREVIEW_DPI, should_stop=should_stop)
            with replace(spec.style, dpi=_PREVIEW_DPI).in_force():
                canvas = drawn.figure.canvas
                canvas.draw()
                return np.array(canvas.buffer_rgba())[..., :3], drawn.remarks  # type: ignore[attr-defined]

        self.status.run(
            "Preview",
            work,
            partial(self._show_preview, settings),
            of=self._in_use("nothing was drawn"),
        )

    def _show_preview(
        self, settings: tuple[Any, ...], made: tuple[NDArray[np.uint8], tuple[str, ...]]
    ) -> None:
        picture, remarks = made
        self._show_picture(picture)
        self.age.show_lines(["as it would be saved with these settings"])
        self._freshness.note(settings)
        self.status.say(" ".join(remarks), problem=True)

    def _show_picture(self, picture: NDArray[np.uint8]) -> None:
        height, width = picture.shape[:2]
        image = QImage(
            np.ascontiguousarray(picture).tobytes(),
            width,
            height,
            3 * width,
            QImage.Format.Format_RGB888,
        )
        self._picture = QPixmap.fromImage(image)
        self._fit_picture()

    def _fit_picture(self) -> None:
        if self._picture is not None:
            width, height = max(self.width() - 40, 100), max(round(0.4 * self.height()), 120)
            shown = self._picture.scaled(
                width,
                height,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            self.picture.setPixmap(shown)
            self.picture.setFixedHeight(shown.height())

    def resizeEvent(self, event: Any) -> None:
        """Keep the preview as large as the form has place for it."""
        super().resizeEvent(event)
        self._fit_picture()

    def enterEvent(self, event: Any) -> None:
        """Look again what there is to draw: slices may have been opened beside."""
        super().enterEvent(event)
        self._enable()

    def _ask_plate(self) -> None:
        self._ask("Save plate", "plate.png", lambda path: self._save_or_say(path, apart=False))

    def _ask_panels(self) -> None:
        self._ask("Save panels", "panel.png", lambda path: self._save_or_say(path, apart=True))

    def _ask(self, title: str, name: str, done: Any) -> None:
        ask_place(self, title, name, "PNG (*.png);;SVG (*.svg);;PDF (*.pdf)", done)

    def _save_or_say(self, path: str, *, apart: bool) -> None:
        try:
            self._save(path, apart=apart)
        except InputError as error:
            self.status.refuse(error)

    def _save(self, path: str | Path, *, apart: bool) -> None:
        path = Path(path)
        suffix = path.suffix.lower().lstrip(".")
        if suffix not in _SUFFIXES:
            raise InputError(
                f"'{path.name}' has no ending of a figure; .png, .svg or .pdf is needed."
            )
        spec = self._spec()

        def work(progress: Progress, should_stop: ShouldStop) -> tuple[list[Path], tuple[str, ...]]:
            # matplotlib takes half a second to load: in the worker, not when the form opens
            from napari_snpore.figures.plate_drawing import draw_plate, panels_of, remarks_on
            from napari_snpore.figures.plate_layout import panel_figure
            from napari_snpore.figures.save import recipe_of, save_figure

            stem, formats = path.with_suffix(""), (suffix,)
            if not apart:
                drawn = draw_plate(spec, should_stop=should_stop)
                saved = save_figure(
                    drawn.figure,
                    stem,
                    formats=formats,  # type: ignore[arg-type]
                    recipe=spec.recipe(),
                )
                return saved, drawn.remarks
            found = panels_of(spec, should_stop)
            style = spec.style.at_width(min(_PANEL_MM, spec.style.width(_PANEL_MM)))
            paths: list[Path] = []
            panels = [panel for row in found.rows for panel in row]
            for number in range(1, len(panels) + 1):  # nobody was asked about these names
                place = Path(f"{stem}_{number:02d}.{suffix}")
                if place.exists() and recipe_of(place) is None:
                    raise OutputError(
                        f"{place} is there already and is no figure of this program; give another name."
                    )
            for number, panel in enumerate(panels, 1):
                figure = panel_figure(panel, style=style)
                place = Path(f"{stem}_{number:02d}")
                paths += save_figure(
                    figure,
                    place,
                    formats=formats,  # type: ignore[arg-type]
                    recipe={**spec.recipe(), "panel": number},
                )
                progress(number, len(panels))
            return paths, remarks_on(spec, found)

        self.status.run("Figure", work, self._say_saved, of=self._in_use("nothing was saved"))

    def _in_use(self, end: str) -> InUse:
        choices = (self._layer_choice, self._phases, self._objects)
        layers = tuple(choice.layer for choice in choices if choice.layer is not None)
        return InUse(self._viewer, layers, end)

    def _say_saved(self, made: tuple[list[Path], tuple[str, ...]]) -> None:
        paths, remarks = made
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        self.status.say(" ".join([f"Saved {paths[0]}{more}.", *remarks]), problem=bool(remarks))
        shown = self._phases.layer or self._layer_choice.layer
        if shown is not None:  # for the Workbench: done, and stale once this layer was made again
            record = {"file": paths[0].name, "history": list(record_of(shown).get("history", ()))}
            shown.metadata = {**shown.metadata, FIGURE: record}

    def _enable(self, _: Any = None) -> None:
        volume, phases, objects = (
            choice.layer for choice in (self._layer_choice, self._phases, self._objects)
        )
        slices = self._slices()
        for part, tick in self.ticks.items():
            words = missing_for(
                self._viewer, part, volume=volume, phases=phases, objects=objects, slices=slices
            )
            tick.setEnabled(not words)
            missing, _, where = words.partition(":")
            tick.setText(f"{PARTS[part]} ({missing})" if missing else PARTS[part])
            tick.setToolTip(
                f"{_TIPS[part]}\nIt {missing}; make them in {where.strip()}."
                if where
                else _TIPS[part]
            )
        ready = any(tick.isEnabled() for tick in self.ticks.values()) and not self.status.busy
        for button in (self.main_button, self.preview_button, self.panels_button):
            button.setEnabled(ready)
        self.stack.enable(not self.status.busy)
        self._freshness.compare()
