"""States of the steps (done, ready, stale, ...), judged from the layers of a window alone, not from
its widgets.

Whether a result still fits its input is read from histories, see
:mod:`napari_snpore.viewer.shared.layer_history`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from napari.layers import Layer

from napari_snpore.viewer.shared.boxes import KIND as BOXES
from napari_snpore.viewer.shared.layer_history import (
    COMPARED,
    FIGURE,
    MOVED,
    SCENE,
    envelope_of,
    has_history,
    has_step,
    is_part,
    made_from,
    path,
    same_envelope,
    starts_with,
    thresholds_of,
    what_changed,
)
from napari_snpore.viewer.shared.layers import (
    FRAMES,
    OUTLINES,
    SEPARATOR,
    kind_of,
    record_of,
    stem_of,
)
from napari_snpore.viewer.shared.units import has_scale
from napari_snpore.viewer.slices.positions import KIND as POSITIONS
from napari_snpore.viewer.slices.ruler import KIND as DISTANCES
from napari_snpore.viewer.workbench.contents_text import (
    file_of,
    made_by,
    objects_in_short,
    rays_in_short,
    shortened,
    thresholds_in_short,
    tilts_in_short,
)
from napari_snpore.viewer.workbench.specimen import EditedSince, Specimen, specimens_of
from napari_snpore.viewer.workbench.work_step import SIGNS as SIGNS
from napari_snpore.viewer.workbench.work_step import WORDS as WORDS
from napari_snpore.viewer.workbench.work_step import WorkStep

SURFACE = "surface"
"""Kind of the layers of the 3D scene that show a phase."""

NOTHING_YET = "Drop a tilt series or a volume on the window, or open a sample."

_STALE = {
    "series": ("the tilt series changed", "Reconstruct again to make it fresh."),
    "volume": ("the volume changed", "Do this step again to make it fresh."),
    "thresholds": ("the thresholds changed", "Do this step again to make it fresh."),
    "envelope": ("the envelope changed", "Do this step again to make it fresh."),
    "phases": ("the phases changed", "Do this step again to make it fresh."),
    "painted": ("the phases were painted on or replaced", "Do this step again to make it fresh."),
    "whole": (
        "the layer that the box was cut from changed",
        "Extract the box again to make it fresh.",
    ),
    "moved": (
        "the thresholds were moved",
        "Polish in the Threshold form makes polished phases of the new ones, Apply plain ones.",
    ),
    "threshold": (
        "its phases are stale themselves",
        "Apply the thresholds first, then do this step again.",
    ),
}
_ON_THE_WAY = ("Tilt series", "Reconstruct", "Threshold", "Measure", "Figure")
"""Steps that lead to a figure; the others are optional."""


def steps_of(
    layers: Iterable[Layer],
    *,
    specimen: str | None = None,
    active: Layer | None = None,
    edited_since: EditedSince = lambda source, result: False,
) -> list[WorkStep]:
    """Return the numbered steps in their order.

    Parameters
    ----------
    layers : iterable of Layer
        Of the window.
    specimen : str, optional
        One of :func:`specimens_of`; default the last.
    active : Layer, optional
        The selected layer: where several layers fit a step, it is the one.
    edited_since : callable, optional
        Returns whether a layer has changes that no history shows;
        see :class:`~napari_snpore.viewer.workbench.layer_watch.LayerWatch`.
    """
    window = tuple(layers)
    names = specimens_of(window)
    if specimen not in names:
        specimen = names[-1] if names else None
    own = tuple(
        layer for layer in window if specimen is not None and stem_of(layer.name) == specimen
    )
    here = Specimen(own, window, active, edited_since)
    threshold = _threshold(here)
    steps = [
        _series(here),
        _reconstruct(here),
        threshold,
        _envelope(here),
        _slices(here),
        _subvolumes(here),
        _measure(here, threshold),
        _scene(here),
        _figure(here, threshold),
        _compare(here),
    ]
    return [replace(step, number=k) for k, step in enumerate(steps, 1)]


def next_step(steps: Sequence[WorkStep]) -> WorkStep | None:
    """Return the step to do now: the first that is stale, else the first on the way to a figure
    that is ready.
    """
    stale = [step for step in steps if step.state == "stale"]
    ready = [step for step in steps if step.state == "ready" and step.name in _ON_THE_WAY]
    return next(iter(stale + ready), None)


def in_situ_step(layers: Iterable[Layer], active: Layer | None = None) -> WorkStep:
    """Return the step *In situ*, which is outside the order."""
    window = list(layers)
    frames = [layer for layer in window if kind_of(layer) == FRAMES]
    if not frames:
        return WorkStep(
            None, "In situ", "needs images in time", "waits",
            'A task of its own: the diameter of a fibre in a series of images in time.', None, "In situ",
        )  # fmt: skip
    chosen = active if active in frames else frames[-1]
    assert chosen is not None
    holds = f"{len(chosen.data)} images"
    if any(kind_of(layer) == OUTLINES for layer in window):
        return WorkStep(
            None,
            "In situ",
            f"{holds}, measured",
            "done",
            "The outlines are in a layer.",
            chosen,
            "In situ",
        )
    return WorkStep(
        None, "In situ", holds, "ready", "Measure the fibre in time.", chosen, "In situ"
    )


def _series(here: Specimen) -> WorkStep:
    series = here.series
    if series is not None:
        about = f"{file_of(series)}, {tilts_in_short(series)}, is in the layer '{series.name}'."
        return WorkStep(
            1,
            "Tilt series",
            f"{shortened(file_of(series))} · {tilts_in_short(series)}",
            "done",
            about,
            series,
        )
    if here.layers:
        return WorkStep(
            1, "Tilt series", "", "spare",
            "Not needed: the work starts from a volume or from phases. Drop a tilt series to start from one.",
        )  # fmt: skip
    if any(kind_of(layer) == FRAMES for layer in here.window):
        return WorkStep(
            1,
            "Tilt series",
            "",
            "spare",
            "Not needed: for images in time see In situ below.",
        )
    return WorkStep(1, "Tilt series", "", "ready", NOTHING_YET)


def _reconstruct(here: Specimen) -> WorkStep:
    series, volume = here.series, here.volume
    step = WorkStep(2, "Reconstruct", "", "waits", NOTHING_YET, series, "Reconstruct")
    if volume is None:
        if series is not None:
            return replace(step, state="ready", hint=f"Reconstruct '{series.name}'.")
        if here.layers:
            return replace(step, state="spare", hint="Not needed: the phases are here.")
        return replace(step, holds="after Tilt series")
    holds = made_by(volume)
    if not has_scale(volume):
        return replace(
            step, holds=f"{holds}, ⚠ no voxel size", state="done",
            hint=f"'{volume.name}' has no voxel size in nm: set its scale and units, or lengths mean nothing.",
        )  # fmt: skip
    if has_step(volume, "reconstruct"):
        sources = here.all_series
        begun = [one for one in sources if starts_with(volume, one)]
        if sources and (not begun or any(here.edited_since(one, volume) for one in begun)):
            return _stale(replace(step, holds=holds), "series")
    return replace(
        step, holds=holds, state="done", hint=f"The volume is in the layer '{volume.name}'."
    )


def _threshold(here: Specimen) -> WorkStep:
    volume = here.volume
    step = WorkStep(
        3, "Threshold", "", "waits", "Open or reconstruct a volume first.", volume, "Threshold"
    )
    found = [layer for layer in here.all_phases if not has_step(layer, "planted phases")]
    phases = here.chosen(found)
    if phases is None:
        if volume is not None:
            return replace(step, state="ready", hint=f"Make phases of '{volume.name}'.")
        if here.all_phases:
            return replace(
                step, state="spare", hint=f"Not needed: '{here.all_phases[-1].name}' holds phases."
            )
        return replace(step, holds=_after_volume(here))
    step = replace(
        step,
        holds=thresholds_in_short(phases),
        state="done",
        hint=f"The phases are in the layer '{phases.name}'.",
    )
    if _is_old_part(phases, here.window):
        return _stale(step, "whole")
    if has_step(phases, "segment") and here.volumes:
        source = made_from(phases, here.volumes, by="segment")
        if source is None or here.edited_since(source, phases):
            return _stale(step, "volume")
    envelope = _envelope_layer(here)
    differs = envelope is not None and not same_envelope(envelope_of(phases), envelope_of(envelope))
    if differs and has_step(phases, "segment"):
        return _stale(step, "envelope")
    return _stale(step, "moved") if MOVED in phases.metadata else step


def _envelope(here: Specimen) -> WorkStep:
    volume = here.volume
    step = WorkStep(
        4,
        "Envelope",
        "",
        "waits",
        "It is made in the Threshold form, of a volume.",
        volume,
        "Threshold",
    )
    phases = here.chosen([layer for layer in here.all_phases if has_step(layer, "segment")])
    layer = _envelope_layer(here)
    if layer is None:
        used = envelope_of(phases)
        if used is not None:
            return replace(
                step,
                holds=rays_in_short(used),
                state="done",
                hint="The phases were made inside this envelope.",
            )
        if volume is None:
            if here.all_phases:
                return replace(
                    step, state="spare", hint="Not needed: phases bring their own exterior."
                )
            return replace(step, holds=_after_volume(here))
        if not has_scale(volume):
            return replace(
                step, holds="needs a voxel size", hint=f"'{volume.name}' has no voxel size in nm."
            )
        return replace(
            step, state="ready", hint="Make it in the Threshold form: it tells vacuum from pores."
        )
    step = replace(
        step,
        holds=rays_in_short(envelope_of(layer)),
        state="done",
        hint=f"Its skin is in the layer '{layer.name}'.",
    )
    if here.volumes:
        source = made_from(layer, here.volumes, by="envelope")
        if source is None or here.edited_since(source, layer):
            return _stale(step, "volume")
    made = envelope_of(layer)
    thresholds = thresholds_of(phases)
    if (
        made is not None
        and made.threshold is not None
        and thresholds
        and made.threshold != thresholds[0]
    ):
        return _stale(step, "thresholds")
    return step


def _slices(here: Specimen) -> WorkStep:
    layer = here.volume or here.phases
    step = WorkStep(
        5, "Slices", "", "waits", "Open or reconstruct a volume first.", layer, "Ortho slices"
    )
    if layer is None:
        return replace(step, holds=_after_volume(here))
    kept = []
    for kind, one, many in (
        (POSITIONS, "position", "positions"),
        (DISTANCES, "distance", "distances"),
    ):
        count = sum(len(found.data) for found in here.window if kind_of(found) == kind)
        if count:
            kept.append(f"{count} {one if count == 1 else many}")
    if kept:
        return replace(
            step,
            holds=", ".join(kept),
            state="done",
            hint="Positions and distances are kept in layers.",
        )
    return replace(
        step,
        state="ready",
        hint="Look at three linked slices; keep positions and measure distances there.",
    )


def _subvolumes(here: Specimen) -> WorkStep:
    layer = here.phases or here.volume
    step = WorkStep(
        6,
        "Subvolumes",
        "",
        "waits",
        "Make phases first; a volume alone can be cut too.",
        layer,
        "Subvolumes",
    )
    if layer is None:
        return replace(step, holds=_after_volume(here))
    names: dict[str, None] = {}
    for found in here.window:
        if kind_of(found) == BOXES and "name" in found.features:
            names |= dict.fromkeys(map(str, found.features["name"]))
    if not names:
        return replace(
            step, state="ready", hint="Place boxes in the centre and at the edge, and cut them out."
        )
    step = replace(
        step, holds=", ".join(names), state="done", hint="The boxes are in the layer 'boxes'."
    )
    own = {one.name for one in here.layers}
    parts = [one for one in here.window if is_part(one) and _whole_name(one) in own]
    return _stale(step, "whole") if any(_is_old_part(part, here.window) for part in parts) else step


def _measure(here: Specimen, threshold: WorkStep) -> WorkStep:
    phases = here.phases
    step = WorkStep(
        7, "Measure", "", "waits", "Make phases first (Threshold, Apply).", phases, "Measure"
    )
    found = here.of(lambda layer: kind_of(layer) == "objects")
    if not found:
        if phases is None:
            return replace(step, holds="after Threshold")
        return replace(step, state="ready", hint=f"Measure the objects of '{phases.name}'.")
    names = ", ".join(f"'{one.name}'" for one in found)
    step = replace(
        step,
        holds=objects_in_short(found),
        state="done",
        hint=f"Objects and their tables: {names}.",
    )
    reason = next(filter(None, (_measured_before(here, one) for one in found)), "")
    if not reason and threshold.state == "stale" and not has_step(phases, "planted phases"):
        reason = "threshold"
    return _stale(step, reason) if reason else step


def _measured_before(here: Specimen, objects: Layer) -> str:
    """Return what changed since objects were measured; empty when nothing did, or when it cannot be
    known.
    """
    if not here.all_phases or not has_step(objects, "label"):
        return ""
    source = made_from(objects, here.all_phases, by="label")
    if source is None:
        assert here.phases is not None
        return what_changed(objects, here.phases)
    return "painted" if here.edited_since(source, objects) else ""


def _scene(here: Specimen) -> WorkStep:
    layer = here.volume or here.phases
    step = WorkStep(
        8, "3D scene", "", "waits", "Open or reconstruct a volume first.", layer, "3D scene"
    )
    if layer is None:
        return replace(step, holds=_after_volume(here))
    own = {one.name for one in here.layers}
    drawn = [
        str(record_of(one).get("phase"))
        for one in here.window
        if kind_of(one) == SURFACE and record_of(one).get("source") in own
    ]
    if drawn:
        return replace(
            step,
            holds=f"{', '.join(drawn)} drawn",
            state="done",
            hint="The surfaces of these phases are in layers.",
        )
    if any(SCENE in one.metadata for one in here.volumes):
        return replace(
            step,
            holds="volume shown",
            state="done",
            hint="The volume is shown as in the paper; As before takes it back.",
        )
    return replace(step, state="ready", hint="Show the volume, or surfaces of its phases, in 3D.")


def _figure(here: Specimen, threshold: WorkStep) -> WorkStep:
    layer = here.phases or here.volume
    step = WorkStep(
        9, "Figure", "", "waits", "Open or reconstruct a volume first.", layer, "Figure"
    )
    if layer is None:
        return replace(step, holds=_after_volume(here))
    made = layer.metadata.get(FIGURE)
    if not isinstance(made, Mapping) or "file" not in made:
        return replace(
            step, state="ready", hint=f"Put '{layer.name}' and its numbers on one plate."
        )
    step = replace(
        step, holds=shortened(str(made["file"])), state="done", hint=f"Saved as {made['file']}."
    )
    if "history" in made and not has_history(layer, made["history"]):
        return _stale(step, "phases" if layer is here.phases else "volume")
    return _stale(step, "threshold") if threshold.state == "stale" else step


def _compare(here: Specimen) -> WorkStep:
    phases = here.phases
    step = WorkStep(
        10,
        "Compare",
        "",
        "waits",
        "Puts states side by side: make phases of two specimens or more, or open finished runs in the form.",
        phases,
        "Compare",
    )
    fibres = {
        stem_of(one.name) for one in here.window if kind_of(one) == "phases" and not is_part(one)
    }
    made = None if phases is None else phases.metadata.get(COMPARED)
    if phases is not None and isinstance(made, Mapping) and "states" in made:
        step = replace(
            step,
            holds=shortened(", ".join(map(str, made["states"]))),
            state="done",
            hint=f"'{phases.name}' was compared.",
        )
        if not has_history(phases, made.get("history")):
            return _stale(step, "phases")
        return step
    if len(fibres) < 2:
        return replace(step, holds="needs two fibres, or runs")
    return replace(
        step, holds=f"{len(fibres)} fibres", state="ready", hint="Put these fibres side by side."
    )


def _stale(step: WorkStep, reason: str) -> WorkStep:
    what, cure = _STALE[reason]
    return replace(step, state="stale", stale_by=reason, hint=f"Made before {what}. {cure}")


def _after_volume(here: Specimen) -> str:
    return "after Reconstruct" if here.series is not None else "needs a volume"


def _envelope_layer(here: Specimen) -> Layer | None:
    return here.chosen(here.of(lambda layer: kind_of(layer) == "envelope"))


def _whole_name(part: Layer) -> str:
    """Return the name of the layer that a part was cut from: ``needle · phases`` of ``center box ·
    needle · phases``.
    """
    return str(part.name).partition(SEPARATOR)[2]


def _is_old_part(part: Layer, window: Sequence[Layer]) -> bool:
    """Say whether the layer that a part was cut from has another history now."""
    whole = next((layer for layer in window if layer.name == _whole_name(part)), None)
    return is_part(part) and whole is not None and path(whole) != path(part)
