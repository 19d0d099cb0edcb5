"""The Measure form: objects of one phase, or those of any labels layer, with their table; fractions
and dead pores.
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
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QWidget,
)

from napari_snpore.compute import Progress, ShouldStop, run_apart
from napari_snpore.errors import InputError
from napari_snpore.measurement.sizes import RESOLVED_VOXELS, SHORT_BELOW_NM
from napari_snpore.segmentation.phases import MOST_PHASES, PORE
from napari_snpore.viewer.errors.panel import ErrorControl
from napari_snpore.viewer.forms.form import (
    CountBox,
    Fold,
    Freshness,
    MainButton,
    NumberBox,
    ResultText,
)
from napari_snpore.viewer.forms.form_values import form_values, set_form_values
from napari_snpore.viewer.forms.layer_choice import LayerChoice
from napari_snpore.viewer.forms.path_dialogs import ask_new_folder, ask_place
from napari_snpore.viewer.forms.small_histogram import SmallHistogram
from napari_snpore.viewer.forms.step_form import InputLayers
from napari_snpore.viewer.measure.corrected_form import CorrectedForm
from napari_snpore.viewer.measure.hand_control import HandControl
from napari_snpore.viewer.measure.object_panel import ObjectPanel
from napari_snpore.viewer.measure.place_panel import PlacePanel
from napari_snpore.viewer.measure.steps import (
    MeasuredLayer,
    MeasureOptions,
    detail_lines,
    fraction_lines,
    measure_layer,
    object_lines,
    save_measured,
)
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.events import breathe, connect_while_alive
from napari_snpore.viewer.shared.layers import (
    KEY,
    SEPARATOR,
    array_from_layer,
    dead_data,
    is_phases,
    is_volume,
    label_range,
    objects_data,
    put_layer,
    record_of,
    scheme_of,
    select,
    stem_of,
    volume_from_layer,
)
from napari_snpore.viewer.shared.other_specimens import hide_other_specimens
from napari_snpore.viewer.shared.worker import InUse
from napari_snpore.volume import Volume

_INPUTS = InputLayers(
    is_phases,
    what="layer of phases",
    empty="Make phases first (Threshold, Apply), or open a run",
    tip="Labels: 0 exterior, then the phases; the choice follows the layer selected in napari.",
)
EACH_LABEL = "each label is an object"
"""Entry of the list of phases that measures labels of another plugin as they are."""

_OBJECT_COLOR = "#8c8c8c"  # of histograms where the objects belong to no phase


class MeasureWidget(CorrectedForm):
    """Objects of one phase as a labels layer with their table, and the numbers that sum them up.

    Parameters
    ----------
    viewer : ViewerModel
        napari passes its own.

    Examples
    --------
    In napari's console::

        widget = MeasureWidget(viewer)
        widget.layer = viewer.layers["needle · phases"]
        widget.phase = "Sn"
        table = widget.measure()
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__(
            viewer,
            _INPUTS,
            MainButton("Measure", "Label the objects of this phase and measure each of them."),
        )
        self._watched: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._build()
        self._layer_choice.layer_changed.connect(self._on_layer)
        self._layer_choice.layer_changed.connect(self._freshness.compare)
        self._on_layer(self._layer_choice.layer)

    @property
    def phase(self) -> str:
        """Name of the phase whose objects are measured, or ``EACH_LABEL``."""
        return str(self.phase_box.currentText())

    @phase.setter
    def phase(self, name: str) -> None:
        index = self.phase_box.findText(name)
        if index < 0:
            names = [self.phase_box.itemText(k) for k in range(self.phase_box.count())]
            raise InputError(
                f"phase is {name!r}; these layers hold {', '.join(names) or 'no phases'}."
            )
        self.phase_box.setCurrentIndex(index)

    @property
    def fractions(self) -> pd.DataFrame | None:
        """Volume fractions of the last measurement, whole and in the center and edge cubes; None
        for given objects.
        """
        found = self._measured
        return found.measured.fractions if found is not None and found.of_phase else None

    @property
    def dead_pores(self) -> pd.DataFrame | None:
        """Dead pores of the last measurement, one row per connectivity; None without an
        exterior.
        """
        found = self._measured
        dead = found.measured.dead_pores if found is not None and found.of_phase else None
        return None if dead is None else dead.table

    def measure(self) -> pd.DataFrame:
        """Measure with the present settings and return the table; the window stays alive
        meanwhile.
        """
        before = self._measured
        self._start()
        self.status.wait()
        if self._measured is before or self._measured is None:
            raise InputError(f"Nothing was measured. {self.status.message.text().lstrip('⚠ ')}")
        return self._measured.table

    def estimate_errors(self) -> None:
        """Estimate the errors of the numbers of the chosen phases; the window stays alive meanwhile.

        Raises
        ------
        InputError
            Phases without images, that were not polished, or that were corrected by hand.
        """
        missing = self.errors.why_not()
        if missing:
            raise InputError(missing)
        self.errors.start()
        self.status.wait()

    def save(self, folder: str | Path) -> Path:
        """Write the last measurement into a folder: the tables and volumes that ``snpore measure``
        writes.

        Raises
        ------
        InputError
            Nothing was measured yet.
        OutputError
            The folder holds files that no measurement wrote, or cannot be written.
        """
        return save_measured(self._required(), Path(folder), str(self.objects.filter))

    def _required(self) -> MeasuredLayer:
        if self._measured is None:
            raise InputError("There is no table yet; press Measure first.")
        return self._measured

    def _gray_of_objects(self) -> Layer | None:
        return self._gray.layer if self.with_gray.isChecked() else None

    @property
    def size_limits(self) -> Mapping[str, Any]:
        """The fewest voxels of a resolved object, and the length (nm) below which it counts as short, by
        their names in a recipe.
        """
        return {"min_voxels": self.min_voxels.value(), "limit_nm": self.limit.value()}

    def state(self) -> Mapping[str, Any]:
        """Return the layers and the settings; what was measured is measured again."""
        return {
            "layer": self.layer_name,
            "grey": None if self._gray.layer is None else self._gray.layer.name,
            "settings": form_values(self),
            "place": form_values(self.place),
            "errors": form_values(self.errors.panel),
            "filter": self.objects.filter_row.text.text(),
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        self.choose_saved(state, layers)
        if state.get("grey") in layers:
            self._gray.layer = layers[state["grey"]]
        set_form_values(
            self, {k: v for k, v in state.get("settings", {}).items() if k != "color_box"}
        )
        set_form_values(self.place, state.get("place", {}))
        set_form_values(self.errors.panel, state.get("errors", {}))
        self.objects.filter_row.set_later(str(state.get("filter", "")))

    def _build(self) -> None:
        self.phase_box = QComboBox()
        self.phase_box.setToolTip(
            "The phase whose objects are measured. Labels of another plugin can be measured as they are, one object\n"
            "per label."
        )
        self.phase_box.currentIndexChanged.connect(self._on_phase)
        rows = self.rows()
        rows.addRow("Phases", self._layer_choice)
        rows.addRow(self._layer_choice.hint())
        rows.addRow("Phase", self.phase_box)
        rows.addRow("Objects", self._ways())
        self.column.addWidget(self._more())
        self.place = PlacePanel()
        self.column.addWidget(self.place)
        self.errors = ErrorControl(self, self._viewer, self.limit.value)
        self.column.addWidget(self.errors.panel)
        self.column.addStretch(1)
        self.main_button.clicked.connect(self._start)
        self.object_result = ResultText(
            "Length and width are the largest and the smallest Feret diameter over all directions; aspect ratio =\n"
            "width / length. Objects cut by the box are counted, but left out of these numbers. See\n"
            "docs/definitions.md, Length, width, aspect ratio."
        )
        self.results.addWidget(self.errors.result)
        self.results.addWidget(self.object_result)
        self.results.addWidget(self._plots())
        self.fraction_result = ResultText(
            "Shares of the volume inside the envelope: pore / (pore + C + Sn). Dead pores have no path through void to\n"
            "the outside. See docs/definitions.md, Volumes and fractions."
        )
        self.results.addWidget(self.fraction_result)
        self.results.addWidget(self._object_tools())
        self._after = QWidget()
        after = QHBoxLayout(self._after)
        after.setContentsMargins(0, 0, 0, 0)
        after.addWidget(self.objects.table_button)
        after.addWidget(self.save_button)
        self._after.setVisible(False)  # until there are objects
        self.footer.addWidget(self._after)
        buttons = QHBoxLayout()
        buttons.addWidget(self.main_button, 2)
        buttons.addWidget(self.errors.panel.button, 1)
        self.footer.addLayout(buttons)
        self.footer.addWidget(self.status)
        self.status.busy_changed.connect(
            lambda busy: self.main_button.setEnabled(not busy and self.phase_box.count() > 0)
        )
        connect_while_alive(self, self._viewer.layers.events.removed, self._on_removed)
        self._freshness = Freshness(
            self,
            (self.object_result, self.fraction_result, self.place.result),
            self._settings,
            "Measure makes them fresh",
            self._missing,
        )

    def _ways(self) -> QWidget:
        self.connected = QRadioButton("connected")
        self.connected.setToolTip(
            "Voxels that touch are one object: pores through faces (6), C and Sn also corners (26)."
        )
        self.separated = QRadioButton("separated")
        self.separated.setToolTip(
            "Cuts touching objects apart at their necks (watershed of the distance to the surface). Every table says\n"
            "which contrast h was used. See docs/definitions.md, Objects."
        )
        self.connected.setChecked(True)
        group = QButtonGroup(self)
        for button in (self.connected, self.separated):
            group.addButton(button)
        self.separated.toggled.connect(lambda on: self.contrast.setEnabled(on))
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.connected)
        line.addWidget(self.separated)
        line.addStretch(1)
        ways = QWidget()
        ways.setLayout(line)
        return ways

    def _more(self) -> Fold:
        more = Fold("More")
        self.contrast = NumberBox(
            0.3,
            0.0,
            1e4,
            step=0.1,
            tip=(
                "How pronounced a neck must be: two bulges are two objects where the half-width of the neck is smaller\n"
                "than that of the smaller bulge by more than h. A larger h gives fewer and larger objects."
            ),
        )
        self.contrast.setEnabled(False)
        self.connectivity = QComboBox()
        self.connectivity.addItems(["6", "18", "26"])
        self.connectivity.setToolTip(
            "Neighbours that count as touching: across faces (6), also edges (18), also corners (26). Usual: 6 for\n"
            "pores and 26 for Sn, since two phases cannot both pass through the same corner."
        )
        self.min_voxels = CountBox(
            RESOLVED_VOXELS,
            1,
            10**6,
            tip=(
                "Objects with fewer voxels are marked as not resolved: their sizes say more about the voxels than about\n"
                "the object."
            ),
        )
        self.limit = NumberBox(
            SHORT_BELOW_NM,
            0.01,
            1e5,
            step=0.1,
            tip="Objects shorter than this count as short; their share is given by number and by volume.",
        )
        self.with_gray = QCheckBox("grey values of")
        self.with_gray.setToolTip(
            "Adds mean and sum of the grey values of each object to the table."
        )
        self._gray = LayerChoice(
            self._viewer, is_volume, empty="no grey volume", what="grey volume"
        )
        gray = QHBoxLayout()
        gray.setSpacing(8)
        gray.addWidget(self.with_gray)
        gray.addWidget(self._gray, 1)
        more.form.addRow("Separation contrast h (nm)", self.contrast)
        more.form.addRow("Connectivity (neighbours)", self.connectivity)
        more.form.addRow("Resolved from (voxels)", self.min_voxels)
        more.form.addRow("Short below (nm)", self.limit)
        self.show_dead = QCheckBox("dead pores as a layer")
        self.show_dead.setToolTip(
            "Shows dead pores in red: pores without a path through void to the outside (connectivity 6). See\n"
            "docs/definitions.md, Dead pores."
        )
        more.form.addRow(gray)
        more.form.addRow(self.show_dead)
        return more

    def _plots(self) -> QWidget:
        self.length_plot = SmallHistogram("length (nm)")
        self.width_plot = SmallHistogram("width (nm)")
        self.aspect_plot = SmallHistogram("aspect ratio", ends=(0.0, 1.0))
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        for plot in (self.length_plot, self.width_plot, self.aspect_plot):
            line.addWidget(plot)
        self._plot_row = QWidget()
        self._plot_row.setLayout(line)
        self._plot_row.setVisible(False)
        return self._plot_row

    def _object_tools(self) -> QWidget:
        self.objects = ObjectPanel(self._viewer)
        self.color_box = self.objects.color_box
        self.objects.refused.connect(self.status.refuse)
        self.objects.wants_rows.connect(self._ask_rows)
        self.save_button = QPushButton("Save …")
        self.save_button.setToolTip(
            "Writes all tables (CSV, with units in the column names) and the objects into a folder, as the command\n"
            "snpore measure does."
        )
        self.save_button.clicked.connect(self._ask_folder)
        self.hand = HandControl(self, self._viewer, self.objects)
        self.hand.corrected.connect(self._on_corrected)
        self.hand.fresh.connect(self._on_fresh)
        self.objects.layer_shown.connect(self._on_layer_shown)
        self.objects.column.addWidget(self.hand.panel)
        self.objects.setVisible(False)
        QShortcut(QKeySequence.StandardKey.Undo, self, self.undo)
        QShortcut(QKeySequence.StandardKey.Redo, self, self.redo)
        return self.objects

    def _on_layer(self, layer: Layer | None) -> None:
        earlier = self.phase_box.currentText()
        names = self._names_of(layer)
        entries = (
            [*names, EACH_LABEL] if layer is not None and self._may_be_objects(layer) else [*names]
        )
        blocked = self.phase_box.blockSignals(True)
        self.phase_box.clear()
        for number, name in enumerate(names, 1):
            self.phase_box.addItem(name, number)
        if len(entries) > len(names):
            self.phase_box.addItem(EACH_LABEL, 0)
        if entries:
            self.phase_box.setCurrentIndex(
                entries.index(earlier) if earlier in entries else max(0, len(names) - 1)
            )
        if layer is not None and entries and layer not in self._watched:
            self._watched.add(layer)
            for emitter in (layer.events.data, layer.events.paint):
                connect_while_alive(self, emitter, self._on_changed)
        self.phase_box.blockSignals(blocked)
        self.phase_box.setEnabled(bool(entries))
        self.main_button.setEnabled(bool(entries) and not self.status.busy)
        self.errors.show_layer(layer)
        self._on_phase()

    def _names_of(self, layer: Layer | None) -> tuple[str, ...]:
        """Return the names of the phases; none where there are too many labels, or negative
        ones.
        """
        if layer is None:
            return ()
        if "phase_names" not in record_of(layer):
            least, most = label_range(layer)
            if least < 0:
                self.status.say(
                    f"The layer '{layer.name}' has labels from {least} to {most}; 0 is outside, phases and objects are "
                    "1 and above.",
                    problem=True,
                )
            if least < 0 or most > MOST_PHASES:
                return ()
        return tuple(scheme_of(layer).names)

    def _may_be_objects(self, layer: Layer) -> bool:
        """Return whether labels may be objects of another plugin: those that no step of the program
        made.
        """
        return "phase_names" not in record_of(layer) and label_range(layer)[0] >= 0

    def _on_phase(self) -> None:
        """Set the connectivity that goes with the phase; given objects need none of these
        settings.
        """
        phase = self.phase_box.currentData()
        self.connectivity.setCurrentText("6" if phase == PORE else "26")
        of_phase = phase != 0
        for part in (self.connected, self.separated, self.connectivity, self.place, self.show_dead):
            part.setEnabled(of_phase)
        self.contrast.setEnabled(of_phase and self.separated.isChecked())

    def _on_changed(self, event: Any) -> None:
        if event.source is self._source and self._measured is not None:
            self._freshness.spoil("the phases have changed")

    def _on_fresh(self) -> None:
        self._freshness.freshen()

    def _on_removed(self, event: Any) -> None:
        if event.value is self._made:
            self._made = None
        if event.value is self._source:
            self._source = None

    def _options(self) -> MeasureOptions:
        layer, phase = self._layer_choice.required(), self.phase_box.currentData()
        if not phase:
            return MeasureOptions(
                phase=0, min_voxels=self.min_voxels.value(), limit_nm=self.limit.value()
            )
        return MeasureOptions(
            phase=phase,
            names=tuple(scheme_of(layer).names),
            separate_nm=self.contrast.value() if self.separated.isChecked() else None,
            connectivity=int(self.connectivity.currentText()),
            min_voxels=self.min_voxels.value(),
            limit_nm=self.limit.value(),
            place=self.place.options,
            boxes=tuple(boxes_of(self._viewer)),
        )

    def _settings(self) -> tuple[Any, ...]:
        """Return everything that a measurement takes."""
        gray = self._gray.layer if self.with_gray.isChecked() else None
        return self.layer, self._options(), gray

    def _start(self) -> None:
        try:
            settings = self._settings()
            layer, options = self._layer_choice.required(), self._options()
            phases = volume_from_layer(layer)
            image = self._gray.required() if self.with_gray.isChecked() else None
            gray = None if image is None else array_from_layer(image)
        except InputError as error:
            self.status.refuse(error)
            return

        def work(progress: Progress, should_stop: ShouldStop) -> MeasuredLayer:
            intensity = None if gray is None else run_apart(lambda: np.asarray(gray), should_stop)
            return measure_layer(phases, options, intensity, progress, should_stop)

        self.status.run(
            f"Measure {options.name}",
            work,
            lambda measured: self._on_measured(layer, measured, settings),
            of=InUse(
                self._viewer,
                (layer,) if image is None else (layer, image),
                "nothing was measured",
            ),
        )

    def _on_measured(
        self, layer: Layer, measured: MeasuredLayer, settings: tuple[Any, ...]
    ) -> None:
        options = measured.options
        name = f"{stem_of(layer.name)}{SEPARATOR}{options.name} objects"
        self._measured, self._source = measured, layer
        data = objects_data(measured.labels, measured.table, name, phase=options.name)
        data[1]["metadata"][KEY]["crowther_nm"] = (
            measured.crowther_nm
        )  # figures mark it as the histograms here do
        data[1]["metadata"][KEY]["size_limit_nm"] = (
            None
            if measured.size_limit is None
            else (measured.size_limit.diameter_nm, measured.size_limit.length_nm)
        )
        earlier = self._earlier_corrections(name, layer)
        self._made = put_layer(self._viewer, data)
        breathe(self._viewer)
        self._show(layer)
        self._freshness.note(settings)
        self._begin_corrections(layer, measured, self._made)
        breathe(self._viewer)
        self.objects.show_objects(self._made, measured.table)
        self._after.setVisible(True)
        self.hand.work.correct_again(earlier)
        dead = measured.measured.dead_pores if measured.of_phase else None
        if self.show_dead.isChecked() and dead is not None:
            mask = Volume(dead.mask(6), measured.labels.spacing, measured.labels.origin)
            put_layer(
                self._viewer, dead_data(mask, f"{stem_of(layer.name)}{SEPARATOR}dead pores")
            ).visible = True
            select(self._viewer, self._made)
        hid = hide_other_specimens(self._viewer, self._made)
        self.status.say(
            f"Made '{self._made.name}' and its table.{hid}", of=InUse(self._viewer, (self._made,))
        )

    def _show(self, layer: Layer) -> None:
        measured = self._measured
        if measured is None:
            return
        self.object_result.show_lines(object_lines(measured))
        self.fraction_result.show_lines(fraction_lines(measured))
        table = measured.table[~measured.table["touches_border"]]
        # the numbers of given objects can be large: a scheme with as many colors would fill the
        # memory
        colors = scheme_of(layer).colors if measured.of_phase else ()
        color = colors[measured.options.phase - 1] if colors else _OBJECT_COLOR
        self.place.show_tables(
            measured.details, detail_lines(measured), measured.options.names, colors
        )
        marks = {"voxel size (nm)": max(measured.labels.spacing)}
        if measured.crowther_nm is not None:
            marks["D·Δθ (nm)"] = measured.crowther_nm
        for plot, column, known in (
            (self.length_plot, "length_nm", marks),
            (self.width_plot, "width_nm", marks),
            (self.aspect_plot, "aspect_ratio", None),
        ):
            shaded = (
                measured.size_limit.length_nm
                if measured.size_limit is not None and column == "length_nm"
                else None
            )
            plot.show_values(table[column], color=color, marks=known, shaded_below=shaded)
        self._plot_row.setVisible(len(table) > 0)

    def closed(self) -> None:
        """Stop, and close the table."""
        self.hand.close()
        self.objects.close_picture()
        super().closed()

    def _ask_rows(self) -> None:
        stem = stem_of(self._made.name) if self._made is not None else "objects"
        ask_place(
            self,
            "Save the rows that are left",
            f"{stem}_filtered.csv",
            "Table (*.csv)",
            self._save_rows,
        )

    def _save_rows(self, path: str) -> None:
        try:
            written = self.objects.save_rows(path)
        except InputError as error:
            self.status.refuse(error)
            return
        self.status.say(f"Wrote {written}.")

    def _ask_folder(self) -> None:
        try:
            self._required()
        except InputError as error:
            self.status.refuse(error)
            return
        stem = stem_of(self._made.name) if self._made is not None else "objects"
        ask_new_folder(self, "Save the measurement", f"{stem}_measured", self._save)

    def _save(self, path: str) -> None:
        measured, keep = self._required(), str(self.objects.filter)
        self.status.run(
            "Save",
            lambda progress, should_stop: save_measured(measured, Path(path), keep),
            lambda folder: self.status.say(f"Wrote {folder}."),
        )
