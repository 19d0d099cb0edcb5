"""What limits the numbers of a run, from its own record, its tables and the history of its phases."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from napari_snpore.history import DetectionLimitStep, PolishStep, ReconstructStep
from napari_snpore.numerals import number, percent
from napari_snpore.report.private_paths import without_folders
from napari_snpore.report.run_folder import FinishedRun, as_words
from napari_snpore.segmentation.projection_residual import POOR_FIT
from napari_snpore.study.edit_report import edit_statements, is_edited_by_hand
from napari_snpore.study.error_report import limits
from napari_snpore.study.quality_report import misfit_statements, tilt_statements
from napari_snpore.study.reading_report import reading_statements
from napari_snpore.study.report import Statement

_NO_BLUR = "none was used: "


def caveats(run: FinishedRun) -> tuple[str, ...]:
    """Return every sentence that limits the numbers of a run, those of its images first."""
    found = [
        *_resolution(run),
        *_images(run),
        *_phases(run),
        *_edits(run),
        *_objects(run),
        *_small_clusters(run),
        *_pores(run),
        *_errors(run),
        *_files(run),
    ]
    whole = (without_folders(_sentence(one)) for one in found)
    return tuple(dict.fromkeys(one for one in whole if one))


def _sentence(text: str) -> str:
    """Return a text that begins with a capital letter and ends with a full stop."""
    text = text.strip()
    if not text:
        return ""
    text = f"{text[0].upper()}{text[1:]}" if re.match(r"[a-z]{2}", text) else text
    return text if text.endswith((".", "!", "?", ")")) else f"{text}."


def _texts(statements: Iterable[Statement]) -> list[str]:
    return [one.sentence.replace("**", "") for one in statements]


def _resolution(run: FinishedRun) -> Iterator[str]:
    made = run.step(ReconstructStep)
    crowther = None if made is None else made.crowther_nm
    if crowther is None:
        yield (
            "Nothing says how far the volume resolves: how it was reconstructed, D and Δθ are not"
            " known here."
        )
        return
    thick, step = (None, None) if made is None else (made.thickness_nm, made.tilt_step_deg)
    known = (
        "" if thick is None or step is None else f" (D = {number(thick)} nm, Δθ = {number(step)}°)"
    )
    yield (
        f"Resolution guide D·Δθ = {number(crowther)} nm across the beam{known}: what is smaller is"
        " at the edge of what this tilt series can show."
    )
    stretch = run.result("quality", "wedge_elongation")
    if isinstance(stretch, (int, float)) and stretch > 1:
        span = run.result("quality", "tilt_range_deg")
        tilts = f"The tilts span {number(span)}°: features" if span else "Features"
        yield (
            f"Missing wedge. {tilts} are elongated by some {stretch:.2f} along the beam,"
            f" where the guide is {number(crowther * stretch)} nm."
        )
    if made is not None and made.converged is False and made.finished_early is None:
        yield (
            f"The reconstruction stopped after {made.iterations} iterations before it reached its"
            " tolerance."
        )
    if made is not None and made.finished_early is not None:
        yield f"The reconstruction was finished early, after {made.finished_early}."


def _images(run: FinishedRun) -> Iterator[str]:
    made = run.step(ReconstructStep)
    yield from (str(note) for note in run.result("quality", "alignment", "notes") or ())
    yield from _texts(reading_statements(run.history))
    tilts = run.table("tilts")
    if tilts is not None and {"tilt", "angle_deg", "reason"} <= set(tilts):
        yield from _texts(tilt_statements(tilts.assign(reason=as_words(tilts["reason"]))))
    if made is None:
        return
    yield from _texts(misfit_statements(made))
    if made.note is not None:
        yield made.note
    if made.blur_from not in (None, "user", "images"):
        yield (
            "The blur of the images is not in the model of the reconstruction, and small pores read"
            f" low. {str(made.blur_from).removeprefix(_NO_BLUR)}"
        )
    blur = run.result("quality", "blur")
    if isinstance(blur, dict) and blur.get("reliable") is False and blur.get("reason"):
        yield f"The blur that was found is not reliable. {blur['reason']}"


def _phases(run: FinishedRun) -> Iterator[str]:
    segmentation: dict[str, Any] = dict(run.result("segmentation") or {})
    if segmentation.get("note"):
        yield str(segmentation["note"])
    residual = run.result("segmentation", "images", "residual")
    if isinstance(residual, (int, float)) and residual > POOR_FIT:
        yield (
            f"The phases explain the images poorly: their mean squared residual is {number(residual)} times"
            " that of noise alone. The model of the images (blur, vacuum level, alignment, noise) does not"
            " hold, or there are more than these phases."
        )
    allowed = run.result("segmentation", "images", "allowed_percent")
    if isinstance(allowed, dict) and allowed:
        words = ", ".join(
            f"{name} {low:.1f} to {high:.1f} %" for name, (low, high) in allowed.items()
        )
        yield f"By thresholds alone, before polishing, the images allow: {words}."
    if segmentation.get("not_polished"):
        yield f"The phases were not polished. {segmentation['not_polished']}"
    polished = run.step(PolishStep)
    if polished is None:
        return
    if polished.note is not None:
        yield f"Polishing changed no voxel. {polished.note}"
    else:
        yield "Small closed pores are lost in reconstruction and polishing: dead pores read too few."
    for label in polished.held:
        yield (
            f"The grey level of phase {label} drifted by more than 10 % from the one that fits the"
            " thresholds, and was held there."
        )


def _edits(run: FinishedRun) -> Iterator[str]:
    if is_edited_by_hand(run.history):
        words = "; ".join(_texts(edit_statements(run.history, run.scheme.names)))
        yield f"Edited by hand: {words}"


def _objects(run: FinishedRun) -> Iterator[str]:
    least = run.recipe.measure.min_voxels
    for path in run.table_paths:
        if not path.stem.startswith("objects_") or path.stem.endswith("_filtered"):
            continue
        table = run.table(path.stem)
        name = path.stem.removeprefix("objects_").replace("_", " ")
        if (
            table is None
            or table.empty
            or not {"resolved", "touches_border", "volume_nm3"} <= set(table)
        ):
            continue
        inside = table[table["touches_border"] == 0]
        cut = len(table) - len(inside)
        words = [
            f"{cut:,} of {len(table):,} {name} objects are cut by the box and left out of their sizes"
        ]
        few = float((inside["resolved"] == 0).mean()) if len(inside) else math.nan
        if few > 0:
            words.append(
                f"{percent(few)} of the others hold fewer than {least} voxels and are not resolved"
            )
        if cut or few > 0:
            yield "; ".join(words)
        volumes = table["volume_nm3"]
        largest = float(volumes.max() / volumes.sum())
        if len(table) > 1 and largest > 0.5:
            yield (
                f"One object holds {percent(largest)} of the {name}: a connected network is one object,"
                " so that sizes of objects say nothing of its width."
            )


def _small_clusters(run: FinishedRun) -> Iterator[str]:
    """Yield how small clusters can be and still be found, where that was tested."""
    found = run.step(DetectionLimitStep)
    if found is None:
        return
    tested = f"{found.clusters:,} spheres of {found.phase} planted into the images"
    if found.diameter_nm is not None:
        ends = ""
        if found.low_95 is not None and found.high_95 is not None:
            ends = f" (95 %: {number(found.low_95)} to {number(found.high_95)} nm)"
        yield (
            f"Of {tested}, those under {number(found.diameter_nm)} nm{ends} were found less than half"
            " of the time."
        )
    elif found.above_nm is not None:
        yield f"Of {tested}, fewer than half were found even at {number(found.above_nm)} nm."
    elif found.below_nm is not None:
        yield f"Of {tested}, more than half were found even at {number(found.below_nm)} nm."


def _pores(run: FinishedRun) -> Iterator[str]:
    table = run.table("dead_pores")
    if table is None or "dead_share_of_pore" not in table:
        yield "Dead pores are not known: these phases have no exterior."
        return
    shares = table.set_index("connectivity")["dead_share_of_pore"]
    if {6, 26} <= set(shares.index) and math.isfinite(shares[6]):
        yield (
            f"Dead pores depend on the connectivity: {number(100 * shares[6])} % of the pore volume at"
            f" 6 (upper bound), {number(100 * shares[26])} % at 26 (lower bound)."
        )
    cut = table.get("open_to_cut_voxel_count")
    if cut is not None and int(cut.max()) > 0:
        yield (
            f"{int(cut.max()):,} pore voxels reach only a cut face of the box and are not counted as dead."
        )


def _errors(run: FinishedRun) -> Iterator[str]:
    yield "One fibre (n = 1): nothing here says how fibres of one state differ from each other."
    if run.errors is None:
        yield "The numbers of this run have no stated error."
        return
    yield from limits(run.errors)


def _files(run: FinishedRun) -> Iterator[str]:
    missing = run.missing
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        yield (
            f"Files that the run wrote are not in its folder any more: {', '.join(missing[:5])}{more}."
        )
