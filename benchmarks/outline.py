"""Envelope by occlusion and outline on the walls, on fibres whose section is known by a formula.

``python -m benchmarks.outline`` writes the table of ``docs/errors.md`` and ``docs/images/outline.png``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.truth_report import fill_document
from napari_snpore.segmentation.envelope import EnvelopeOptions, make_envelope
from napari_snpore.segmentation.outline import fibre_outline, with_outline
from napari_snpore.volume import Volume

DOCS = Path(__file__).parent.parent / "docs"

SIZE, LENGTH = 96, 24
"""Voxels across the fibre and along it."""

_ROWS, _COLUMNS = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
_RADII, _ANGLES = np.hypot(_ROWS, _COLUMNS), np.arctan2(_ROWS, _COLUMNS)

Radius = Callable[[NDArray[np.float64]], NDArray[np.float64]]

SECTIONS: dict[str, Radius] = {
    "circle": lambda at: np.full_like(at, 38.0),
    "ellipse, 42 by 32": lambda at: 42 * 32 / np.hypot(32 * np.cos(at), 42 * np.sin(at)),
    "three lobes of 3 voxels": lambda at: 38 + 3 * np.cos(3 * at),
}
"""Radius of each section, voxels."""

_WIDE = ((20, 30), (100, 24), (165, 40), (-60, 28), (-120, 20))
MOUTHS = {
    "none": (),
    "five of 10° to 20°": tuple((middle, width / 2) for middle, width in _WIDE),
    "five of 20° to 40°": _WIDE,
}
"""Middle and width of each mouth, degrees."""

_DEPTH = 18.0
"""Distance of the ground of a mouth from the axis, voxels."""


def fibre(radius: Radius, mouths: tuple[tuple[float, float], ...]) -> NDArray[np.uint8]:
    """Return a fibre along axis 1: 0 outside, 1 in its mouths, 2 solid."""
    body = radius(_ANGLES) >= _RADII
    solid = body.copy()
    for middle, width in mouths:
        apart = np.abs((np.degrees(_ANGLES) - middle + 180) % 360 - 180)
        solid &= ~((apart < width / 2) & (_RADII > _DEPTH))
    section = np.where(solid, 2, np.where(body, 1, 0)).astype(np.uint8)
    return np.repeat(section[:, None], LENGTH, axis=1)


def by_occlusion(truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the phases that the rule of the envelope makes of the solid."""
    solid = Volume((truth > 1).astype(np.float32), (0.15, 0.15, 0.15))
    inside = make_envelope(solid, 0.5, EnvelopeOptions(cut_axes=(1,))).mask
    return np.where(truth > 1, 2, inside).astype(np.uint8)


def table() -> str:
    """Return the errors of the volume in a table of Markdown."""
    lines = [
        "| section | mouths | envelope by occlusion | outline on the walls |",
        "| --- | --- | ---: | ---: |",
    ]
    for name, radius in SECTIONS.items():
        for which, mouths in MOUTHS.items():
            truth = fibre(radius, mouths)
            found = by_occlusion(truth)
            inside = fibre_outline(found, 1)
            assert inside is not None
            errors = [
                f"{100 * (np.count_nonzero(one) / np.count_nonzero(truth) - 1):+.1f} %".replace(
                    "-", "−"
                )
                for one in (found, with_outline(found, inside))
            ]
            lines.append(f"| {name} | {which} | {' | '.join(errors)} |")
    return "\n".join(lines)


def draw(path: Path) -> None:
    """Draw a section with the envelope and with the outline."""
    truth = fibre(SECTIONS["ellipse, 42 by 32"], MOUTHS["five of 20° to 40°"])
    found = by_occlusion(truth)
    inside = fibre_outline(found, 1)
    assert inside is not None
    figure = Figure(figsize=(6.4, 2.5), layout="constrained")
    shown = {"Envelope by occlusion": found, "Outline on the walls": with_outline(found, inside)}
    colors = ListedColormap(["#ffffff", "#cfe3f5", "#4a6fa5"])
    for axes, (title, phases) in zip(figure.subplots(1, 2), shown.items(), strict=True):
        axes.imshow(phases[:, LENGTH // 2], cmap=colors, vmin=0, vmax=2, interpolation="nearest")
        axes.contour(truth[:, LENGTH // 2] > 0, [0.5], colors="#c0392b", linewidths=0.9)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
        axes.set_ylim(SIZE - 14, 13)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def main() -> None:
    """Write table and picture."""
    fill_document(DOCS / "errors.md", {"outline": table()})
    draw(DOCS / "images" / "outline.png")


if __name__ == "__main__":
    main()
