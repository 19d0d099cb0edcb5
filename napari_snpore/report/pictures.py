"""Pictures of a report: the figures of a folder, and slices and turned views drawn where there are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_snpore.compute import ShouldStop
from napari_snpore.errors import FileFormatError
from napari_snpore.files import read_volume
from napari_snpore.files.guarded_reading import bounded_bytes
from napari_snpore.report.content import Block, Picture, Sentences, Words
from napari_snpore.report.private_paths import (
    png_size,
    png_without_metadata,
    svg_without_metadata,
    without_folders,
)
from napari_snpore.report.run_folder import FinishedRun
from napari_snpore.study.states.comparison_figures import SLICES
from napari_snpore.study.states.state_pictures import state_pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LARGEST = 2**26
_SVG_SIZE = re.compile(rb"<svg[^>]*?\bwidth=\"([\d.]+)pt\"[^>]*?\bheight=\"([\d.]+)pt\"|"
                       rb"<svg[^>]*?\bheight=\"([\d.]+)pt\"[^>]*?\bwidth=\"([\d.]+)pt\"", re.DOTALL)  # fmt: skip
_PT_TO_PX = 300 / 72  # figures are drawn at 300 dots per inch: sizes of SVG and PNG are alike

_CAPTIONS = {
    "slice_pair": (
        "One cross-section: grey values beside the phases.",
        "Two images of one slice side by side, grey values and coloured phases, with a scale bar.",
    ),
    "slices_grey": (
        "Three orthogonal slices of the reconstruction; orange marks show where the others lie.",
        "Grey slices XY, XZ and YZ through the volume, with a scale bar and a grey scale.",
    ),
    "slices_phases": (
        "The same slices as phases; hatched: outside of the envelope.",
        "Slices XY, XZ and YZ of the coloured phases, with a scale bar and a legend.",
    ),
    "fractions": (
        "Volume fractions of the whole and of the cubes, with intervals where they are known.",
        "Stacked bars of the volume fractions of each phase by region.",
    ),
    "histogram": (
        "Histogram of the grey values with the thresholds.",
        "Histogram of grey values with a vertical line for each threshold and the phases between.",
    ),
    "truth": (
        "Measured numbers against the planted truth of the phantom.",
        "Plots of measured against true numbers for each stage of the work.",
    ),
    "projection_residual": (
        "Residual of the images over all thresholds; marked: what the images allow.",
        "Residual over the thresholds, with those in use marked.",
    ),
    "tilt_images": (
        "Images of the tilt series.",
        "Some projections of the specimen from the first to the last tilt, with a scale bar.",
    ),
    "sinogram": (
        "One row of all images before and after alignment.",
        "Two sinograms, rows of the tilt images over the angle, before and after alignment.",
    ),
    "alignment": (
        "Shifts of the images and what is left of them.",
        "Plots of the shifts along both image axes and of the residual over the tilt angle.",
    ),
    "blur": (
        "Residual of the images for each blur that was tried.",
        "Curve of the residual over the standard deviation of the blur, with its minimum marked.",
    ),
    "residual": (
        "Residual and mass of each image, and the course of the reconstruction.",
        "Plots of the residual and the mass over the tilt angle and of the residual over iterations.",
    ),
    "fourier_shell_correlation": (
        "Correlation of the volumes from even and odd tilts, by direction, with the half-bit curve.",
        "Curves of the Fourier shell correlation over the spatial frequency.",
    ),
    "detection_limit": (
        "Share of planted clusters that were found, against their diameter.",
        "Curve of the recall over the diameter of planted clusters.",
    ),
}
_STUDY_CAPTIONS = {
    "slices": (
        "The middle slice of each state across its fibre, all at one scale; hatched: outside of the envelope.",
        "One slice per state with its coloured phases, side by side, each with the same scale bar.",
    ),
    "bars": (
        "Fractions of the states with their intervals.",
        "Bars of the fractions of each state, with intervals.",
    ),
    "sizes": (
        "Sizes of the Sn clusters of all states over each other.",
        "Overlaid distributions of the sizes of Sn clusters, one line per state.",
    ),
    "pores": (
        "Sizes of the pores of all states over each other.",
        "Overlaid distributions of the sizes of pores, one line per state.",
    ),
    "curves": (
        "Radial profiles and other curves of all states.",
        "Curves over the depth below the surface and over other lengths, one line per state.",
    ),
    "differences": (
        "Differences between the states with their intervals.",
        "A point with its interval for each difference, and a line at zero.",
    ),
    "comparison": (
        "The plate of the comparison.",
        "All panels of the comparison on one sheet, states in their order.",
    ),
}
_ON_THE_PLATE = ("comparison", "table")
"""Figures of a comparison that repeat its other figures and the tables of the report."""

_ORDER = (*_CAPTIONS, *_STUDY_CAPTIONS)
_DRAWN = ("slice_pair", "slices_grey", "slices_phases")


def slice_blocks(run: FinishedRun) -> Iterator[Block]:
    """Yield the orthogonal slices: the figures of the run, else drawn from its volumes, else a sentence."""
    found = {path.stem for path in _figure_files(run.folder)}
    shown = [name for name in _DRAWN if name in found]
    if shown:
        for name in shown:
            yield picture_of(run.folder / "figures", name)
        return
    from napari_snpore.figures import ortho_slices, phase_slices

    gray = run.volume_path("reconstruction")
    if gray is not None:
        yield drawn_picture("slices_grey", ortho_slices(read_volume(gray)))
    if run.phases is not None:
        yield drawn_picture("slices_phases", phase_slices(run.phases, scheme=run.scheme))
    if gray is None and run.phases is None:
        yield Words("No slices: the volumes of the run are not in its folder any more.", "absent")


def turned_blocks(run: FinishedRun, should_stop: ShouldStop | None = None) -> Iterator[Block]:
    """Yield three views of the phases in 3D; a sentence where the phases are not there."""
    if run.phases is None:
        yield Words(
            "No views in 3D: the phases of the run are not in its folder any more.", "absent"
        )
        return
    from napari_snpore.figures import turned_views
    from napari_snpore.figures.ray_views import stride_of

    names = run.scheme.names
    solid = list(names[1:] if len(names) > 1 else names)
    stride = stride_of(run.phases.shape)
    coarse = f" Every {stride}. voxel is drawn." if stride > 1 else ""
    clear = f"; {', '.join(solid[:-1])} translucent" if len(solid) > 1 else ""
    left_out = f", {names[0]} left out" if len(names) > 1 else ""
    turned = turned_views(run.phases, scheme=run.scheme, should_stop=should_stop)
    yield drawn_picture(
        "turned_views",
        turned,
        caption=f"The phases in 3D, turned about the fibre: {solid[-1]} opaque{clear}{left_out}.{coarse}",
        alt=f"Three renderings of the specimen, turned by 0°, 60° and 120°, showing {' and '.join(solid)}.",
    )


def other_figures(run: FinishedRun) -> Iterator[Block]:
    """Yield the remaining figures of a run in reading order; a sentence where there are none."""
    names = [path.stem for path in _figure_files(run.folder) if path.stem not in _DRAWN]
    if not names:
        yield Words("No plots: the recipe of the run asked for no figures.", "absent")
    for name in _in_order(names):
        yield picture_of(run.folder / "figures", name)


def study_figures(
    folder: Path,
    states: Mapping[str, Sequence[str]] | None = None,
    runs: Mapping[tuple[str, str], Path] | None = None,
) -> Iterator[Block]:
    """Yield the figures of a study; a sentence where there are none. The plate of all of them is
    shown where it is alone.

    ``states``, ``runs``: names of the fibres by state and the folders of their runs, of which slices
    are drawn where the folder has no figure of them.
    """
    names = [path.stem for path in _figure_files(folder)]
    if states and SLICES not in names:
        pictures = state_pictures(states, runs=runs)
        if panels := pictures.panels():
            from napari_snpore.figures.plate_layout import plate

            yield drawn_picture(SLICES, plate([panels]))
        if pictures.left_out:
            yield Sentences(tuple(map(without_folders, pictures.left_out)))
    if not names:
        yield Words("No figures: this folder holds none.", "absent")
    parts = [name for name in names if name not in _ON_THE_PLATE]
    for name in _in_order(parts or names):
        yield picture_of(folder / "figures", name)


def _figure_files(folder: Path) -> list[Path]:
    """Return one file per figure, by name."""
    found = {
        path.stem: path
        for path in sorted((folder / "figures").glob("*.*"), reverse=True)
        if path.suffix in (".png", ".svg", ".pdf")
    }
    return [found[name] for name in sorted(found)]


def _in_order(names: list[str]) -> list[str]:
    def place(name: str) -> tuple[int, str]:
        known = name if name in _ORDER else "fractions" if name.startswith("objects_") else ""
        return (_ORDER.index(known) if known else len(_ORDER), name)

    return sorted(dict.fromkeys(names), key=place)


def picture_of(figures: Path, name: str) -> Block:
    """Return a figure by its name, without metadata; a sentence where it is there as PDF alone, or
    cannot be read.
    """
    caption, alt = words_of(name)
    try:
        png, svg = _content(figures / f"{name}.png"), _content(figures / f"{name}.svg")
        png = None if png is None else png_without_metadata(png)
        svg = None if svg is None else svg_without_metadata(svg)
        if png is not None:
            size = png_size(png)
        elif svg is not None:
            size = _svg_size(svg)
        else:
            return Words(
                f"The figure {name} is there as PDF alone, which a page cannot show: figures/{name}.pdf.",
                "absent",
            )
    except FileFormatError as error:
        return Words(f"The figure {name} is left out. {error}", "absent")
    return Picture(name, caption, alt, png, svg, size)


def words_of(name: str) -> tuple[str, str]:
    """Return caption and text for those who do not see a figure, by its name."""
    known = _CAPTIONS.get(name) or _STUDY_CAPTIONS.get(name)
    if known is not None:
        return known
    if name.startswith("objects_"):
        what = name.removeprefix("objects_").replace("_", " ")
        return (
            f"Sizes of the {what} objects: length, width and aspect ratio.",
            f"Histograms of length, width and aspect ratio of the {what} objects.",
        )
    text = name.replace("_", " ")
    return f"{text[0].upper()}{text[1:]}.", f"Figure: {text}."


def _content(path: Path) -> bytes | None:
    return bounded_bytes(path, _LARGEST, what="a figure") if path.is_file() else None


def _svg_size(content: bytes) -> tuple[int, int]:
    found = _SVG_SIZE.search(content[:4096])
    if found is None:
        raise FileFormatError("The figure is not a readable SVG: it states no size.")
    width, height = (float(side) for side in (found[1] or found[4], found[2] or found[3]))
    return round(width * _PT_TO_PX), round(height * _PT_TO_PX)


def drawn_picture(name: str, figure: Figure, *, caption: str = "", alt: str = "") -> Picture:
    """Return a figure that was drawn for the report; caption and text by its name where not given."""
    from napari_snpore.figures.save import png_bytes

    content = png_without_metadata(png_bytes(figure))
    known = words_of(name)
    return Picture(name, caption or known[0], alt or known[1], content, None, png_size(content))
