"""The In situ widget: fibre diameter against time, the break of its growth, and grey values in
boxes that follow it.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import napari.components
import numpy as np
import pandas as pd
from napari.layers import Layer
from qtpy.QtWidgets import QFileDialog, QPushButton, QWidget

from napari_snpore.compute import Progress, ShouldStop, run_apart
from napari_snpore.errors import InputError
from napari_snpore.files.image_input import number_in_name
from napari_snpore.files.image_series import read_image_series
from napari_snpore.in_situ import BreakPoint, ImageSeries, box_intensities
from napari_snpore.in_situ.rectangle import rectangle_of
from napari_snpore.viewer.ahead.kernels_ahead import prepare_shapes
from napari_snpore.viewer.forms.form import Freshness, MainButton, NumberBox, ResultText
from napari_snpore.viewer.forms.form_values import form_values, set_form_values
from napari_snpore.viewer.forms.path_dialogs import ask_place, folder_for
from napari_snpore.viewer.forms.step_form import InputLayers, LayerForm
from napari_snpore.viewer.in_situ.boxes import BoxOptions, BoxPanel
from napari_snpore.viewer.in_situ.drawing import DrawnRectangles
from napari_snpore.viewer.in_situ.export import write_figures, write_tables
from napari_snpore.viewer.in_situ.frames import frame_at, show_frame, shown_frame, time_of_frame
from napari_snpore.viewer.in_situ.layers import (
    EDGE_COLOR,
    box_color,
    box_outlines,
    fibre_outlines,
    frames_data,
    images_from_layer,
    may_be_frames,
    numbers_text,
    outlines_data,
    rectangles_in,
    show_outlines,
    times_of,
)
from napari_snpore.viewer.in_situ.result_text import (
    DiameterOptions,
    Diameters,
    diameter_lines,
    measure_diameters,
)
from napari_snpore.viewer.in_situ.settings import InSituSettings, beside
from napari_snpore.viewer.in_situ.time_plot import Points, TimePlot
from napari_snpore.viewer.shared.docking import show_table
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import SEPARATOR, add_layer, name_from_path, stem_of
from napari_snpore.viewer.shared.worker import InUse

_INPUTS = InputLayers(
    may_be_frames,
    what="time series",
    empty="Open a stack (TIFF, DM3/DM4) or all images of a series with the button above",
    tip="Images (frame, y, x) of one fibre; the choice follows the layer selected in napari.",
)
_FILES = "Images (*.tif *.tiff *.dm3 *.dm4 *.mrc *.emd *.hspy *.npy)"


class InSituWidget(LayerForm):
    """Diameter of one fibre against time, its outline on the images, the break of its growth, grey
    values in boxes.

    Parameters
    ----------
    viewer : ViewerModel
        napari passes its own.

    Examples
    --------
    In napari's console::

        widget = InSituWidget(viewer)
        widget.open("movie.dm4")
        table = widget.measure()
        widget.break_point.time_s
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(
            viewer,
            _INPUTS,
            MainButton(
                "Measure diameter",
                (
                    "Fits the profile of a blurred cylinder across the fibre, in each frame. See docs/definitions.md, A fibre\n"
                    "in time."
                ),
            ),
        )
        self._measured: Diameters | None = None
        self._intensities: pd.DataFrame | None = None
        self._source: Layer | None = None
        self._outline: Layer | None = None
        self._watched: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._build()
        self._layer_choice.layer_changed.connect(self._on_layer)
        for freshness in (self._of_diameters, self._of_intensities):
            self._layer_choice.layer_changed.connect(freshness.compare)
        self._on_layer(self._layer_choice.layer)
        connect_while_alive(self, self._viewer.dims.events.current_step, self._on_step)

    @property
    def table(self) -> pd.DataFrame | None:
        """One row per frame, of the last measurement; see ``fibre_diameter`` for its columns."""
        return None if self._measured is None else self._measured.table

    @property
    def profile(self) -> pd.DataFrame | None:
        """Profiles across the fibre in the first and the last fitted frame."""
        return None if self._measured is None else self._measured.profile

    @property
    def break_point(self) -> BreakPoint | None:
        """Two lines through the diameters, and whether they fit better than one; None with too few
        frames.
        """
        return None if self._measured is None else self._measured.found_break

    @property
    def intensities(self) -> pd.DataFrame | None:
        """One row per box and frame; see ``box_intensities`` for its columns."""
        return self._intensities

    def open(self, path: str | Path) -> Layer:
        """Open a stack or a folder of images as a layer and choose it; Qt's events are processed
        meanwhile.
        """
        before = self.layer
        self._open([str(path)])
        self.status.wait()
        if self.layer is None or self.layer is before:
            raise InputError(f"Nothing was opened. {self._said()}")
        return self.layer

    def measure(self) -> pd.DataFrame:
        """Measure the diameters with the present settings and return the table; Qt's events are
        processed meanwhile.
        """
        before = self._measured
        self._start()
        self.status.wait()
        if self._measured is before or self._measured is None:
            raise InputError(f"Nothing was measured. {self._said()}")
        return self._measured.table

    def measure_intensities(self) -> pd.DataFrame:
        """Measure the grey values in the boxes and return the table; Qt's events are processed
        meanwhile.
        """
        before = self._intensities
        self._start_boxes()
        self.status.wait()
        if self._intensities is before or self._intensities is None:
            raise InputError(f"Nothing was measured. {self._said()}")
        return self._intensities

    def save_csv(self, path: str | Path) -> list[Path]:
        """Write what was measured: the diameters, and beside them ``_profile`` and ``_intensity``.

        Raises
        ------
        InputError
            Nothing was measured yet, or the place cannot be written.
        """
        return write_tables(path, self._measured, self._intensities)

    def save_figure(self, path: str | Path) -> list[Path]:
        """Write the figures of what was measured, in the format of the suffix: PNG, SVG or PDF.

        Raises
        ------
        InputError
            Nothing was measured yet, an unknown suffix, or a place that cannot be written.
        """
        recipe = {"layer": "" if self._source is None else self._source.name}
        return write_figures(path, self._measured, self._intensities, recipe=recipe)

    def state(self) -> Mapping[str, Any]:
        """Return the layers and the settings; what was measured is measured again."""
        chosen = {"layer": self.layer, "region": self.region.layer, "boxes": self.boxes.drawn.layer}
        return {
            **{what: None if layer is None else layer.name for what, layer in chosen.items()},
            "seconds": self.seconds.value(),
            "settings": form_values(self.settings),
            "intensity": form_values(self.boxes),
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        self.choose_saved(state, layers)
        for drawn, what in ((self.region, "region"), (self.boxes.drawn, "boxes")):
            if state.get(what) in layers:
                drawn.layer = layers[state[what]]
        if times_of(self.layer) is None:
            self.seconds.setValue(float(state.get("seconds", 0.0)))
        set_form_values(self.settings, state.get("settings", {}))
        set_form_values(self.boxes, state.get("intensity", {}))

    def _build(self) -> None:
        self.open_button = QPushButton("Open …")
        self.open_button.setToolTip(
            "Open a stack of images with its pixel size and, where the file has them, its times."
        )
        self.open_button.clicked.connect(self._ask_images)
        self.seconds = NumberBox(
            0.0, 0.0, 1e6, step=1.0, decimals=3, tip="Time from one frame to the next, in seconds."
        )
        self.seconds.setSpecialValueText("not known")
        self.region = DrawnRectangles(
            self._viewer,
            none="whole image",
            name="fibre region",
            color="#22b8cf",
            tip="Rectangle that holds one fibre with background on both sides; it is the same in all frames.",
        )
        rows = self.rows()
        rows.addRow("Images", beside(self._layer_choice, self.open_button))
        rows.addRow(self._layer_choice.hint())
        rows.addRow("Frame time (s)", self.seconds)
        rows.addRow("Region", self.region)
        self.settings = InSituSettings()
        self.column.addWidget(self.settings)
        self.main_button.clicked.connect(self._start)
        self.result = ResultText(
            "Diameter 2R of the cylinder whose blurred chord, 2·sqrt(R² − x²), fits the profile across the fibre best,\n"
            "± one standard error. See docs/definitions.md, A fibre in time."
        )
        self.results.addWidget(self.result)
        self.plot = TimePlot("diameter (nm)")
        self.plot.asked.connect(lambda time: self._go_to(self.table, time))
        self.plot.setVisible(False)
        self.results.addWidget(self.plot)
        self.results.addWidget(self._tools())
        self.boxes = BoxPanel(self._viewer)
        self.boxes.asked.connect(self._start_boxes)
        self.boxes.plot.asked.connect(lambda time: self._go_to(self._intensities, time))
        self.column.addWidget(self.boxes)
        self.column.addStretch(1)
        self.footer.addWidget(self.main_button)
        self.footer.addWidget(self.status)
        self.status.busy_changed.connect(lambda _: self._enable())
        self._of_diameters = Freshness(
            self,
            (self.result,),
            self._diameter_settings,
            "Measure diameter makes them fresh",
            self._missing,
        )
        self._of_intensities = Freshness(
            self,
            (self.boxes.result,),
            self._box_settings,
            "Measure intensity makes them fresh",
            self._missing,
        )
        self.region.changed.connect(self._of_diameters.compare)
        self.boxes.drawn.changed.connect(self._of_intensities.compare)

    def _tools(self) -> QWidget:
        self.table_button = QPushButton("Table")
        self.table_button.setToolTip("Open napari's table of the frames below the picture.")
        self.table_button.setVisible(hasattr(self._viewer, "window"))
        self.table_button.clicked.connect(self._open_table)
        self.save_button = QPushButton("Save CSV …")
        self.save_button.setToolTip(
            "Writes the tables with one row per frame and the units in the column names."
        )
        self.save_button.clicked.connect(
            lambda: self._ask("Save the tables", "csv", "Table (*.csv)", self.save_csv)
        )
        self.figure_button = QPushButton("Save figure …")
        self.figure_button.setToolTip("Draw diameter against time and the profiles, for print.")
        kinds = "SVG (*.svg);;PNG (*.png);;PDF (*.pdf)"
        self.figure_button.clicked.connect(
            lambda: self._ask("Save the figures", "svg", kinds, self.save_figure)
        )
        self._tool_row = beside(self.table_button, self.save_button, self.figure_button)
        self._tool_row.setVisible(False)
        return self._tool_row

    def _on_layer(self, layer: Layer | None) -> None:
        times = times_of(layer)
        self.seconds.setEnabled(times is None)
        step_s = (
            (times[-1] - times[0]) / (len(times) - 1)
            if times is not None and len(times) > 1
            else None
        )
        self.seconds.setValue(step_s or 0.0)
        self.seconds.setToolTip(
            "From the file."
            if step_s is not None
            else "Time from one frame to the next, in seconds."
        )
        self.region.follow(layer)
        self.boxes.drawn.follow(layer)
        if layer is not None and layer not in self._watched:
            self._watched.add(layer)
            connect_while_alive(self, layer.events.data, self._on_changed)
        self._enable()

    def _enable(self) -> None:
        self.main_button.setEnabled(self.layer is not None and not self.status.busy)

    def _on_changed(self, event: Any) -> None:
        if event.source is self._source:
            for freshness in (self._of_diameters, self._of_intensities):
                freshness.spoil("the images have changed")

    def _diameter_settings(self) -> tuple[Any, ...]:
        """Return everything that the diameters are measured with."""
        return self.layer, self.seconds.value(), form_values(self.settings), _drawn(self.region)

    def _box_settings(self) -> tuple[Any, ...]:
        """Return everything that the grey values in boxes are measured with."""
        return self.layer, self.seconds.value(), form_values(self.boxes), _drawn(self.boxes.drawn)

    def _series(self) -> tuple[Layer, ImageSeries]:
        layer = self._layer_choice.required()
        return layer, images_from_layer(layer, seconds=self.seconds.value() or None)

    def _options(self, layer: Layer, series: ImageSeries) -> DiameterOptions:
        region = None
        if self.region.layer is not None:
            region = rectangles_in(self.region.layer, layer, series.pixel_size_nm)[-1]
        return self.settings.options(rectangle_of(region, series.shape, series.pixel_size_nm))

    def _start(self) -> None:
        try:
            layer, series = self._series()
            options = self._options(layer, series)
            settings = self._diameter_settings()
        except InputError as error:
            self.status.refuse(error)
            return

        def work(progress: Progress, should_stop: ShouldStop) -> tuple[Diameters, Any]:
            found = measure_diameters(series, options, progress, should_stop)
            prepare_shapes()
            return found, fibre_outlines(found.table, series, options.region)

        self.status.run(
            "Measure diameter",
            work,
            lambda result: self._on_measured(layer, settings, *result),
            of=InUse(self._viewer, (layer,), "nothing was measured"),
        )

    def _on_measured(
        self, layer: Layer, settings: tuple[Any, ...], measured: Diameters, outline: Any
    ) -> None:
        self._measured, self._source = measured, layer
        name = f"{stem_of(layer.name)}{SEPARATOR}fibre outline"
        polygons, features = outline
        self._outline = show_outlines(
            self._viewer, layer, outlines_data(layer, polygons, features, name, colors=EDGE_COLOR)
        )
        self.result.show_lines(diameter_lines(measured))
        self._of_diameters.note(settings)
        table = measured.table
        values, errors = (
            table[column].to_numpy(np.float64) for column in ("diameter_nm", "diameter_error_nm")
        )
        found, lines = measured.found_break, None
        if found is not None and found.better_than_line:
            places = np.array([found.first_s, found.time_s, found.last_s])
            lines = places, found.curve(places)
        self.plot.show_curves(
            measured.times,
            [Points(values, errors, EDGE_COLOR)],
            across="time (s)" if measured.unit == "s" else "frame",
            lines=lines,
            tip="Bars: one standard error. Dashed: two lines that meet at the break.",
        )
        self.plot.setVisible(True)
        self._tool_row.setVisible(True)
        self._on_step()
        self.status.say(
            f"Made '{name}' and the table of {len(table)} rows.",
            of=InUse(self._viewer, (self._outline,)),
        )

    def _start_boxes(self) -> None:
        try:
            layer, series = self._series()
            options = self.boxes.options(layer, series.pixel_size_nm)
            settings = self._box_settings()
        except InputError as error:
            self.status.refuse(error)
            return

        def work(progress: Progress, should_stop: ShouldStop) -> pd.DataFrame:
            found = box_intensities(
                series,
                options.boxes,
                vacuum=options.vacuum,
                follow=options.follow,
                progress=progress,
                should_stop=should_stop,
            )
            prepare_shapes()
            return found

        self.status.run(
            "Measure intensity",
            work,
            lambda table: self._on_intensities(layer, series, options, table, settings),
            of=InUse(self._viewer, (layer,), "nothing was measured"),
        )

    def _on_intensities(
        self,
        layer: Layer,
        series: ImageSeries,
        options: BoxOptions,
        table: pd.DataFrame,
        settings: tuple[Any, ...],
    ) -> None:
        self._intensities, self._source = table, layer
        polygons, names = box_outlines(options.boxes, table, series.pixel_size_nm)
        colors = [box_color(name) for name in names]
        name = f"{stem_of(layer.name)}{SEPARATOR}boxes"
        outlines = outlines_data(layer, polygons, pd.DataFrame({"box": names}), name, colors=colors)
        outlines[1]["text"] = numbers_text("{box}", colors)
        made = show_outlines(self._viewer, layer, outlines)
        self.boxes.show_table(table, with_times=series.times_s is not None)
        self._of_intensities.note(settings)
        self._tool_row.setVisible(True)
        self._on_step()
        self.status.say(
            f"Made '{name}'; the drawn boxes belong to the first frame, these follow the drift.",
            of=InUse(self._viewer, (made,)),
        )

    def _on_step(self, event: Any = None) -> None:
        del event
        frame = shown_frame(self._viewer, self._source)
        self.plot.mark(time_of_frame(self.table, frame))
        self.boxes.plot.mark(time_of_frame(self._intensities, frame))

    def _go_to(self, table: pd.DataFrame | None, time: float) -> None:
        if table is not None:
            show_frame(self._viewer, self._source, frame_at(table, time))

    def _open_table(self) -> None:
        if self._outline is not None and self._outline in self._viewer.layers:
            show_table(self._viewer, self._outline)

    def _ask_images(self) -> None:
        dialog = QFileDialog(
            self, "Open a stack, or all images of a series", str(folder_for(self)), _FILES
        )
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setModal(False)
        dialog.filesSelected.connect(lambda paths: self._open(sorted(paths, key=number_in_name)))
        dialog.show()

    def _open(self, paths: list[str]) -> None:
        pixel = self.settings.pixel.value() or None

        name = Path(paths[0]).parent if len(paths) > 1 else paths[0]

        def work(progress: Progress, should_stop: ShouldStop) -> ImageSeries:
            del progress
            chosen = paths if len(paths) > 1 else paths[0]
            return run_apart(lambda: read_image_series(chosen, pixel_size_nm=pixel), should_stop)

        def show(series: ImageSeries) -> None:
            self.layer = add_layer(self._viewer, frames_data(series, name_from_path(name)))
            self.status.say(
                f"Opened {len(series)} images of {series.pixel_size_nm:.4g} nm a pixel."
            )

        self.status.run("Open", work, show)

    def _ask(self, title: str, suffix: str, kinds: str, write: Any) -> None:
        stem = "in_situ" if self._source is None else stem_of(self._source.name)
        ask_place(
            self, title, f"{stem}_diameter.{suffix}", kinds, lambda path: self._write(path, write)
        )

    def _write(self, path: str, write: Any) -> None:
        try:
            written = write(path)
        except InputError as error:
            self.status.refuse(error)
            return
        self.status.say(f"Wrote {', '.join(str(one) for one in written)}.")

    def _said(self) -> str:
        return self.status.message.text().lstrip("⚠ ")


def _drawn(rectangles: DrawnRectangles) -> list[Any]:
    """Return the corners of drawn rectangles, comparable."""
    layer = rectangles.layer
    return [] if layer is None else [np.asarray(one).tolist() for one in layer.data]
