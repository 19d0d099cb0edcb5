"""What a recipe asks for, in words: one term per step, every option named."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from napari_snpore.numerals import signed
from napari_snpore.report.private_paths import file_name
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.study.recipe import Recipe
from napari_snpore.subvolume import edges_in_words

METHODS = {"sirt": "SIRT", "wbp": "WBP", "cgls": "CGLS", "tv": "TV", "dart": "DART"}

_SWITCHES = {"reweight": "reweighted", "nonnegative": "non-negative"}
_OPTION_WORDS = {
    "iterations": "{} iterations at most",
    "blur_px": "blur of the images {}",
    "tolerance": "tolerance {}",
    "weight": "weight λ = {} grey units",
    "stop": "stopped by {}",
    "filter": "{} filter",
    "gray_levels": "grey levels: {}",
    "seed": "seed {}",
}


def recipe_terms(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    """Return what each section of a recipe asks for: (step, sentence)."""
    return (
        ("Input", _input(recipe)),
        ("Preparation", _preparation(recipe)),
        ("Alignment", _alignment(recipe)),
        ("Reconstruction", _reconstruction(recipe)),
        ("Thresholds", _thresholds(recipe)),
        ("Envelope", _envelope(recipe)),
        ("Polishing", _polishing(recipe)),
        ("Clean-up", _cleanup(recipe)),
        ("Measurement", _measurement(recipe)),
        ("Errors", _errors(recipe)),
        ("Detection limit", _detection(recipe)),
    )


def input_names(recipe: Recipe) -> list[str]:
    """Return the names of the files that a recipe reads, without their folders."""
    given = recipe.input.tilt_series or recipe.input.volume or ""
    return [file_name(one) for one in ([given] if isinstance(given, str) else given)]


def has_series(recipe: Recipe) -> bool:
    """Return whether a run starts from a tilt series, not from a volume."""
    return recipe.input.tilt_series is not None


def _input(recipe: Recipe) -> str:
    source, names = recipe.input, input_names(recipe)
    what = "Tilt series" if has_series(recipe) else "Volume that was reconstructed before"
    shown = names[0] if len(names) == 1 else f"{len(names)} files, {names[0]} to {names[-1]}"
    words = [f"{what}: {shown}"]
    if source.image is not None:
        words.append(f"image {source.image}")
    if source.pixel_size_nm is not None:
        words.append(f"pixel {source.pixel_size_nm:g} nm, as given")
    if source.spacing_nm is not None:
        size = source.spacing_nm
        edges = (
            f"{size:g}" if isinstance(size, (int, float)) else " × ".join(f"{s:g}" for s in size)
        )
        words.append(f"voxel {edges} nm, as given")
    if source.angles_deg is not None:
        low, high = min(source.angles_deg), max(source.angles_deg)
        words.append(
            f"{len(source.angles_deg)} angles as given, {signed(low, 1)}° to {signed(high, 1)}°"
        )
    if source.tilt_axis_angle_deg is not None:
        words.append(
            f"tilt axis at {signed(source.tilt_axis_angle_deg, 1)}° from image y, as given"
        )
    return f"{'; '.join(words)}."


def _preparation(recipe: Recipe) -> str:
    if not has_series(recipe):
        return "None: the run starts from a volume."
    section = recipe.prepare
    words = []
    if section.leave_out:
        words.append(f"tilts {', '.join(map(str, section.leave_out))} (from 0) left out")
    if section.repair_pixels:
        words.append("bad pixels repaired")
    if section.crop_px is not None:
        rows, columns = section.crop_px[:2], section.crop_px[2:]
        words.append(
            f"cropped to rows {rows[0]} to {rows[1]} and columns {columns[0]} to {columns[1]}"
        )
    if section.bin > 1:
        words.append(f"binned {section.bin} × {section.bin}")
    if section.invert:
        words.append("inverted, as bright-field images")
    words.append(
        {
            "auto": "vacuum level subtracted, found in each image",
            "none": "no vacuum level subtracted",
        }.get(str(section.background), f"vacuum level {section.background} subtracted")
    )
    if section.normalize_mass:
        words.append("images scaled to equal mass")
    return _sentence(words)


def _alignment(recipe: Recipe) -> str:
    section = recipe.align
    if not has_series(recipe):
        return "None: the run starts from a volume."
    if not section.enabled:
        return "None: the series was aligned before."
    if section.xf is not None:
        return f"As in {file_name(section.xf)}, made by IMOD."
    words = [f"from the images, method {section.method}"]
    if section.tilt_axis_angle_deg is not None:
        words.append(f"tilt axis set to {signed(section.tilt_axis_angle_deg, 1)}° from image y")
    if section.tilt_axis_offset_px is not None:
        words.append(f"offset of the axis set to {signed(section.tilt_axis_offset_px, 2)} px")
    return _sentence(words)


def _reconstruction(recipe: Recipe) -> str:
    section = recipe.reconstruct
    if not has_series(recipe):
        return "None: the run starts from a volume."
    options = asdict(section.options)
    words = [METHODS[section.method]]
    words += [_option(name, value) for name, value in options.items() if value is not None]
    if section.thickness_px is not None:
        words.append(f"{section.thickness_px} px thick")
    if section.backend != "auto":
        words.append(f"computed by {section.backend}")
    return _sentence(words)


def _option(name: str, value: Any) -> str:
    """Return an option of a method in words."""
    if name in _SWITCHES:
        return _SWITCHES[name] if value else f"not {_SWITCHES[name]}"
    if name == "blur_px" and not isinstance(value, str):
        return f"blur of the images {value:g} px"
    return _OPTION_WORDS.get(name, f"{name.replace('_', ' ')} {{}}").format(_value(value))


def _thresholds(recipe: Recipe) -> str:
    section = recipe.threshold
    names = ", ".join(section.scheme.names)
    if section.values is not None:
        shown = ", ".join(f"{value:g}" for value in section.values)
        unit = "vacuum 0 and carbon 1" if section.calibrated else "grey units"
        return f"Set by hand to {shown} ({unit}), between {names}."
    rule = rule_name(section.method, section.phase_count)
    calibrated = ", on grey values with vacuum 0 and carbon 1" if section.calibrated else ""
    return f"Rule: {rule}{calibrated}; phases {names}."


def _envelope(recipe: Recipe) -> str:
    section = recipe.envelope
    if not section.enabled:
        return "None: fractions are of the whole box."
    ray = "as long as the program chooses" if section.ray_length_nm is None else (
        f"of {section.ray_length_nm:g} nm"
    )  # fmt: skip
    cut = ", ".join("zyx"[axis] for axis in section.cut_axes) or "no axis"
    body = ", largest body only" if section.largest_body else ""
    return (
        f"By ambient occlusion: {section.directions} rays {ray}, τ = {section.occlusion_threshold:g};"
        f" the fibre is cut along {cut}{body}."
    )


def _polishing(recipe: Recipe) -> str:
    section = recipe.polish
    if section.enabled is False:
        return "None."
    when = "Where the images allow it" if section.enabled == "auto" else "Yes"
    return f"{when}: boundary weight {section.boundary_weight:g}, at most {section.sweeps} sweeps."


def _cleanup(recipe: Recipe) -> str:
    section = recipe.cleanup
    words = []
    if section.smooth != "none":
        words.append(
            f"volume smoothed first ({section.smooth}, strength {section.smooth_strength:g})"
        )
    if section.majority_radius:
        words.append(f"majority filter of radius {section.majority_radius}")
    if section.fill:
        words.append(f"holes filled in {', '.join(section.fill)}")
    words += [f"{name} under {count} voxels removed" for name, count in section.specks.items()]
    return _sentence(words) if words else "None."


def _measurement(recipe: Recipe) -> str:
    section = recipe.measure
    names = section.phases or [recipe.threshold.scheme.names[0], recipe.threshold.scheme.names[-1]]
    angles = "exact" if section.directions == "exact" else f"{section.directions} directions"
    words = [
        f"objects of {' and '.join(dict.fromkeys(names))}",
        f"connectivity {section.pore_connectivity} of the darkest phase and"
        f" {section.object_connectivity} of others",
        f"Feret diameters {angles}, convention {section.convention}",
        f"resolved from {section.min_voxels} voxels on",
        f"short below {section.limit_nm:g} nm",
    ]
    if section.subvolume_nm is not None:
        words.append(f"cubes of {section.subvolume_nm:g} nm")
    for box in section.boxes:
        place = ", ".join(f"{value:.4g}" for value in box.center_nm)
        edges = edges_in_words(box.size_nm)
        words.append(f"box {box.name!r} of {edges} around ({place}) nm")
    if section.separate_nm is not None:
        words.append(f"pores separated at necks, contrast {section.separate_nm:g} nm")
    if section.shell_nm is not None:
        words.append(f"shells of {section.shell_nm:g} nm")
    if section.delta_nm is not None:
        words.append(f"contact within {section.delta_nm:g} nm")
    if section.thickness:
        words.append("local thickness, chords and tortuosity")
    words += [f"density of {name} {value:g} g/cm³" for name, value in section.density_g_cm3.items()]
    words += [
        f"{name} {value:g} % by mass, as given" for name, value in section.mass_percent.items()
    ]
    return _sentence(words)


def _errors(recipe: Recipe) -> str:
    section = recipe.uncertainty
    if not has_series(recipe):
        twins = "no digital twin without images"
    else:
        twins = {0: "no digital twin", 1: "one digital twin"}.get(
            section.twins, f"{section.twins} digital twins"
        )
    return f"{twins.capitalize()}, {section.draws} draws, seed {section.seed}."


def _detection(recipe: Recipe) -> str:
    section = recipe.detection_limit
    if not section.enabled:
        return "Not asked for."
    sizes = "1.5 to 6 voxels" if section.diameters_nm is None else (
        f"{', '.join(f'{value:g}' for value in section.diameters_nm)} nm"
    )  # fmt: skip
    return (
        f"{section.clusters} spheres of each diameter ({sizes}) planted into the images, in"
        f" {section.runs} reconstructions, seed {section.seed}."
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(one) for one in value)
    return {"auto": "found in the images"}.get(str(value), str(value))


def _sentence(words: list[str]) -> str:
    text = "; ".join(words)
    return f"{text[0].upper()}{text[1:]}."


def private_recipe(recipe: Recipe) -> str:
    """Return a recipe as TOML with the names of files in place of their paths."""
    return recipe.with_paths(file_name).to_toml()
