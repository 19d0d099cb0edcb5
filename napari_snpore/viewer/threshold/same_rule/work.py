"""Applies the rule of a Threshold form to the volumes of the other specimens in the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from qtpy.QtCore import QObject

from napari_snpore.compute import Progress, ShouldStop, check_stop, share_of
from napari_snpore.errors import InputError
from napari_snpore.viewer.edits.watch import hand_edits
from napari_snpore.viewer.forms.form import CAVEAT, caveat
from napari_snpore.viewer.forms.form_values import form_values
from napari_snpore.viewer.forms.tilt_images import TiltImages, images_behind
from napari_snpore.viewer.shared.events import breathe
from napari_snpore.viewer.shared.layer_history import is_part
from napari_snpore.viewer.shared.layers import is_volume, stem_of, volume_from_layer
from napari_snpore.viewer.shared.view_kept import keeping_choice
from napari_snpore.viewer.shared.worker import InUse
from napari_snpore.viewer.threshold.layers import phases_of, show_phases
from napari_snpore.viewer.threshold.memory import SavedForm
from napari_snpore.viewer.threshold.same_rule.steps import (
    PhasesByRule,
    RuleInUse,
    phases_by_rule,
    rule_of,
)
from napari_snpore.volume import Volume

if TYPE_CHECKING:
    from napari_snpore.viewer.threshold.widget import ThresholdWidget


@dataclass(frozen=True, eq=False)
class OtherVolume:
    """The volume of another specimen, and the images behind it where the rule asks them."""

    layer: Layer
    volume: Volume
    images: TiltImages | None = None


class SameRule(QObject):
    """The button of a form, its work and its words."""

    def __init__(self, form: ThresholdWidget, viewer: Any) -> None:
        super().__init__(form)
        self._form, self._viewer = form, viewer
        form.same_rule.button.clicked.connect(self.start)

    def start(self) -> None:
        """Start to apply the rule to all other specimens."""
        form = self._form
        try:
            own, rule = form.required_layer(), self._rule()
            others, left_out = self._others(own, rule)
            if not others:
                raise InputError(
                    " ".join(left_out)
                    or "There is no volume of another specimen in this window; open the other states first."
                )
        except InputError as error:
            form.status.refuse(error)
            return

        def work(progress: Progress, should_stop: ShouldStop) -> list[PhasesByRule | InputError]:
            made: list[PhasesByRule | InputError] = []
            for number, other in enumerate(others):
                check_stop(should_stop)
                part = share_of(progress, number / len(others), (number + 1) / len(others))
                assert part is not None
                try:
                    made.append(phases_by_rule(other.volume, other.images, rule, part, should_stop))
                except InputError as error:
                    made.append(error)
            return made

        def done(made: list[PhasesByRule | InputError]) -> None:
            self._show(rule, others, made, left_out)

        layers = (own, *(other.layer for other in others))
        in_use = InUse(self._viewer, layers, "no phases were made")
        form.status.run("Same rule", work, done, of=in_use)

    def _rule(self) -> RuleInUse:
        form = self._form
        histogram = form.histogram
        if histogram is None or not form.thresholds:
            raise InputError("There are no thresholds yet: wait for the histogram, or set them.")
        return rule_of(
            form.rule_in_use,
            form.thresholds,
            histogram,
            form.scheme,
            form.envelope.options() if form.has_envelope else None,
            form.cleanup.options(),
        )

    def _others(self, own: Layer, rule: RuleInUse) -> tuple[list[OtherVolume], list[str]]:
        """Return the latest volume of every other specimen, and a sentence for each that cannot be
        used.
        """
        latest = {
            stem_of(layer.name): layer
            for layer in self._viewer.layers
            if is_volume(layer) and not is_part(layer) and stem_of(layer.name) != stem_of(own.name)
        }
        found: list[OtherVolume] = []
        left_out: list[str] = []
        for layer in latest.values():
            try:
                volume = volume_from_layer(layer)
            except InputError as error:
                left_out.append(f"'{layer.name}' was left out: {error}")
                continue
            images = None
            if rule.section.method == "projection":
                try:
                    images = images_behind(self._viewer, layer)
                except InputError:
                    images = None  # the rule that stands in for it says so
            found.append(OtherVolume(layer, volume, images))
        return found, left_out

    def _show(
        self,
        rule: RuleInUse,
        others: list[OtherVolume],
        made: list[PhasesByRule | InputError],
        left_out: list[str],
    ) -> None:
        form, shown_layers, lines = self._form, [], []
        for other, one in zip(others, made, strict=True):
            stem = stem_of(other.layer.name)
            if isinstance(one, InputError):
                lines.append(f"{stem}: {caveat(str(one))}")
                continue
            edited = sum(step.voxels for step in hand_edits(phases_of(self._viewer, other.layer)))
            with keeping_choice(self._viewer):
                shown = show_phases(self._viewer, other.layer, one.labelled.phases, rule.scheme)
                shown.visible = False  # it lies where those of this form do
            form.remember_other(other.layer, self._saved(rule, one))
            breathe(self._viewer)
            shown_layers.append(shown)
            words = f"<b>{stem}</b>: {one.words}"
            if one.chosen.note:
                words += f". {CAVEAT} {one.chosen.note}"
            if edited:
                words += f". {CAVEAT} The corrections by hand of its earlier phases ({edited:,} voxels) are gone"
            lines.append(words)
        lines += [caveat(sentence) for sentence in left_out]
        form.same_rule.show_lines(lines)
        if shown_layers:
            names = ", ".join(f"'{layer.name}'" for layer in shown_layers)
            form.status.say(
                f"Made {names} by the same rule; hidden, for they overlap.",
                of=InUse(self._viewer, tuple(shown_layers)),
            )
        else:
            form.status.say("No phases were made; Other states says why.", problem=True)

    def _saved(self, rule: RuleInUse, one: PhasesByRule) -> SavedForm:
        """Return the state in which the form shows that volume when it is chosen."""
        chosen = one.chosen
        return SavedForm(
            chosen.thresholds,
            chosen.thresholds if chosen.suggestion is None else None,
            chosen.suggestion,
            rule.scheme,
            form_values(self._form.envelope),
            one.histogram,
            one.labelled.enclosed,
            None,
            chosen.residual_map,
        )
