"""Group *Corrections by hand* of the Measure form."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QPushButton

from napari_snpore.viewer.forms.form import Fold, ResultText

_PAINT = """Brush, fill and polygon of napari on the layer of phases count as well: fractions, boxes and objects follow, and
Ctrl+Z takes a stroke back. Every correction is in the history of the layer and in all reports."""


class HandPanel(Fold):
    """Buttons *Merge*, *Split*, *Delete*, *Undo*, *Redo*, and what was corrected.

    Signals
    -------
    wants_merge, wants_split : bool
        The next click, or line, in the picture is meant for it; False: no more.
    wants_delete : int
        Label of the phase that the chosen object becomes.
    wants_undo, wants_redo
    """

    wants_merge = Signal(bool)
    wants_split = Signal(bool)
    wants_delete = Signal(int)
    wants_undo = Signal()
    wants_redo = Signal()

    def __init__(self) -> None:
        super().__init__("Corrections by hand")
        self.merge_button = QPushButton("Merge …")
        self.merge_button.setToolTip(
            "Make two objects one: click the first, press Merge, click the second."
        )
        self.split_button = QPushButton("Split …")
        self.split_button.setToolTip(
            "Cut an object in two: click it, press Split, draw a line across it in a slice. The cut is the plane through the\n"
            "line along the viewing direction, on beyond its ends: every voxel goes to the side on which it lies."
        )
        for button, signal in (
            (self.merge_button, self.wants_merge),
            (self.split_button, self.wants_split),
        ):
            button.setCheckable(True)
            button.toggled.connect(signal)
        self.delete_button = QPushButton("Delete into")
        self.delete_button.setToolTip(
            "Deletes the clicked object: its voxels become the phase in the list beside, and the fractions follow."
        )
        self.into = QComboBox()
        self.into.setToolTip("The phase that the voxels of a deleted object become.")
        self.delete_button.clicked.connect(
            lambda: self.wants_delete.emit(int(self.into.currentData() or 0))
        )
        self.undo_button, self.redo_button = QPushButton("Undo"), QPushButton("Redo")
        self.undo_button.setToolTip(
            "Take the last merge, split or deletion back; without one, the last stroke on the phases (Ctrl+Z)."
        )
        self.redo_button.setToolTip("Make it again (Ctrl+Shift+Z).")
        self.undo_button.clicked.connect(self.wants_undo)
        self.redo_button.clicked.connect(self.wants_redo)
        self.words = ResultText(_PAINT)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.merge_button, 0, 0)
        grid.addWidget(self.split_button, 0, 1)
        grid.addWidget(self.delete_button, 1, 0)
        grid.addWidget(self.into, 1, 1)
        grid.addWidget(self.undo_button, 2, 0)
        grid.addWidget(self.redo_button, 2, 1)
        self.form.addRow(grid)
        self.form.addRow(self.words)

    def show_phases(self, names: Sequence[str], number: int) -> None:
        """Offer the phases that a deleted object can become; the carbon around it first.

        Parameters
        ----------
        names : sequence of str
            Of the phases 1..N; empty where objects are of no phase.
        number : int
            Label of the phase of the objects.
        """
        self.into.clear()
        if not names:
            self.into.addItem("no object", 0)
            return
        # pore becomes the phase above it, any other the one below: carbon for pores and for tin
        usual = number + 1 if number == 1 else number - 1
        for label in sorted(range(1, len(names) + 1), key=lambda one: one != usual):
            if label != number:
                self.into.addItem(names[label - 1], label)
        self.into.addItem("exterior", 0)

    def show_state(self, *, chosen: bool, can_undo: bool, can_redo: bool, of_2d: bool) -> None:
        """Enable what is possible now."""
        self.merge_button.setEnabled(chosen or self.merge_button.isChecked())
        self.split_button.setEnabled((chosen and of_2d) or self.split_button.isChecked())
        self.delete_button.setEnabled(chosen)
        self.undo_button.setEnabled(can_undo)
        self.redo_button.setEnabled(can_redo)

    def release(self) -> None:
        """Wait for no click and no line any more."""
        self.merge_button.setChecked(False)
        self.split_button.setChecked(False)
