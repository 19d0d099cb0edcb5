"""Base class of the forms in docks: rows, main button and status in a column that scrolls.

It opens no dropped files, so that the form that asks about a dropped file can derive from it.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from napari_snpore.viewer.forms.docked_widget import DockedWidget
from napari_snpore.viewer.forms.form import FormScroll, MainButton, form_layout, is_enter
from napari_snpore.viewer.shared.docking import dock_as_tab, keep_docked
from napari_snpore.viewer.shared.worker import StepStatus


class DockedForm(DockedWidget):
    """A form in a dock: rows on top, then whatever is stacked below; Enter presses ``main_button``.

    In a field in which something was typed Enter takes what was typed, and the next Enter presses
    the button. ``column`` scrolls where it is longer than the window is high; what is in ``footer``
    is always visible.

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
        dock_as_tab(self, DockedForm)
        keep_docked(self)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Run the main button on Enter."""
        if event is not None and is_enter(event) and self.main_button.isEnabled():
            self.main_button.click()
            return
        super().keyPressEvent(event)
