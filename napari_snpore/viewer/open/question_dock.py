"""A question about a file in a dock: the answer opens the layer, and the dock goes."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtCore import QTimer

from napari_snpore.viewer.forms.docked_form import DockedForm
from napari_snpore.viewer.shared.layers import LayerData, add_layer
from napari_snpore.viewer.shared.worker import InUse

UNKNOWN = "not known"
"""What a box for a size shows at 0."""


class QuestionDock(DockedForm):
    """Base of the forms that ask for what a file does not say."""

    is_step = False

    def _show(self, data: LayerData) -> None:
        layer = add_layer(self._viewer, data)
        self.status.say(f"Opened as '{layer.name}'.", of=InUse(self._viewer, (layer,)))
        self.main_button.setEnabled(False)
        if hasattr(self._viewer, "window"):
            QTimer.singleShot(0, self._remove)

    def _remove(self) -> None:
        """Remove the dock: the question is answered."""
        if isalive(self) and self.parentWidget() is not None:
            self._viewer.window.remove_dock_widget(self)
