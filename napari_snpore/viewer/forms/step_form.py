"""Base classes of the forms: input layer, settings, one main button, result and status, in this
order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from napari.layers import Layer

from napari_snpore.viewer.forms.docked_form import DockedForm
from napari_snpore.viewer.forms.form import MainButton
from napari_snpore.viewer.forms.layer_choice import LayerChoice
from napari_snpore.viewer.shared.drops import take_drops


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
    """Mixin of a widget with one input layer: ``layer``, read and set, and its name in a saved
    window.
    """

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
        """Choose the layer that ``state()`` has named; return False where that layer is not
        there.
        """
        if state.get("layer") not in layers:
            return False
        self.layer = layers[state["layer"]]
        return True


class LayerForm(DockedForm, ChosenLayer):
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
        self._inputs = inputs
        self._layer_choice = inputs.choice(self._viewer)
        self._layer_choice.layer_changed.connect(self._forget_problem)

    def _missing(self) -> str:
        """Return what has to be done before the main button can be pressed; empty where nothing has
        to.
        """
        return "" if self.layer is not None else self._inputs.empty

    def _forget_problem(self) -> None:
        """Take away what was wrong with the layer before."""
        self.status.forget_problem()

    def _on_docked(self) -> None:
        super()._on_docked()
        take_drops(self, self._viewer)
