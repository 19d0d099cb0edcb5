"""Settings of polishing, what it changed, and whether the polished phases are of the present
thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari_snpore.study.recipe import PolishSection
from napari_snpore.viewer.forms.form import CountBox, Fold, NumberBox, ResultText, percent


@dataclass(frozen=True)
class PolishedShares:
    """Shares of the phases (0 to 1) of the thresholds and after polishing, and what it changed as
    rich text.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]
    lines: tuple[str, ...]

    def as_state(self) -> dict[str, Any]:
        """Return the shares as JSON values."""
        return {"before": list(self.before), "after": list(self.after), "lines": list(self.lines)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any] | None) -> PolishedShares | None:
        """Return what :meth:`as_state` returned once."""
        if not state:
            return None
        return cls(
            tuple(map(float, state["before"])),
            tuple(map(float, state["after"])),
            tuple(map(str, state["lines"])),
        )

    def in_words(self, names: Sequence[str]) -> str:
        """Return the shares before and after, per phase.

        Examples
        --------
        >>> PolishedShares((0.40, 0.60), (0.45, 0.55), ()).in_words(["pore", "C"])
        'polished: pore 40.0 → <b>45.0 %</b>, C 60.0 → <b>55.0 %</b>'
        """
        words = [
            f"{name} {percent(before).removesuffix(' %')} → <b>{percent(after)}</b>"
            for name, before, after in zip(names, self.before, self.after, strict=True)
        ]
        return f"polished: {', '.join(words)}"

    def as_sentence(self, names: Sequence[str]) -> str:
        """Return the same as a sentence without markup.

        Examples
        --------
        >>> PolishedShares((0.40,), (0.45,), ()).as_sentence(["pore"])
        'Polished: pore 40.0 → 45.0 %.'
        """
        words = self.in_words(names).replace("<b>", "").replace("</b>", "")
        return f"{words[0].upper()}{words[1:]}."


class PolishPanel(Fold):
    """Rows *Boundary weight* and *Sweeps*; the button *Polish* stands beside *Apply*."""

    def __init__(self) -> None:
        super().__init__("Polish")
        usual = PolishSection()
        self.boundary_weight = NumberBox(
            usual.boundary_weight,
            0.0,
            100.0,
            step=0.05,
            tip=(
                "Cost of two unlike voxels beside each other (log-likelihood): a larger one gives smoother boundaries. It\n"
                "depends on the shapes, not on the images; the default was found on phantoms of several kinds."
            ),
        )
        self.sweeps = CountBox(
            usual.sweeps,
            1,
            50,
            tip=(
                "Greatest number of sweeps over all voxels at boundaries between phases; it ends earlier where nothing\n"
                "changes."
            ),
        )
        self.form.addRow("Boundary weight", self.boundary_weight)
        self.form.addRow("Sweeps (at most)", self.sweeps)
        self.words = ResultText(
            "Each sweep gives every boundary voxel the phase with which the tilt images are explained best. R is the\n"
            "mean squared difference between model and images in units of their noise: 1 where only noise is left."
        )
        self.form.addRow(self.words)

    def section(self) -> PolishSection:
        """Return what is set; the button asks for polishing whatever *auto* would say."""
        return PolishSection(
            enabled=True, boundary_weight=self.boundary_weight.value(), sweeps=self.sweeps.value()
        )
