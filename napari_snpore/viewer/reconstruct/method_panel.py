"""Panel of the reconstruction method and its options; options of other methods are hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout

from napari_snpore.errors import InputError
from napari_snpore.study.recipe import ReconstructSection
from napari_snpore.tomography.discrete.blur_search import BlurEstimate
from napari_snpore.tomography.options import (
    METHODS,
    Cgls,
    Dart,
    Filter,
    Method,
    Options,
    Sirt,
    Stoppable,
    Tv,
    Wbp,
    option_names,
)
from napari_snpore.viewer.forms.form import CountBox, Fold, NumberBox, TextBox
from napari_snpore.viewer.reconstruct.blur_panel import BlurPanel

_METHODS = {
    "tv": "TV (total variation, with the blur)",
    "sirt": "SIRT",
    "wbp": "WBP (weighted backprojection)",
    "cgls": "CGLS (conjugate gradients)",
    "dart": "DART (few grey values)",
}
_TIP = (
    "TV: flat phases with sharp edges; the blur of the images is part of the model. Fractions nearest to the truth.\n"
    "SIRT: iterative and robust, assumes nothing about the specimen; blur stays in, so that pores read too small.\n"
    "WBP: direct and fast; noise and streaks stay in.\n"
    "CGLS: like SIRT in a third of the iterations; noise comes back sooner.\n"
    "DART: assumes one grey value per phase; only for specimens for which that holds."
)


class MethodPanel(QFormLayout):
    """Rows *Method*, *Stop*, *Iterations* and what the method alone has; ``more`` holds the rare
    ones.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.method = QComboBox()
        for key, words in _METHODS.items():
            self.method.addItem(words, key)
        self.method.setToolTip(_TIP)
        self.stop = QComboBox()
        self.stop.addItem("after iterations", "iterations")
        self.stop.addItem("at the noise level", "noise")
        self.stop.setToolTip(
            "At the noise level: stops as soon as the volume explains the images up to their noise; more iterations\n"
            "would only fit the noise."
        )
        self.iterations = CountBox(
            Tv().iterations,
            1,
            5000,
            tip="More iterations sharpen the volume and raise its noise; TV ends where the volume has converged.",
        )
        self.filter = QComboBox()
        self.filter.addItems(get_args(Filter))
        self.filter.setToolTip(
            "Filter of the backprojection: the ramp, or the ramp times a window that lowers both noise and resolution."
        )
        self.tv_weight = NumberBox(
            0.0,
            0.0,
            1e9,
            step=0.1,
            decimals=3,
            tip=(
                "Strength of the smoothing, in grey units: a larger λ gives a smoother volume. Lowest value: taken from\n"
                "the noise of the images."
            ),
        )
        self.tv_weight.setSpecialValueText("from the data")
        self.blur = BlurPanel()
        self.blur_mode, self.blur_px = self.blur.mode, self.blur.pixels  # for saved windows
        self.reweight = QCheckBox("keep edges (reweight)")
        self.reweight.setChecked(Tv().reweight)
        self.reweight.setToolTip(
            "Smooths less where edges were found, again every few iterations: thin walls and small pores keep their\n"
            "grey value. Off: plain TV, which rounds them off."
        )
        self.levels = TextBox()
        self.levels.setPlaceholderText("3 levels, from the data")
        self.levels.setToolTip(
            "The number of grey values, or the values themselves with vacuum first, such as 0, 1, 12."
        )
        self.addRow("Method", self.method)
        self.addRow("Stop", self.stop)
        self.addRow("Iterations", self.iterations)
        self.addRow("Filter", self.filter)
        self.addRow("Blur", self.blur)
        self.addRow("Edges", self.reweight)
        self.addRow("Weight λ", self.tv_weight)
        self.addRow("Grey values", self.levels)
        self.more = Fold("More")
        self.nonnegative = QCheckBox("no negative grey values")
        self.nonnegative.setChecked(True)
        self.nonnegative.setToolTip(
            "Sets negative grey values to 0 while iterating, because no matter scatters a negative amount. The vacuum\n"
            "stays at 0."
        )
        self.thickness = CountBox(
            0,
            0,
            100_000,
            tip="Size of the volume along the beam. Lowest value: as many voxels as the image is wide.",
        )
        self.thickness.setSpecialValueText("as wide as the image")
        self.more.form.addRow(self.nonnegative)
        self.more.form.addRow("Thickness (voxels)", self.thickness)
        self.method.currentIndexChanged.connect(self._on_method)
        self.stop.currentIndexChanged.connect(self._on_stop)
        for box in (self.iterations, self.thickness, self.tv_weight):
            box.valueChanged.connect(self.changed)
        self.filter.currentIndexChanged.connect(self.changed)
        for check in (self.nonnegative, self.reweight):
            check.toggled.connect(self.changed)
        self.blur.changed.connect(self.changed)
        self.levels.editingFinished.connect(self.changed)
        self._on_method()

    @property
    def key(self) -> Method:
        """The method as ``reconstruct`` calls it."""
        key: Method = self.method.currentData()
        return key

    def section(self) -> ReconstructSection:
        """Return the settings.

        Raises
        ------
        InputError
            Grey values that are no numbers.
        """
        key = self.key
        return ReconstructSection.model_validate(
            {"method": key, "thickness_px": self.thickness.value() or None, key: self._options()}
        )

    def section_of_run(self) -> tuple[ReconstructSection, BlurEstimate | None]:
        """Return the settings with a blur that is left to the images, and what was found in
        them.
        """
        section = self.section()
        if section.tv is None or self.blur.mode.currentData() != "auto":
            return section, None
        options = replace(section.tv, blur_px="auto")
        return section.model_copy(update={"tv": options}), self.blur.estimate

    def _options(self) -> Options:
        """Return the options of the chosen method."""
        iterations, nonnegative = self.iterations.value(), self.nonnegative.isChecked()
        stop: Any = self.stop.currentData()
        match self.key:
            case "wbp":
                return Wbp(filter=self.filter.currentText())  # type: ignore[arg-type]
            case "sirt":
                return Sirt(iterations=iterations, stop=stop, nonnegative=nonnegative)
            case "cgls":
                return Cgls(iterations=iterations, stop=stop, nonnegative=nonnegative)
            case "tv":
                return Tv(
                    iterations=iterations,
                    weight=self.tv_weight.value() or None,
                    blur_px=self.blur.blur_px,
                    reweight=self.reweight.isChecked(),
                    nonnegative=nonnegative,
                )
            case _:
                return Dart(iterations=iterations, gray_levels=_levels(self.levels.text()))

    def _on_method(self) -> None:
        key = self.key
        self.iterations.blockSignals(True)
        self.iterations.setValue(self._usual(key))
        self.iterations.blockSignals(False)
        taken = option_names(key)
        for widget, name in (
            (self.stop, "stop"),
            (self.iterations, "iterations"),
            (self.filter, "filter"),
            (self.blur, "blur_px"),
            (self.reweight, "reweight"),
            (self.tv_weight, "weight"),
            (self.levels, "gray_levels"),
        ):
            self.setRowVisible(widget, name in taken)
        self.nonnegative.setEnabled("nonnegative" in taken)
        self._name_iterations()
        self.changed.emit()

    def _on_stop(self) -> None:
        self._name_iterations()
        self.iterations.setValue(self._usual(self.key))
        self.changed.emit()

    def _name_iterations(self) -> None:
        """Say whether the iterations are those done, or the most where something else ends them."""
        taken = option_names(self.key)
        ends = "tolerance" in taken or ("stop" in taken and self.stop.currentData() == "noise")
        label = self.labelForField(self.iterations)
        label.setText("At most" if ends else "Iterations")  # type: ignore[union-attr]
        self.iterations.setSuffix(" iterations" if ends else "")

    def _usual(self, key: Method) -> int:
        """Return the default number of iterations of a method; 1 for WBP, whose row is hidden."""
        method = METHODS[key]
        if issubclass(method, Stoppable):
            return method(stop=self.stop.currentData()).limit
        return getattr(method(), "iterations", 1)


def _levels(words: str) -> int | tuple[float, ...]:
    """Read a number of grey values, or the values."""
    parts = words.replace(";", ",").split(",") if "," in words or ";" in words else words.split()
    try:
        numbers = [float(part) for part in parts if part.strip()]
    except ValueError:
        raise InputError(
            f"Grey values are '{words}'; numbers such as 0, 1, 12 are needed, or how many."
        ) from None
    if not numbers:
        return Dart().gray_levels
    return int(numbers[0]) if len(numbers) == 1 and numbers[0].is_integer() else tuple(numbers)
