"""Drawing of a plate from its spec: panels in rows as in the paper.

Rows: 3D scene and slices; subvolumes with their fractions; pair of subvolumes; histogram of grey
values; sizes of objects; table of specimens. A part that cannot be drawn, such as a box outside the
volume, is left out and named in a remark.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.figures.box_pair_panel import BoxPairPanel
from napari_snpore.figures.comparison_plate import comparison_rows
from napari_snpore.figures.cuts import Cut, cropped, cut, plane_named, thick_cut, voxel_at
from napari_snpore.figures.intervals import interval_of
from napari_snpore.figures.panels import ImagePanel, PhasePanel, SlicePanel, in_colors
from napari_snpore.figures.phase_colors import phase_image
from napari_snpore.figures.plate_layout import plate, too_high
from napari_snpore.figures.plate_spec import PARTS, PlateSpec
from napari_snpore.figures.plot_panels import FractionPanel, HistogramPanel
from napari_snpore.figures.slices import limits_of
from napari_snpore.figures.state_table import remark_on, state_table
from napari_snpore.figures.table_panel import TablePanel
from napari_snpore.figures.threshold_panel import ThresholdPanel
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.oblique import oblique_slice
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.subvolume import NamedBox, extract_subvolume
from napari_snpore.volume import Triple, Volume

_BOXES_PER_ROW = 5


@dataclass(frozen=True, eq=False)
class Panels:
    """The panels of a plate in rows, and a sentence for everything that was left out."""

    rows: list[list[Any]]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class DrawnPlate:
    """A drawn plate, and remarks on it: what was left out, and a page that is too high."""

    figure: Figure
    remarks: tuple[str, ...]


def draw_plate(
    spec: PlateSpec, *, dpi: int | None = None, should_stop: ShouldStop | None = None
) -> DrawnPlate:
    """Draw a plate.

    Parameters
    ----------
    spec : PlateSpec
        Contents and style.
    dpi : int, optional
        Dots per inch in place of those of the style, such as fewer for a preview.
    should_stop : callable, optional
        Asked between and within the parts; true raises :class:`~napari_snpore.errors.Stopped`.

    Returns
    -------
    DrawnPlate
        The matplotlib figure, and one sentence for everything that is left out.

    Raises
    ------
    InputError
        No part can be drawn.
    """
    panels = panels_of(spec, should_stop)
    style = spec.style if dpi is None else replace(spec.style, dpi=dpi)
    figure = plate(panels.rows, style=style)
    return DrawnPlate(figure, (*remarks_on(spec, panels), *filter(None, (too_high(figure),))))


def remarks_on(spec: PlateSpec, panels: Panels) -> tuple[str, ...]:
    """Return the remarks on the panels: what was left out, and different specimens on one plate."""
    return tuple(words for words in (*panels.left_out, spec.remark) if words)


def panel_rows(spec: PlateSpec) -> list[list[Any]]:
    """Return the panels of a plate in rows."""
    return panels_of(spec).rows


def panels_of(spec: PlateSpec, should_stop: ShouldStop | None = None) -> Panels:
    """Return the panels of a plate in rows: scene and slices, subvolumes with their fractions,
    histograms, table.

    Raises
    ------
    InputError
        Nothing of it can be drawn.
    """
    left_out: dict[str, str] = {}
    parts = _drawable(spec, left_out)
    scene = [_scene(spec)] if "scene" in parts else []
    first = [*scene, *_slices(spec, parts, left_out)]
    boxes = (
        [panel for box in spec.boxes for panel in _box_slices(spec, box, left_out)]
        if "boxes" in parts
        else []
    )
    if "fractions" in parts:
        boxes += _fractions(spec, left_out)
    rows = [first, *(boxes[k : k + _BOXES_PER_ROW] for k in range(0, len(boxes), _BOXES_PER_ROW))]
    if "pair" in parts:
        rows.append(_pair(spec, left_out))
    if "gray_values" in parts:
        rows.append(_gray_values(spec, should_stop))
    if "histograms" in parts:
        rows.append(_histograms(spec))
    if "states" in parts and spec.comparison is not None:
        rows += comparison_rows(spec.comparison, parts=("bars", "sizes", "differences"))
    if "table" in parts:
        rows.append(_table(spec, should_stop))
    rows = [row for row in rows if row]
    if not rows:
        raise InputError(
            " ".join([*spec.left_out, *left_out.values()])
            or "There is nothing to draw; choose the parts of the plate."
        )
    return Panels(rows, (*spec.left_out, *left_out.values()))


def _drawable(spec: PlateSpec, left_out: dict[str, str]) -> tuple[str, ...]:
    """Return the parts for which the spec holds data; note what the others need."""
    has_volume, has_phases, has_boxes = (
        spec.volume is not None,
        spec.phases is not None,
        bool(spec.boxes),
    )
    needs = {
        "scene": (spec.scene is not None, "It is drawn in a window only."),
        "grey": (has_volume, "A volume is needed."),
        "phases": (has_phases, "Phases are needed."),
        "oblique": (spec.oblique is not None, "The angles of the plane are needed."),
        "boxes": (has_boxes and (has_volume or has_phases), "A box is needed."),
        "fractions": (has_boxes and has_phases, "Phases and a box are needed."),
        "pair": (has_boxes and has_phases, "Phases and two boxes are needed."),
        "gray_values": (has_volume, "A volume is needed."),
        "histograms": (spec.objects is not None, "A table of objects is needed."),
        "table": (
            bool(spec.specimens) or spec.comparison is not None,
            "Phases or a table of objects are needed.",
        ),
        "states": (
            spec.comparison is not None,
            "States are compared in a window; without one 'snpore compare' draws them.",
        ),
    }
    for part in spec.parts:
        if part not in needs:
            raise InputError(f"parts names {part!r}; {', '.join(PARTS)} are possible.")
        if not needs[part][0]:
            left_out[PARTS[part]] = f"Left out: {PARTS[part]}. {needs[part][1]}"
    return tuple(part for part in spec.parts if needs[part][0])


@contextmanager
def _or_left_out(left_out: dict[str, str], what: str) -> Iterator[None]:
    """Note the first problem of a part that cannot be drawn, and continue with the next part."""
    try:
        yield
    except InputError as error:
        left_out.setdefault(what, f"Left out: {what}. {error}")


def _scene(spec: PlateSpec) -> Any:

    scene = spec.scene
    assert scene is not None
    words = "" if scene.nm_per_pixel is not None else "perspective: no scale bar"
    return ImagePanel(
        "3D scene", scene.rgb, scene.nm_per_pixel, scene.scheme, words, scene.color_scale
    )


def _slices(spec: PlateSpec, parts: Sequence[str], left_out: dict[str, str]) -> list[Any]:

    panels: list[Any] = []
    heading = ""
    if "grey" in parts and spec.volume is not None:
        with _or_left_out(left_out, PARTS["grey"]):
            piece = _cut_at(spec, spec.volume, thick=True)
            heading = piece.title
            panels.append(SlicePanel(heading, piece, _limits(spec, piece), colors_of(spec)))
    if "phases" in parts and spec.phases is not None:
        with _or_left_out(left_out, PARTS["phases"]):
            piece = _cut_at(spec, spec.phases, thick=False)
            words = "phases" if piece.title == heading else f"phases, {piece.title}"
            panels.append(PhasePanel(words, piece, spec.shown_scheme or spec.scheme))
    if "oblique" in parts:
        with _or_left_out(left_out, PARTS["oblique"]):
            panels.append(_oblique(spec))
    return panels


def position_of(spec: PlateSpec) -> Triple:
    """Return the world position of the slices: the given one, else the middle of the volume or of
    the phases.
    """
    volume = spec.volume if spec.volume is not None else spec.phases
    if spec.position_nm is not None or volume is None:
        return spec.position_nm or (0.0, 0.0, 0.0)
    z, y, x = (
        o + n // 2 * s for o, n, s in zip(volume.origin, volume.shape, volume.spacing, strict=True)
    )
    return z, y, x


def colors_of(spec: PlateSpec) -> NDArray[np.uint8]:
    """Return the color map, uint8 (256, 3): the given one, else that of the name with the gamma."""
    if spec.colors is not None:
        return spec.colors
    if spec.colormap not in colormaps:
        raise InputError(
            f"colormap is {spec.colormap!r}; the name of a matplotlib color map is needed."
        )
    places = np.linspace(0.0, 1.0, 256) ** spec.gamma
    rgb: NDArray[np.uint8] = np.rint(255 * colormaps[spec.colormap](places)[:, :3]).astype(np.uint8)
    return rgb


def _limits(spec: PlateSpec, piece: Cut) -> tuple[float, float]:
    """Return the grey values at the ends of the color map: the given ones, else percentiles of the
    slice at the position.
    """
    if spec.limits is None and spec.volume is not None:
        with suppress(
            InputError
        ):  # the position lies outside the volume: the limits are those of the box alone
            piece = _cut_at(spec, spec.volume, thick=False)
    return limits_of(spec.limits, [piece.values])


def _painted(spec: PlateSpec, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the colors of the oblique slice."""
    oblique = spec.oblique
    assert oblique is not None
    if oblique.paint is not None:
        return oblique.paint(values)
    if oblique.labels:
        return phase_image(values, oblique.scheme or spec.shown_scheme or spec.scheme)
    return in_colors(values, limits_of(spec.limits, [values]), colors_of(spec))


def _cut_at(spec: PlateSpec, volume: Volume, *, thick: bool) -> Cut:
    """Cut a volume at the position, which has to lie within it along the normal; labels are never
    projected.
    """
    plane = plane_named(spec.plane)
    ends = [
        o + (n - 1) * s for o, n, s in zip(volume.origin, volume.shape, volume.spacing, strict=True)
    ]
    position = position_of(spec)
    point = [float(np.clip(p, o, e)) for p, o, e in zip(position, volume.origin, ends, strict=True)]
    point[plane.normal] = position[plane.normal]
    z, y, x = point
    if thick and spec.projection is not None:
        found = thick_cut(
            volume,
            plane,
            (z, y, x),
            thickness_nm=spec.thickness_nm,
            projection=spec.projection,
        )
    else:
        found = cut(volume, plane, voxel_at(volume, (z, y, x)))
    middle = (position[plane.down], position[plane.right])
    return cropped(found, middle_nm=middle, side_nm=spec.field_nm)


def _oblique(spec: PlateSpec) -> Any:

    oblique = spec.oblique
    assert oblique is not None
    found = oblique_slice(
        oblique.volume,
        center_nm=position_of(spec),
        tilt_deg=oblique.tilt_deg,
        turn_deg=oblique.turn_deg,
        labels=oblique.labels,
    )
    whose = f" of {oblique.name}" if oblique.name else ""
    heading = f"oblique slice{whose}, tilted {oblique.tilt_deg:g}° about x, turned {oblique.turn_deg:g}° about z"
    return ImagePanel(
        heading, _painted(spec, found.image), found.pixel_nm, oblique.scheme, oblique.words
    )


def _box_slices(spec: PlateSpec, box: NamedBox, left_out: dict[str, str]) -> list[Any]:
    """Return the middle slice of a box, grey and phases."""
    panels: list[Any] = []
    size = f"{box.size_nm[plane_named(spec.plane).right]:.3g} nm"
    with _or_left_out(left_out, _name(box)):
        if spec.volume is not None:
            piece = _middle(spec, spec.volume, box)
            panels.append(
                SlicePanel(f"{box.name}, {size}", piece, _limits(spec, piece), colors_of(spec))
            )
        if spec.phases is not None:
            shown = spec.shown_scheme or spec.scheme
            panels.append(PhasePanel(f"{box.name}, phases", _middle(spec, spec.phases, box), shown))
    return panels


def _with_errors(panel: BoxPairPanel, spec: PlateSpec) -> BoxPairPanel:
    """Return a pair with the corrected shares and half of their intervals, where those of all its
    shares are known.
    """
    known = {
        box: {name: interval_of(spec.intervals, box, name, share) for name, share in one.items()}
        for box, one in panel.shares.items()
    }
    every = [one for of_box in known.values() for one in of_box.values()]
    if not every or any(one is None or not math.isfinite(one.low) for one in every):
        return panel
    best = {box: {n: one.best for n, one in row.items() if one} for box, row in known.items()}
    half = {
        box: {n: (one.high - one.low) / 2 for n, one in row.items() if one}
        for box, row in known.items()
    }
    words = "half of the 95 % interval"
    if any(one is not None and one.is_corrected for one in every):
        words += " of the value that a digital twin corrects"
    if not all(one is not None and one.calibrated for one in every):
        words += ", not calibrated"
    return replace(panel, shares=best, errors=half, error_is=words)


def _middle(spec: PlateSpec, volume: Volume, box: NamedBox) -> Cut:

    part = extract_subvolume(volume, center_nm=box.center_nm, size_nm=box.size_nm)
    return cut(part, plane_named(spec.plane), voxel_at(part, None))


def _fractions(spec: PlateSpec, left_out: dict[str, str]) -> list[Any]:

    shares: dict[str, dict[str, float]] = {}
    for box in spec.boxes:
        with _or_left_out(left_out, _name(box)):
            shares[box.name] = _shares(spec, box)
    if not shares:
        return []
    return [FractionPanel("Fractions", shares, scheme=spec.scheme, intervals=spec.intervals)]


def _pair(spec: PlateSpec, left_out: dict[str, str]) -> list[Any]:
    """Return the centre and the edge box side by side, or the first two that lie in the volume."""
    assert spec.phases is not None
    cuts, shares = {}, {}
    for box in sorted(spec.boxes, key=_center_first):
        with _or_left_out(left_out, _name(box)):
            cuts[box.name], shares[box.name] = _middle(spec, spec.phases, box), _shares(spec, box)
        if len(cuts) == 2:
            heading = f"{' and '.join(cuts)}, {next(iter(cuts.values())).plane.name} through the middle of each"
            panel = BoxPairPanel(heading, cuts, shares, scheme=spec.scheme, shown=spec.shown_scheme)
            return [_with_errors(panel, spec)]
    left_out.setdefault(
        "pair", f"Left out: {PARTS['pair']}. Two boxes inside the volume are needed."
    )
    return []


def _center_first(box: NamedBox) -> int:
    name = box.name.lower()
    return 0 if name.startswith("cent") else 1 if name.startswith("edge") else 2


def _shares(spec: PlateSpec, box: NamedBox) -> dict[str, float]:
    assert spec.phases is not None
    part = extract_subvolume(spec.phases, center_nm=box.center_nm, size_nm=box.size_nm)
    table = volume_fractions(part, names=spec.scheme.names)
    return {
        str(name): float(share)
        for name, share in zip(table["name"], table["fraction_percent"], strict=True)
    }


def _name(box: NamedBox) -> str:
    return f"the box '{box.name}'"


def _gray_values(spec: PlateSpec, should_stop: ShouldStop | None) -> list[Any]:

    assert spec.volume is not None
    histogram = gray_histogram(spec.volume, should_stop=should_stop)
    return [ThresholdPanel("Grey values", histogram, spec.thresholds, spec.scheme)]


def _histograms(spec: PlateSpec) -> list[Any]:

    assert spec.objects is not None
    return [
        HistogramPanel(
            spec.noun, spec.objects, column, spec.voxel_nm, spec.crowther_nm, spec.size_limit
        )
        for column in ("length_nm", "width_nm", "aspect_ratio")
    ]


def _table(spec: PlateSpec, should_stop: ShouldStop | None) -> list[Any]:

    if spec.comparison is not None:
        (row,) = comparison_rows(spec.comparison, parts=("table",))
        return row
    table = state_table(spec.specimens, spec.boxes, should_stop=should_stop)
    heading = "Specimens" if len(spec.specimens) > 1 else "Specimen"
    return [TablePanel(heading, table, remark_on(spec.specimens))]
