"""Thresholds suggested by a rule on the histogram, or by the tilt images in a thread."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_snpore.errors import InputError
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.segmentation.thresholds import Suggestion, suggest_thresholds
from napari_snpore.viewer.threshold.form import EMPTY
from napari_snpore.viewer.threshold.image_work import ImageWork
from napari_snpore.viewer.threshold.result_lines import by_hand_line, suggestion_lines
from napari_snpore.viewer.threshold.steps import Compared, Counted, histogram_rule

if TYPE_CHECKING:
    from napari_snpore.viewer.threshold.widget import ThresholdWidget


class Suggesting:
    """Finds thresholds by the rule that is chosen in a form, and shows how clear they are.

    Attributes
    ----------
    shown : Suggestion or None
        The one that is shown under the thresholds.
    """

    def __init__(self, form: ThresholdWidget, images: ImageWork) -> None:
        self._form, self._images = form, images
        self.shown: Suggestion | None = None

    @property
    def rule_in_use(self) -> str:
        """The rule that suggested the present thresholds; "given" where a user or a script set
        them.
        """
        return self.shown.method if self._fits and self.shown is not None else "given"

    def suggest(self) -> None:
        """Take the thresholds that the chosen rule finds."""
        form = self._form
        histogram = form.region.histogram
        if histogram is None:
            form.status.refuse(InputError(f"There is no histogram yet. {EMPTY}."))
            return
        rule = form.tools.rule
        if self._images.suggests(rule):
            self._start_compare(rule)
            return
        if rule == "projection":
            form.status.refuse(InputError(self._images.reason))
            return
        try:
            found = suggest_thresholds(
                histogram,
                phases=form.phases.box.value(),
                method=histogram_rule(rule),  # type: ignore[arg-type]
            )
        except InputError as error:
            form.status.refuse(error)
            return
        form.take_suggestion(found)

    def after_count(self, counted: Counted) -> None:
        """Follow a new histogram: say why it suggests nothing, and ask the images where the rule
        does and nobody chose thresholds.
        """
        form = self._form
        if counted.refusal:
            form.counting.say(counted.refusal, problem=True)
        rule = form.tools.rule
        if not form.has_chosen and self._images.map is None and self._images.suggests(rule):
            self._start_compare(rule, unasked=True)

    def show(self, suggestion: Suggestion | None) -> None:
        """Show how clear suggested thresholds are; None where others are in use."""
        self.shown = suggestion
        self.note_thresholds()

    def note_thresholds(self) -> None:
        """Follow the present thresholds: what is known of suggested ones holds for those alone."""
        form, layer = self._form, self._form.layer
        dtype = None if layer is None else layer.dtype
        lines = suggestion_lines(self.shown if self._fits else None, dtype)
        if form.thresholds and form.has_counted and not self._fits:
            lines.insert(0, by_hand_line(self.shown))
        form.warning.show_lines(lines)

    @property
    def _fits(self) -> bool:
        return self.shown is not None and self.shown.thresholds == self._form.thresholds

    def _start_compare(self, rule: str, *, unasked: bool = False) -> None:
        """Let the images suggest thresholds, in a thread; ``unasked``: unless a user or a script
        sets some meanwhile.
        """
        before = self._form.thresholds
        try:
            self._images.start_compare(
                partial(self._on_compared, rule, before if unasked else None)
            )
        except InputError as error:
            self._form.counting.say(str(error), problem=True)

    def _on_compared(self, rule: str, before: tuple[float, ...] | None, made: Compared) -> None:
        form = self._form
        if made.found is None:
            form.counting.say(f"{rule_name(rule)}: {made.refusal}", problem=True)
            return
        self._images.map = made.found
        found = made.found.suggestion
        moved = before is not None and (form.has_chosen or form.thresholds != before)
        if moved or len(found.thresholds) + 1 != form.phases.box.value():
            self._images.show_map()
            return
        form.take_suggestion(found)
