"""Recipe of work that was done by hand: from the history of a volume or of its phases, so that a
command repeats it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from napari_snpore.errors import InputError
from napari_snpore.history import (
    AlignStep,
    BinStep,
    CropStep,
    EditByHandStep,
    EstimateErrorsStep,
    ExtractSubvolumeStep,
    HistoryStep,
    InvertContrastStep,
    LeaveOutTiltsStep,
    NormalizeMassStep,
    PolishStep,
    ReconstructStep,
    RepairPixelsStep,
    SegmentStep,
    SmoothStep,
    SubtractBackgroundStep,
    VoxelSizeStep,
    all_steps,
    last_step,
    recorded_phase_names,
)
from napari_snpore.study.estimate_errors import (
    cleanup_section,
    envelope_section,
    threshold_section,
)
from napari_snpore.study.recipe import (
    AlignSection,
    CleanupSection,
    EnvelopeSection,
    InputSection,
    MeasureSection,
    PolishSection,
    PrepareSection,
    Recipe,
    ReconstructSection,
    UncertaintySection,
    checked,
)
from napari_snpore.tomography.alignment import Method as AlignMethod

_PREPARATION: tuple[tuple[type[Any], str], ...] = (
    (LeaveOutTiltsStep, "leave out tilts"),
    (RepairPixelsStep, "repair pixels"),
    (CropStep, "crop"),
    (BinStep, "bin"),
    (InvertContrastStep, "invert contrast"),
    (SubtractBackgroundStep, "subtract background"),
    (NormalizeMassStep, "normalize mass"),
)
"""In the order in which a run does them."""


_REFINED, _BY_HAND = " + reprojection", " + manual"
"""What alignments by ``auto``, and those that were changed by hand, have behind their method."""


@dataclass(frozen=True)
class SavedRecipe:
    """A recipe, and what it does not repeat.

    Attributes
    ----------
    recipe : Recipe
    left_out : tuple of str
        Sentences on steps of the history that a run does not do, or does anew.
    """

    recipe: Recipe
    left_out: tuple[str, ...] = ()

    def relative_to(self, folder: str | Path) -> SavedRecipe:
        """Return the recipe with its input paths relative to a folder."""
        return replace(self, recipe=self.recipe.relative_to(folder))

    def to_toml(self) -> str:
        """Return the recipe as TOML; what it does not repeat stands above it as comments."""
        return "".join(f"# {sentence}\n" for sentence in self.left_out) + self.recipe.to_toml()


def saved_recipe(
    history: Sequence[HistoryStep],
    *,
    source: str | Path | Sequence[str | Path],
    measure: MeasureSection | None = None,
    uncertainty: UncertaintySection | None = None,
    name: str = "",
) -> SavedRecipe:
    """Return the recipe of a run that does what a history says.

    Parameters
    ----------
    history : sequence of HistoryStep
        Of a volume, or of phases: the steps from the file on.
    source : path or sequence of path
        The tilt series, or the volume where none was reconstructed. A history holds names of files,
        not their places.
    measure, uncertainty : optional
        How objects are measured and errors estimated; default: as in an empty recipe.
    name : str
        Of the specimen.

    Raises
    ------
    InputError
        A history that a run cannot repeat: images that were prepared twice or in another order, two
        reconstructions or smoothings, a part of a volume.
    """
    made = all_steps(history, ReconstructStep)
    if len(made) > 1:
        raise InputError("The history holds two reconstructions, which one recipe cannot repeat.")
    if last_step(history, ExtractSubvolumeStep) is not None:
        raise InputError(
            "The volume is a part of another one; a recipe begins with the whole: save that of the whole."
        )
    left_out: list[str] = []
    if last_step(history, EditByHandStep) is not None:
        left_out.append("Corrections by hand are not repeated.")
    files = [source] if isinstance(source, (str, Path)) else list(source)
    sections: dict[str, Any] = {"name": name}
    if made:
        sections |= _from_images(history, made[0], files, left_out)
    else:
        if len(files) != 1:
            raise InputError("A volume is one file; give its path.")
        sections["input"] = _volume_input(history, str(files[0]))
    sections |= _of_phases(history)
    if measure is not None:
        sections["measure"] = measure
    if uncertainty is not None:
        sections["uncertainty"] = uncertainty
    return SavedRecipe(Recipe(**sections), tuple(left_out))


def _from_images(
    history: Sequence[HistoryStep],
    made: ReconstructStep,
    files: Sequence[str | Path],
    left_out: list[str],
) -> dict[str, Any]:
    """Return the sections up to the volume."""
    paths = [str(path) for path in files]
    aligned = last_step(history, AlignStep)
    source: dict[str, Any] = {"tilt_series": paths[0] if len(paths) == 1 else paths}
    size = _pixel_size_by_hand(history)
    if size is not None:
        source["pixel_size_nm"] = size
    return {
        "input": checked(InputSection, **source),
        "prepare": _preparation(history),
        "align": _alignment(aligned, left_out),
        "reconstruct": _reconstruction(made),
    }


def _pixel_size_by_hand(history: Sequence[HistoryStep]) -> float | None:
    """Return the pixel size (nm) of the file that was set after reading; None where it was not."""
    factor, size = 1, None
    for step in history:
        if step.name == BinStep.NAME:
            factor *= int(step.parameters["factor"])
        elif step.name == VoxelSizeStep.NAME:
            size = float(step.parameters["spacing_nm"][-1]) / factor
    return size


def _volume_input(history: Sequence[HistoryStep], path: str) -> InputSection:
    given: dict[str, Any] = {"volume": path}
    spacing = last_step(history, VoxelSizeStep)
    if spacing is not None:
        values = spacing.parameters.get("spacing_nm")
        if values is not None:
            given["spacing_nm"] = tuple(values)
    return checked(InputSection, **given)


def _preparation(history: Sequence[HistoryStep]) -> PrepareSection:
    names = [name for _, name in _PREPARATION]
    order = [names.index(step.name) for step in history if step.name in names]
    if len(set(order)) < len(order):
        twice = next(names[k] for k in order if order.count(k) > 1)
        raise InputError(
            f"The images were prepared twice ('{twice}'), which a recipe cannot repeat."
        )
    if order != sorted(order):
        raise InputError(
            f"The images were prepared in another order than a run does it ({', '.join(names)})."
        )
    left_out, crop = last_step(history, LeaveOutTiltsStep), last_step(history, CropStep)
    binned, background = last_step(history, BinStep), last_step(history, SubtractBackgroundStep)
    inverted = last_step(history, InvertContrastStep)
    level: Any = "none" if background is None else background.level
    if inverted is not None and not isinstance(level, str):
        level = inverted.level - level  # a grey value of the file, as the recipe has it
    return checked(
        PrepareSection,
        leave_out=[] if left_out is None else list(left_out.tilts),
        repair_pixels=last_step(history, RepairPixelsStep) is not None,
        crop_px=None if crop is None else (*crop.y, *crop.x),
        bin=1 if binned is None else binned.factor,
        invert=inverted is not None,
        background=level,
        normalize_mass=last_step(history, NormalizeMassStep) is not None,
    )


def _alignment(step: AlignStep | None, left_out: list[str]) -> AlignSection:
    if step is None:
        return AlignSection(enabled=False)
    found = step.method.removesuffix(_BY_HAND)
    method = "auto" if found.endswith(_REFINED) else found
    if method not in get_args(AlignMethod):
        left_out.append(
            f"The alignment is '{step.method}', and is searched for anew; write it as .xf and give that as xf in [align]."
        )
        return AlignSection()
    options: dict[str, Any] = {"method": method}
    if step.axis_given:
        options["tilt_axis_angle_deg"] = step.axis_angle_deg
    if found != step.method:
        options |= {
            "tilt_axis_angle_deg": step.axis_angle_deg,
            "tilt_axis_offset_px": step.axis_offset_px,
        }
        left_out.append(
            "The tilt axis was set by hand and is given; shifts of the images are searched for anew and may differ."
        )
    return checked(AlignSection, **options)


def _reconstruction(made: ReconstructStep) -> ReconstructSection:
    options: dict[str, Any] = {}
    if made.method == "tv":
        # one that converged stops by itself, one by held-out tilts where they say so
        held_out = made.held_out
        stopped = held_out is not None and held_out.gain and held_out.iterations is not None
        by_itself = made.converged or stopped
        options = {"iterations": None if by_itself else made.iterations}
        options |= {"reweight": made.reweighted, "nonnegative": made.nonnegative}
        if made.tv_weight_from == "user":
            options["weight"] = made.tv_weight
        elif made.held_out is not None:
            options["weight"] = "auto"
        if made.blur_from == "user":
            options["blur_px"] = made.blur_px
    elif made.method in ("sirt", "cgls"):
        options = {"iterations": made.iterations, "nonnegative": made.nonnegative}
        options["stop"] = made.stop
        if made.stop == "noise":
            options.pop("iterations")
    elif made.method == "dart":
        options = {"iterations": made.iterations, "seed": made.seed}
        if made.gray_levels is not None:
            found = made.gray_levels_from != "user"
            options["gray_levels"] = len(made.gray_levels) if found else list(made.gray_levels)
    elif made.method == "wbp":
        options = {"filter": made.filter}
    known = {name: value for name, value in options.items() if value is not None}
    sections: dict[str, Any] = {"method": made.method, made.method: known}
    if made.thickness_px is not None:
        sections["thickness_px"] = made.thickness_px
    return checked(ReconstructSection, **sections)


def _of_phases(history: Sequence[HistoryStep]) -> dict[str, Any]:
    """Return the sections from the volume to the phases; none without phases."""
    cut = last_step(history, SegmentStep)
    if cut is None:
        smoothed = last_step(history, SmoothStep)
        if smoothed is None:
            return {}
        return {"cleanup": cleanup_section(history, ())}
    names = cut.phase_names or recorded_phase_names(history)
    polished = last_step(history, PolishStep)
    polish: dict[str, Any] = {"enabled": False}
    if polished is not None and polished.note is None:
        polish = {"enabled": True, "boundary_weight": polished.boundary_weight}
    cleanup: CleanupSection = cleanup_section(history, names or ())
    envelope: EnvelopeSection = envelope_section(cut.envelope)
    return {
        "threshold": threshold_section(cut, names),
        "envelope": envelope,
        "cleanup": cleanup,
        "polish": checked(PolishSection, **polish),
    }


def saved_uncertainty(history: Sequence[HistoryStep]) -> UncertaintySection | None:
    """Return how errors were estimated; None where they were not."""
    made = last_step(history, EstimateErrorsStep)
    if made is None:
        return None
    return checked(UncertaintySection, twins=made.twins, seed=made.seed)


__all__ = ["SavedRecipe", "saved_recipe", "saved_uncertainty"]
