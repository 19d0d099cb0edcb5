"""Base classes of the forms: input layer, settings, one main button, result and status, in this order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from napari.layers import Layer
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from napari_snpore.viewer.forms.docked_widget import DockedWidget
from napari_snpore.viewer.forms.form import FormScroll, MainButton, form_layout, is_enter
from napari_snpore.viewer.forms.layer_choice import LayerChoice
from napari_snpore.viewer.open.drops import take_drops
from napari_snpore.viewer.shared.docking import keep_docked, stand_as_tab
from napari_snpore.viewer.shared.worker import StepStatus


@dataclass(frozen=True)
class InputLayers:
    """Which layers a widget takes as its input.

    Attributes
    ----------
    fits : callable
        ``fits(layer)``: whether a layer can be chosen.
    what : str
        The noun for refusals, such as "volume".
    empty : str
        What to do while there is none, such as "Drop a volume here".
    tip : str
        Tooltip of the list of layers; empty for the common one.
    """

    fits: Callable[[Layer], bool]
    what: str
    empty: str
    tip: str = ""

    def choice(self, viewer: Any) -> LayerChoice:
        """Return a new list of the layers of a viewer that fit."""
        made = LayerChoice(viewer, self.fits, empty=self.empty, what=self.what)
        if self.tip:
            made.setToolTip(self.tip)
        return made


class ChosenLayer:
    """Mixin of a widget with one input layer: ``layer``, read and set, and its name in a saved window."""

    _layer_choice: LayerChoice

    @property
    def layer(self) -> Layer | None:
        """The input layer, read and set; None while there is none that fits."""
        return self._layer_choice.layer

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        self._layer_choice.layer = layer

    @property
    def layer_name(self) -> str | None:
        """Name of the input layer, for ``state()``."""
        return None if self.layer is None else self.layer.name

    def choose_saved(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> bool:
        """Choose the layer that ``state()`` has named; return False where that layer is not there."""
        if state.get("layer") not in layers:
            return False
        self.layer = layers[state["layer"]]
        return True


class StepForm(DockedWidget):
    """A form in a dock: rows on top, then whatever is stacked below; Enter presses ``main_button``.

    In a field in which something was typed Enter takes what was typed, and the next Enter presses the button.
    ``column`` scrolls where it is longer than the window is high; what is in ``footer`` is always visible.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        napari passes its own.
    main_button : MainButton
        The form places and connects it.
    """

    def __init__(self, viewer: Any, main_button: MainButton) -> None:
        super().__init__(viewer)
        self.main_button = main_button
        self.status = StepStatus()
        inside = QWidget()
        self.column = QVBoxLayout(inside)
        self.column.setContentsMargins(8, 8, 8, 8)
        self.column.setSpacing(6)
        scroll_area = FormScroll()
        scroll_area.setWidget(inside)
        self.footer = QVBoxLayout()
        self.footer.setContentsMargins(8, 0, 8, 8)
        self.footer.setSpacing(6)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.setSpacing(0)
        around.addWidget(scroll_area, 1)
        around.addLayout(self.footer)

    def rows(self) -> QFormLayout:
        """Add a block of labelled rows and return it."""
        form = form_layout()
        self.column.addLayout(form)
        return form

    def closed(self) -> None:
        """Stop the work that runs."""
        self.status.drop()

    def _on_docked(self) -> None:
        stand_as_tab(self, StepForm)
        keep_docked(self)
        take_drops(self, self._viewer)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Run the main button on Enter."""
        if event is not None and is_enter(event) and self.main_button.isEnabled():
            self.main_button.click()
            return
        super().keyPressEvent(event)


class LayerForm(StepForm, ChosenLayer):
    """A form with one input layer.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        napari passes its own.
    inputs : InputLayers
        Which layers can be chosen; ``_layer_choice`` is their list, placed by the form.
    main_button : MainButton
        The form places and connects it.
    """

    def __init__(self, viewer: Any, inputs: InputLayers, main_button: MainButton) -> None:
        super().__init__(viewer, main_button)
        self._layer_choice = inputs.choice(self._viewer)
