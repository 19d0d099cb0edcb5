"""Processing histories of layers, and whether a result still fits the layers that it was made from.

A result carries the history of its source and one step more. After the source was made again with
other settings the two histories differ; :func:`what_changed` names the first difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from napari.layers import Layer

from napari_snpore.history import (
    DetectionLimitStep,
    EditByHandStep,
    EnvelopeStep,
    EstimateErrorsStep,
    ExtractSubvolumeStep,
    HistoryStep,
    ReadStep,
    SegmentStep,
    last_step,
)
from napari_snpore.viewer.shared.layers import record_of, steps_of

CUT = ExtractSubvolumeStep.NAME
_KNOWN_OF = (EstimateErrorsStep.NAME, DetectionLimitStep.NAME)
"""Steps that say what numbers are worth and change no voxel."""
FIGURE = "napari_snpore_figure"
"""Key of a layer's metadata for the plate that shows it: ``{"file": name, "history": [...]}``, the
history at that time; beside the record of the plugin, because the record goes with the layer's
data.
"""

SCENE = "napari_snpore_scene"
"""Key of the metadata of a volume that is shown as the scene of the paper: True."""

MOVED = "napari_snpore_moved"
"""Key of the metadata of polished phases while other thresholds are set: ``{"thresholds": [...]}``,
those that are set.
"""


COMPARED = "napari_snpore_compared"
"""Key of the metadata of phases that were compared: ``{"states": [...], "history": [...]}``, the
states beside each other and the history at that time.
"""


def note_compared(phases: Iterable[Layer], states: Sequence[str]) -> None:
    """Note in phases that they were compared as they are now."""
    for layer in phases:
        record = {"states": list(states), "history": list(record_of(layer).get("history", ()))}
        layer.metadata = {**layer.metadata, COMPARED: record}


def note_moved(phases: Layer, thresholds: Sequence[float]) -> None:
    """Note in polished phases that other thresholds are set now, or that theirs are set again."""
    moved = list(map(float, thresholds))
    same = not moved or tuple(moved) == thresholds_of(phases) or not has_step(phases, "polish")
    if same and MOVED in phases.metadata:
        phases.metadata = {key: one for key, one in phases.metadata.items() if key != MOVED}
    elif not same and phases.metadata.get(MOVED) != {"thresholds": moved}:
        phases.metadata = {**phases.metadata, MOVED: {"thresholds": moved}}


def note_scene(layers: Iterable[Layer], shown: Layer | None) -> None:
    """Note which of the layers is shown as the scene of the paper; None takes every note away."""
    for layer in layers:
        if shown is not None and layer is shown:
            layer.metadata = {**layer.metadata, SCENE: True}
        elif shown is None and SCENE in layer.metadata:
            layer.metadata = {key: one for key, one in layer.metadata.items() if key != SCENE}


def has_step(layer: Layer | None, step: str) -> bool:
    """Say whether a step of a name is in the history of a layer."""
    return any(one.name == step for one in _steps(layer))


def is_part(layer: Layer) -> bool:
    """Say whether a layer was cut out of another by a box."""
    steps = _steps(layer)
    return bool(steps) and steps[-1].name == CUT


def thresholds_of(phases: Layer | None) -> tuple[float, ...]:
    """Return the thresholds that made phases; empty where they are not known."""
    made = last_step(_steps(phases), SegmentStep)
    return () if made is None else made.thresholds


def envelope_of(layer: Layer | None) -> EnvelopeStep | None:
    """Return what an envelope, or the one around phases, was made with; None where there is
    none.
    """
    made = last_step(_steps(layer), EnvelopeStep)
    if made is not None:
        return made
    segmented = last_step(_steps(layer), SegmentStep)
    return None if segmented is None else segmented.envelope


def same_envelope(one: EnvelopeStep | None, two: EnvelopeStep | None) -> bool:
    """Return whether two envelopes were made with the same settings, whatever the threshold of the
    solid.
    """
    if one is None or two is None:
        return False
    return replace(one, threshold=None) == replace(two, threshold=None)


def path(layer: Layer | None, *, before: str | None = None) -> tuple[str, ...]:
    """Return the history as comparable words, up to the last step called ``before``.

    Cuts are left out: a box holds what its whole held; and what changes no voxel: errors, and that
    the result was opened from a file. Tuples and lists compare as the same, as after a save.
    """
    steps = tuple(step for step in _steps(layer) if step.name not in (CUT, *_KNOWN_OF))
    if before is not None:
        last = max((k for k, step in enumerate(steps) if step.name == before), default=0)
        steps = steps[:last]
    while len(steps) > 1 and steps[-1].name == ReadStep.NAME:
        steps = steps[:-1]
    return tuple(map(_word, steps))


def has_history(layer: Layer, history: Any) -> bool:
    """Return whether the history of a layer equals one that was stored elsewhere."""
    return _plain(record_of(layer).get("history", [])) == _plain(history)


def made_from(result: Layer, sources: Iterable[Layer], *, by: str) -> Layer | None:
    """Return the source whose history a result has, up to the step ``by`` that made it; None where
    there is none.
    """
    wanted = path(result, before=by)
    return next((source for source in sources if path(source) == wanted), None)


def starts_with(result: Layer, source: Layer) -> bool:
    """Say whether the history of a result begins with that of its source; several steps may lie
    between.
    """
    start = path(source)
    return path(result)[: len(start)] == start


def what_changed(objects: Layer, phases: Layer) -> str:
    """Return what differs between the present phases and those that were measured.

    Returns
    -------
    str
        ``thresholds``, ``envelope``, ``volume``, ``painted`` where they were corrected by hand, or
        ``phases`` where it is something else.
    """
    made, now_made = path(objects, before="label"), path(phases)
    if _without_edits(made) == _without_edits(now_made):
        return "painted" if made != now_made else "phases"
    for old, new in zip(made, now_made, strict=False):
        if old == new:
            continue
        (old_name, before), (new_name, now) = json.loads(old), json.loads(new)
        if old_name != "segment" or new_name != "segment":
            return "volume"
        if before.get("thresholds") != now.get("thresholds"):
            return "thresholds"
        if before.get("envelope") != now.get("envelope"):
            return "envelope"
        break
    return "phases"


def _without_edits(steps: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(step for step in steps if json.loads(step)[0] != EditByHandStep.NAME)


def _steps(layer: Layer | None) -> tuple[HistoryStep, ...]:
    return steps_of(record_of(layer))


def _word(step: HistoryStep) -> str:
    return _plain([step.name, step.parameters])


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=_as_json)


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return value.tolist() if hasattr(value, "tolist") else str(value)
