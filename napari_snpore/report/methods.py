"""The methods paragraph of a run, ready for a paper: what was done, every parameter, whom to cite."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from napari_snpore.history import (
    EnvelopeStep,
    PolishStep,
    ReconstructStep,
    SegmentStep,
    SmoothStep,
)
from napari_snpore.numerals import number, signed, with_error
from napari_snpore.report.recipe_words import METHODS, has_series
from napari_snpore.report.references import Citations
from napari_snpore.report.run_folder import FinishedRun
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.study.measuring import region_size
from napari_snpore.subvolume import edges_in_words, region_in_words

_METHOD_WORKS = {
    "sirt": ("gilbert1972",),
    "cgls": ("hestenes1952",),
    "dart": ("batenburg2011",),
    "wbp": ("radermacher1988",),
    "tv": ("rudin1992", "chambolle2011"),
}
_RULE_WORKS = {
    "projection": ("batenburg2008",),
    "multiotsu": ("otsu1979",),
    "kmeans": ("otsu1979",),
    "valley": ("prewitt1966",),
    "minimum_error": ("kittler1986",),
    "li": ("li1993",),
}
_SMOOTH_WORKS = {"nl_means": ("buades2011",), "tv": ("chambolle2004",)}


def methods_paragraph(run: FinishedRun, cite: Citations) -> str:
    """Return the methods of a run as one paragraph with numbered citations."""
    sentences = [
        *_images(run),
        *_alignment(run),
        *_reconstruction(run, cite),
        *_voxels(run),
        *_resolution(run, cite),
        *_thresholds(run, cite),
        *_envelope(run, cite),
        *_polishing(run, cite),
        *_cleanup(run),
        *_objects(run, cite),
        *_errors(run),
        _software(run, cite),
    ]
    return " ".join(sentences)


def _images(run: FinishedRun) -> Iterator[str]:
    if not has_series(run.recipe):
        made = run.step(ReconstructStep)
        before = "" if made is None else ", by napari-snpore as described below"
        yield f"The analysis starts from a volume that was reconstructed before{before}."
        return
    made = run.step(ReconstructStep)
    table = run.table("reconstruction_residual")
    words = "a tilt series"
    if made is not None and made.tilts is not None:
        words += f" of {made.tilts} images"
    if table is not None and "angle_deg" in table and len(table):
        low, high = float(table["angle_deg"].min()), float(table["angle_deg"].max())
        words += f" from {signed(low, 1)}° to {signed(high, 1)}°"
    if made is not None and made.tilt_step_deg is not None:
        words += f" (mean step {number(made.tilt_step_deg)}°)"
    yield f"The data were {words}."
    prepare = run.recipe.prepare
    done = []
    if prepare.leave_out:
        done.append(f"{len(prepare.leave_out)} images were left out")
    if prepare.repair_pixels:
        done.append("bad pixels were repaired")
    if prepare.crop_px is not None:
        done.append("images were cropped")
    if prepare.bin > 1:
        done.append(f"squares of {prepare.bin} × {prepare.bin} pixels were averaged")
    if prepare.invert:
        done.append("the contrast of bright-field images was inverted")
    if prepare.background != "none":
        level = "" if prepare.background == "auto" else f" of {prepare.background}"
        found = ", found in each image," if prepare.background == "auto" else ""
        done.append(f"the vacuum level{level}{found} was subtracted")
    if prepare.normalize_mass:
        done.append("images were scaled to equal mass")
    if done:
        text = ", ".join(done)
        yield f"{text[0].upper()}{text[1:]}."


def _alignment(run: FinishedRun) -> Iterator[str]:
    if not has_series(run.recipe):
        return
    found = run.result("quality", "alignment")
    if not isinstance(found, dict):
        yield "The series had been aligned before."
        return
    axis, error = found.get("tilt_axis_angle_deg"), found.get("tilt_axis_error_deg")
    words = f"Images were aligned without markers ({str(found.get('method')).replace('_', ' ')})"
    if run.recipe.align.xf is not None:
        words = "Images were aligned as by IMOD"
    if axis is not None:
        angle = with_error(axis, math.nan if error is None else error, 2)
        words += f"; the tilt axis lies at {angle}° from the image's y axis"
    if found.get("tilt_axis_offset_px") is not None:
        words += f", offset {signed(found['tilt_axis_offset_px'], 2)} px"
    residual = [value for value in found.get("residual_px") or () if value is not None]
    if residual:
        words += f", residual {np.median(residual):.2f} px (median over the images)"
    yield f"{words}."


def _reconstruction(run: FinishedRun, cite: Citations) -> Iterator[str]:
    made = run.step(ReconstructStep)
    if made is None:
        return
    works = cite(*_METHOD_WORKS.get(made.method, ()))
    if made.method == "tv":
        again = f", reweighted by the gradient {cite('candes2008')}" if made.reweighted else ""
        words = f"The volume was reconstructed by least squares with total variation in 3D {works}{again}"
    else:
        words = f"The volume was reconstructed by {METHODS.get(made.method, made.method)} {works}"
    details = []
    if made.iterations is not None:
        details.append(f"{made.iterations} iterations")
    if made.tv_weight is not None:
        source = {
            "noise of the images": "from the noise of the images",
            "held-out tilts": "chosen and tested by held-out tilts",
        }.get(str(made.tv_weight_from), f"from: {made.tv_weight_from}")
        details.append(f"λ = {number(made.tv_weight)} grey units, {source}")
    if made.filter is not None:
        details.append(f"{made.filter} filter")
    if made.gray_levels is not None:
        details.append(f"grey levels {', '.join(number(level) for level in made.gray_levels)}")
    if made.nonnegative:
        details.append("non-negative")
    if made.stop == "noise":
        details.append("stopped at the noise of the images")
    yield f"{words} ({', '.join(details)})." if details else f"{words}."
    if made.backend == "astra":
        yield f"Projections were computed by the ASTRA toolbox {cite('vanaarle2016')}."
    if made.blur_px:
        low_high = made.blur_range_px
        ends = f", 95 %: {low_high[0]:.2f} to {low_high[1]:.2f} px" if low_high else ""
        source = {"user": "as given", "images": f"found in the images{ends}"}.get(
            str(made.blur_from), ""
        )
        yield (
            f"The model of the images has a Gaussian blur with a standard deviation of"
            f" {made.blur_px:.2f} px ({source})."
        )
    residual = run.result("quality", "residual")
    if residual is not None:
        yield f"The volume leaves {100 * residual:.1f} % of the norm of the images."


def _voxels(run: FinishedRun) -> Iterator[str]:
    if run.phases is None:
        return
    sides = " × ".join(str(side) for side in run.phases.shape)
    edges = run.phases.spacing
    size = f"{edges[0]:.4g}" if len(set(edges)) == 1 else " × ".join(f"{e:.4g}" for e in edges)
    yield f"The volume has {sides} voxels (z, y, x) of {size} nm."


def _resolution(run: FinishedRun, cite: Citations) -> Iterator[str]:
    made = run.step(ReconstructStep)
    if made is not None and made.crowther_nm is not None and made.thickness_nm is not None:
        words = (
            f"The thickness D is {number(made.thickness_nm)} nm and the guide D·Δθ"
            f" {number(made.crowther_nm)} nm {cite('crowther1970')}"
        )
        stretch = run.result("quality", "wedge_elongation")
        if isinstance(stretch, (int, float)):
            words += f", with an elongation by the missing wedge of {stretch:.2f} {cite('radermacher1988')}"
        yield f"{words}."
    resolution = run.result("quality", "even_odd", "wbp", "resolution_nm", "all")
    if resolution is not None:
        yield (
            "The Fourier shell correlation of WBP volumes from even and odd tilts falls below the"
            f" half-bit curve {cite('vanheel2005')} at {number(resolution)} nm."
        )


def _thresholds(run: FinishedRun, cite: Citations) -> Iterator[str]:
    smooth = run.step(SmoothStep)
    if smooth is not None:
        works = _SMOOTH_WORKS.get(smooth.method)
        mark = f" {cite(*works)}" if works else ""
        method = smooth.method.replace("_", " ")
        yield f"The volume was smoothed ({method}{mark}, strength {smooth.strength:g})."
    made = run.step(SegmentStep)
    values = made.thresholds if made is not None else run.result("segmentation", "thresholds_gray")
    if not values:
        return
    key = str(
        run.result("segmentation", "method") or (made.method if made is not None else "given")
    )
    shown = " and ".join(f"{value:.4g}" for value in values)
    names = f"{', '.join(run.scheme.names[:-1])} and {run.scheme.names[-1]}"
    if key == "given":
        how = "set by hand"
    else:
        works = _RULE_WORKS.get(key)
        how = f"rule: {rule_name(key, len(values) + 1)}{f' {cite(*works)}' if works else ''}"
    what, verb = ("Thresholds", "separate") if len(values) > 1 else ("A threshold", "separates")
    yield f"{what} at {shown} grey units ({how}) {verb} {names}."
    found = run.result("segmentation", "images", "residual")
    if found is not None:
        yield f"There the mean squared residual of the images over their noise is R = {number(found)} (1: noise alone)."


def _envelope(run: FinishedRun, cite: Citations) -> Iterator[str]:
    made = run.step(SegmentStep)
    found: EnvelopeStep | None = None if made is None else made.envelope
    asked = run.recipe.envelope
    if not asked.enabled or (made is not None and found is None):
        yield "Fractions are of the whole box: no envelope was made."
        return
    ray = asked.ray_length_nm if found is None else found.ray_length_nm
    tau = asked.occlusion_threshold if found is None else found.occlusion_threshold
    count = asked.directions if found is None else found.directions
    length = "" if ray is None else f" of {number(ray)} nm"
    yield (
        "Vacuum around the fibre was separated from pores by ambient occlusion"
        f" ({count} rays{length}, occlusion threshold {tau:g}); fractions are of the volume of this envelope,"
        f" as V(pore) / (V(pore) + V(C) + V(Sn)) {cite('ma2024')}."
        if set(run.scheme.names) == {"pore", "C", "Sn"}
        else "Vacuum around the body was separated from pores by ambient occlusion"
        f" ({count} rays{length}, occlusion threshold {tau:g}); fractions are of the volume of this envelope."
    )


def _polishing(run: FinishedRun, cite: Citations) -> Iterator[str]:
    step = run.step(PolishStep)
    if step is None or step.note is not None:
        return
    names = ("exterior", *run.scheme.names)
    levels = ", ".join(
        f"{name} {number(level)}" for name, level in zip(names, step.levels, strict=False)
    )
    words = (
        "The phases were then corrected voxel by voxel by the images with a boundary energy"
        f" {cite('besag1986')} of {step.boundary_weight:g} ({step.sweeps} sweeps,"
        f" {step.changed_voxels:,} voxels changed, fitted grey levels {levels}"
    )
    if step.residual_before is not None and step.residual_after is not None:
        words += f", R from {number(step.residual_before)} to {number(step.residual_after)}"
    yield f"{words})."


def _cleanup(run: FinishedRun) -> Iterator[str]:
    section = run.recipe.cleanup
    done = []
    if section.majority_radius:
        done.append(f"a majority filter of radius {section.majority_radius}")
    if section.fill:
        done.append(f"filling of holes in {', '.join(section.fill)}")
    done += [f"removal of {name} under {count} voxels" for name, count in section.specks.items()]
    if done:
        yield f"Phases were cleaned up by {' and '.join(done)}."


def _objects(run: FinishedRun, cite: Citations) -> Iterator[str]:
    section = run.recipe.measure
    exact = (
        f"exact over all directions {cite('houle1988')}"
        if section.directions == "exact"
        else f"over {section.directions} directions"
    )
    yield (
        f"Objects are connected components (connectivity {section.pore_connectivity} for"
        f" {run.scheme.names[0]}, {section.object_connectivity} for other phases); their length and width"
        f" are the largest and the smallest Feret diameter, {exact}, of voxels as"
        f" {'boxes' if section.convention == 'corners' else 'centres plus one voxel'}. Objects that the"
        f" box cuts are left out of sizes, and those under {section.min_voxels} voxels of shapes."
    )
    yield from _places(run)
    if section.separate_nm is not None:
        yield f"Pores were separated at necks by a watershed of contrast {section.separate_nm:g} nm."
    if section.thickness or run.result("local_width"):
        yield f"Local thickness is that of the largest ball that fits around a place {cite('hildebrand1997')}."
    if run.table("dead_pores") is not None:
        yield (
            "Pores without a path through void to the outside count as dead, at connectivity 6, 18 and 26."
        )


def _places(run: FinishedRun) -> Iterator[str]:
    """Yield where fractions and contacts were counted besides the whole."""
    fractions = run.table("fractions")
    if fractions is not None and "region" in fractions:
        rows = fractions.drop_duplicates("region").to_dict("records")
        sizes = {str(row["region"]): region_size(row) for row in rows}
        words = [
            f"{region_in_words(region, size)} ({edges_in_words(size)})"
            for region, size in sizes.items()
            if size is not None
        ]
        if words:
            yield f"Fractions were also counted in parts: {', '.join(words)}."
    if run.table("shells") is not None:
        yield "Profiles count voxels and objects in shells of equal depth below the envelope's surface."
    for path in run.table_paths:
        table = run.table(path.stem) if path.stem.startswith("contacts_") else None
        if table is not None and "delta_nm" in table and len(table):
            name = path.stem.removeprefix("contacts_").replace("_", " ")
            yield (
                f"Objects of {name} count as encapsulated where no {run.scheme.names[0]} lies within"
                f" {number(float(table['delta_nm'].iloc[0]))} nm of them."
            )


def _errors(run: FinishedRun) -> Iterator[str]:
    errors = run.errors
    if errors is None or not errors.numbers["low_95"].notna().any():
        if errors is not None and errors.twins:
            yield f"Biases were estimated by {_twins(errors.twins)} (seed {errors.seed})."
        return
    section = run.recipe.uncertainty
    sources = (
        "thresholds, blur and envelope" if has_series(run.recipe) else "thresholds and envelope"
    )
    words = (
        f"Intervals (95 %) come from {section.draws} joint draws of {sources} (seed {section.seed})"
    )
    if errors.twins:
        words += (
            f" and from {_twins(errors.twins)}, which takes simulated images of the phases through the"
            " same steps; where it improves a number, its bias is subtracted"
        )
    calibrated = (errors.numbers["calibrated"] == "yes").all()
    yield f"{words}." if calibrated else f"{words}; not all of them are calibrated on phantoms."


def _twins(count: int) -> str:
    return "one digital twin" if count == 1 else f"{count} digital twins"


def _software(run: FinishedRun, cite: Citations) -> str:
    program = f"{run.record.get('version', '(version unknown)')} {cite('napari_snpore')}"
    versions = dict(run.record.get("versions") or {})
    used = [
        f"{name} {versions[package]} {cite(key)}"
        for name, package, key in (
            ("NumPy", "numpy", "harris2020"),
            ("SciPy", "scipy", "virtanen2020"),
            ("scikit-image", "scikit-image", "vanderwalt2014"),
        )
        if package in versions
    ]
    libraries = f" with {', '.join(used)}" if used else ""
    return f"All steps were computed by napari-snpore {program}{libraries}; seed {run.recipe.seed}."
