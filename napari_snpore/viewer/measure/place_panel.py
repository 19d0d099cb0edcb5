"""Panel of the Measure form for shells, contacts, networks and thickness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from qtpy.QtWidgets import QCheckBox

from napari_snpore.viewer.forms.form import Fold, NumberBox, ResultText
from napari_snpore.viewer.forms.fraction_curve import FractionCurve


@dataclass(frozen=True)
class PlaceOptions:
    """Which tables of place are asked for.

    Parameters
    ----------
    shell_nm : float or None
        Thickness of the shells; None: an eighth of the radius.
    delta_nm : float or None
        δ, the blur of an edge; None: two voxels.
    thickness : bool
        Also local thickness, chords and tortuosity.
    """

    shell_nm: float | None = None
    delta_nm: float | None = None
    thickness: bool = False


class PlacePanel(Fold):
    """Settings and results of shells, contacts, networks and thickness."""

    def __init__(self) -> None:
        super().__init__("Place and connection")
        self.wanted = QCheckBox("shells, contacts, networks")
        self.wanted.setToolTip(
            "Fractions in shells of equal depth below the surface, contacts between phases, connected networks, and\n"
            "how far balls of several radii get into the pores. Takes between some seconds and a minute."
        )
        self.thickness = QCheckBox("and local thickness, chords, tortuosity (slow)")
        self.thickness.setToolTip(
            "Local thickness and chord lengths, which need no separate objects, and tortuosity: how much longer the\n"
            "shortest path from core to surface is than the straight one."
        )
        self.shell = NumberBox(
            0.0,
            0.0,
            1e5,
            step=0.5,
            tip="Thickness of each shell. Lowest value: an eighth of the fibre's radius.",
        )
        self.delta = NumberBox(
            0.0,
            0.0,
            1e4,
            tip=(
                "10-90 % width δ of a blurred edge. A cluster with no pore within δ counts as encapsulated: blur draws a\n"
                "false rim of carbon around tin, so that contact alone says little. Lowest value: two voxels."
            ),
        )
        for box in (self.shell, self.delta):
            box.setSpecialValueText("auto")
        self.result = ResultText(
            "Share of each phase in % of the volume of its shell. Depth is measured from the envelope; the ends at\n"
            "which the box cuts the fibre do not count as surface."
        )
        self.curve = FractionCurve()
        self.curve.setToolTip(
            "Share of each phase in shells of equal depth, from the surface (left) to the core (right)."
        )
        self.form.addRow(self.wanted)
        self.form.addRow(self.thickness)
        self.form.addRow("Shell thickness (nm)", self.shell)
        self.form.addRow("Edge width δ (nm)", self.delta)
        self.form.addRow(self.result)
        self.form.addRow(self.curve)
        self.curve.setVisible(False)
        self._enable(False)
        self.wanted.toggled.connect(self._enable)

    @property
    def options(self) -> PlaceOptions | None:
        """What is asked for; None where nothing is."""
        if not self.wanted.isChecked():
            return None
        return PlaceOptions(
            self.shell.value() or None, self.delta.value() or None, self.thickness.isChecked()
        )

    def show_tables(
        self,
        tables: Mapping[str, pd.DataFrame],
        lines: list[str],
        names: Sequence[str],
        colors: Sequence[str],
    ) -> None:
        """Show the sentences and the profile over depth; without tables, nothing."""
        self.result.show_lines(lines)
        shells = tables.get("shells")
        has_curve = shells is not None and len(shells) > 0
        if shells is not None and has_curve:
            whole = shells[(shells["sector"] == "all") & (shells["voxel_count"] > 0)]
            middle = (whole["depth_from_nm"] + whole["depth_to_nm"]) / 2
            self.curve.show_curves(
                middle,
                [whole[f"{name}_percent"] for name in names],
                list(colors),
                title="depth below the surface (nm), middle of each shell",
            )
            has_curve = len(whole) > 1
        self.curve.setVisible(has_curve)
        self.fit()

    def _enable(self, on: bool) -> None:
        for box in (self.thickness, self.shell, self.delta):
            box.setEnabled(on)
