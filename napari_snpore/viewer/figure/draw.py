"""A wish as a plate: rows as in the paper. For a thread; matplotlib comes in here, when a figure is drawn.

What cannot be drawn, such as a box outside the volume, is left out and told; the rest is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_snpore.compute import ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.subvolume import extract_subvolume
from napari_snpore.viewer.figure.plate_spec import PARTS, PlateSpec
from napari_snpore.viewer.figure.state_table import remark_on, state_table
from napari_snpore.viewer.shared.boxes import NamedBox
from napari_snpore.viewer.slices.oblique import oblique_slice
from napari_snpore.volume import Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from napari_snpore.figures.cuts import Cut

_BOXES_A_ROW = 5


@dataclass(frozen=True, eq=False)
class Panels:
    """The panels of a plate in rows, and a sentence for everything that was left out."""

    rows: list[list[Any]]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Drawn:
    """A plate, and what the user should know of it: what was left out, and a page that is too high."""

    figure: Figure
    remarks: tuple[str, ...]


def draw_plate(spec: PlateSpec, *, dpi: int | None = None, should_stop: ShouldStop | None = None) -> Drawn:
    """Draw the plate of a wish, in its own dots per inch or in others."""
    from napari_snpore.figures.plate import plate, too_high
    from napari_snpore.figures.style import FigureStyle

    panels = panels_of(spec, should_stop)
    figure = plate(panels.rows, look=FigureStyle(**{**spec.look, **({} if dpi is None else {"dpi": dpi})}))
    return Drawn(figure, (*remarks_on(spec, panels), *filter(None, (too_high(figure),))))


def remarks_on(spec: PlateSpec, panels: Panels) -> tuple[str, ...]:
    """Return what the user should know of the panels: what was left out, and specimens that stand side by side."""
    return tuple(words for words in (*panels.left_out, spec.mixed) if words)


def panel_rows(spec: PlateSpec) -> list[list[Any]]:
    """Return the panels of a wish in rows."""
    return panels_of(spec).rows


def panels_of(spec: PlateSpec, should_stop: ShouldStop | None = None) -> Panels:
    """Return the panels of a wish in rows: scene and slices, subvolumes with their fractions, histograms, table.

    Raises
    ------
    InputError
        Nothing of it can be drawn.
    """
    left_out: dict[str, str] = {}
    scene = [_scene(spec)] if "scene" in spec.parts and spec.scene is not None else []
    first = [*scene, *_slices(spec, left_out)]
    boxes = [panel for box in spec.boxes for panel in _box_slices(spec, box, left_out)] if "boxes" in spec.parts else []
    if "fractions" in spec.parts:
        boxes += _fractions(spec, left_out)
    rows = [first, *(boxes[k : k + _BOXES_A_ROW] for k in range(0, len(boxes), _BOXES_A_ROW))]
    if "pair" in spec.parts:
        rows.append(_pair(spec, left_out))
    plots = [*_gray_values(spec, should_stop)] if "gray_values" in spec.parts else []
    rows += [plots, _histograms(spec), _table(spec, should_stop)]
    rows = [row for row in rows if row]
    if not rows:
        raise InputError(
            " ".join([*spec.left_out, *left_out.values()])
            or "There is nothing to draw; tick what the plate shall show."
        )
    return Panels(rows, (*spec.left_out, *left_out.values()))


@contextmanager
def _or_left_out(left_out: dict[str, str], what: str) -> Iterator[None]:
    """Note what cannot be drawn, once, and go on."""
    try:
        yield
    except InputError as error:
        left_out.setdefault(what, f"Left out: {what}. {error}")


def _scene(spec: PlateSpec) -> Any:
    from napari_snpore.figures.panels import ImagePanel

    scene = spec.scene
    assert scene is not None
    words = "" if scene.nm_per_pixel is not None else "perspective: no scale bar"
    return ImagePanel("3D scene", scene.rgb, scene.nm_per_pixel, scene.scheme, words)


def _slices(spec: PlateSpec, left_out: dict[str, str]) -> list[Any]:
    from napari_snpore.figures.panels import PhasePanel, SlicePanel

    panels: list[Any] = []
    heading = ""
    if "grey" in spec.parts and spec.volume is not None and spec.colors is not None:
        with _or_left_out(left_out, PARTS["grey"]):
            piece = _cut_at(spec, spec.volume, thick=True)
            heading = piece.title
            panels.append(SlicePanel(heading, piece, spec.limits, spec.colors))
    if "phases" in spec.parts and spec.phases is not None:
        with _or_left_out(left_out, PARTS["phases"]):
            piece = _cut_at(spec, spec.phases, thick=False)
            words = "phases" if piece.title == heading else f"phases, {piece.title}"
            panels.append(PhasePanel(words, piece, spec.seen or spec.scheme))
    if spec.oblique is not None:
        with _or_left_out(left_out, PARTS["oblique"]):
            panels.append(_oblique(spec))
    return panels


def _cut_at(spec: PlateSpec, volume: Volume, *, thick: bool) -> Cut:
    """Cut a volume where the window is, which must lie within it along the normal; labels stay single slices."""
    from napari_snpore.figures.cuts import cropped, cut, plane_named, thick_cut, voxel_at

    plane = plane_named(spec.plane)
    ends = [o + (n - 1) * s for o, n, s in zip(volume.origin, volume.shape, volume.spacing, strict=True)]
    point = [float(np.clip(p, o, e)) for p, o, e in zip(spec.position_nm, volume.origin, ends, strict=True)]
    point[plane.normal] = spec.position_nm[plane.normal]
    z, y, x = point
    if thick and spec.projection is not None:
        found = thick_cut(
            volume,
            plane,
            (z, y, x),
            thickness_nm=spec.thickness_nm,
            projection=spec.projection,  # type: ignore[arg-type]
        )
    else:
        found = cut(volume, plane, voxel_at(volume, (z, y, x)))
    middle = (spec.position_nm[plane.down], spec.position_nm[plane.right])
    return cropped(found, middle_nm=middle, side_nm=spec.field_nm)


def _oblique(spec: PlateSpec) -> Any:
    from napari_snpore.figures.panels import ImagePanel

    wanted = spec.oblique
    assert wanted is not None
    found = oblique_slice(
        wanted.volume,
        center_nm=spec.position_nm,
        tilt_deg=wanted.tilt_deg,
        turn_deg=wanted.turn_deg,
        labels=wanted.labels,
    )
    whose = f" of {wanted.name}" if wanted.name else ""
    heading = f"oblique slice{whose}, tilted {wanted.tilt_deg:g}° about x, turned {wanted.turn_deg:g}° about z"
    return ImagePanel(heading, wanted.paint(found.image), found.pixel_nm, wanted.scheme, wanted.words)


def _box_slices(spec: PlateSpec, box: NamedBox, left_out: dict[str, str]) -> list[Any]:
    """Return the middle slice of a box, grey and phases."""
    from napari_snpore.figures.cuts import plane_named
    from napari_snpore.figures.panels import PhasePanel, SlicePanel

    panels: list[Any] = []
    size = f"{box.size_nm[plane_named(spec.plane).right]:.3g} nm"
    with _or_left_out(left_out, _name(box)):
        if spec.volume is not None and spec.colors is not None:
            panels.append(SlicePanel(f"{box.name}, {size}", _middle(spec, spec.volume, box), spec.limits, spec.colors))
        if spec.phases is not None:
            seen = spec.seen or spec.scheme
            panels.append(PhasePanel(f"{box.name}, phases", _middle(spec, spec.phases, box), seen))
    return panels


def _middle(spec: PlateSpec, volume: Volume, box: NamedBox) -> Cut:
    from napari_snpore.figures.cuts import cut, plane_named, voxel_at

    part = extract_subvolume(volume, center_nm=box.center_nm, size_nm=box.size_nm)
    return cut(part, plane_named(spec.plane), voxel_at(part, None))


def _fractions(spec: PlateSpec, left_out: dict[str, str]) -> list[Any]:
    from napari_snpore.figures.plot_panels import FractionPanel

    shares: dict[str, dict[str, float]] = {}
    for box in spec.boxes:
        with _or_left_out(left_out, _name(box)):
            shares[box.name] = _shares(spec, box)
    return [FractionPanel("Fractions", shares, scheme=spec.scheme)] if shares else []


def _pair(spec: PlateSpec, left_out: dict[str, str]) -> list[Any]:
    """Return the centre and the edge box side by side, or the first two that lie in the volume."""
    from napari_snpore.figures.box_pair_panel import BoxPairPanel

    assert spec.phases is not None
    cuts, shares = {}, {}
    for box in sorted(spec.boxes, key=_center_first):
        with _or_left_out(left_out, _name(box)):
            cuts[box.name], shares[box.name] = _middle(spec, spec.phases, box), _shares(spec, box)
        if len(cuts) == 2:
            heading = f"{' and '.join(cuts)}, {next(iter(cuts.values())).plane.name} through the middle of each"
            return [BoxPairPanel(heading, cuts, shares, scheme=spec.scheme, shown=spec.seen)]
    left_out.setdefault("pair", f"Left out: {PARTS['pair']}. Two boxes inside the volume are needed.")
    return []


def _center_first(box: NamedBox) -> int:
    name = box.name.lower()
    return 0 if name.startswith("cent") else 1 if name.startswith("edge") else 2


def _shares(spec: PlateSpec, box: NamedBox) -> dict[str, float]:
    assert spec.phases is not None
    part = extract_subvolume(spec.phases, center_nm=box.center_nm, size_nm=box.size_nm)
    table = volume_fractions(part, names=spec.scheme.names)
    return {str(name): float(share) for name, share in zip(table["name"], table["fraction_percent"], strict=True)}


def _name(box: NamedBox) -> str:
    return f"the box '{box.name}'"


def _gray_values(spec: PlateSpec, should_stop: Callable[[], bool] | None) -> list[Any]:
    from napari_snpore.figures.threshold_panel import ThresholdPanel
    from napari_snpore.segmentation.histogram import gray_histogram

    assert spec.volume is not None
    histogram = gray_histogram(spec.volume, should_stop=should_stop)
    return [ThresholdPanel("Grey values", histogram, spec.thresholds, spec.scheme)]


def _histograms(spec: PlateSpec) -> list[Any]:
    from napari_snpore.figures.plot_panels import HistogramPanel

    if "histograms" not in spec.parts or spec.objects is None:
        return []
    return [
        HistogramPanel(spec.noun, spec.objects, column, spec.voxel_nm, spec.crowther_nm)
        for column in ("length_nm", "width_nm", "aspect_ratio")
    ]


def _table(spec: PlateSpec, should_stop: ShouldStop | None) -> list[Any]:
    from napari_snpore.figures.table_panel import TablePanel

    if "table" not in spec.parts or not spec.states:
        return []
    table = state_table(spec.states, spec.boxes, should_stop=should_stop)
    heading = "Specimens" if len(spec.states) > 1 else "Specimen"
    return [TablePanel(heading, table, remark_on(spec.states))]
