"""Lines under the shares and the thresholds of the Threshold form: what the numbers are of, and how
clear the thresholds are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from napari_snpore.history import EditByHandStep, HistoryStep, all_steps
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.segmentation.thresholds import Suggestion
from napari_snpore.study.edit_report import edit_words, stale_words
from napari_snpore.study.segmentation_report import clarity_words
from napari_snpore.viewer.forms.form import caveat, number
from napari_snpore.viewer.threshold.preview import is_exact

LOST = "The phases of the envelope were replaced by phases of the whole box; Make envelope, then Apply, brings them back"
WOULD_LOSE = "Apply would replace the phases of the envelope by phases of the whole box; Make envelope comes first"

OLDER_PHASES = "the phases layer is of other thresholds than these; <i>Apply</i> makes it of these"
_LOSES_EDITS = "Apply and Polish make the phases anew, without these corrections"

Region = Literal["box", "envelope", "older envelope"]
"""What shares are taken of; ``older envelope``: one of other thresholds or settings."""


def region_line(region: Region, first_phase: str, *, polished: bool) -> str:
    """Say what the shares of the thresholds are of; ``polished``: the phases layer holds others.

    Examples
    --------
    >>> region_line("envelope", "pore", polished=True)
    "before polishing, of the envelope's volume"
    """
    before = "before polishing, " if polished else ""
    if region == "envelope":
        return f"{before}of the envelope's volume"
    if region == "box":
        return caveat(
            f"{before}of the whole box: vacuum counts as {first_phase} until an envelope is made"
        )
    if polished:  # Apply would put plain phases in the place of the polished ones
        return caveat(
            "these shares are before polishing and of an older envelope; <i>Make envelope</i> or"
            " <i>Polish</i> makes it fresh"
        )
    return caveat("of an older envelope; <i>Make envelope</i> or <i>Apply</i> makes it fresh")


def edited_lines(history: Sequence[HistoryStep], names: Sequence[str]) -> list[str]:
    """Say what of the phases was corrected by hand, and which numbers are of the phases before;
    empty where nothing was.
    """
    words = [edit_words(step, names) for step in all_steps(history, EditByHandStep)]
    if not words:
        return []
    return [caveat(f"edited by hand, {'; '.join(words)}. {stale_words(history)} {_LOSES_EDITS}")]


def suggestion_lines(suggestion: Suggestion | None, dtype: Any = None) -> list[str]:
    """Say how clear suggested thresholds are, and where the preview of a dtype is not exact."""
    lines = [] if suggestion is None else [clarity_words(suggestion)]
    sentences = [suggestion.warning] if suggestion is not None and suggestion.warning else []
    if dtype is not None and not is_exact(dtype):
        sentences.append(f"The preview shows {dtype} as float32; Apply is exact.")
    return [*lines, *(caveat(sentence) for sentence in sentences)]


def by_hand_line(suggestion: Suggestion | None) -> str:
    """Say that the thresholds were set by hand, and what was suggested before.

    Examples
    --------
    >>> by_hand_line(Suggestion((0.5, 6.0), 0.9, None, "haadf"))
    'set by hand; suggested were t1 0.500, t2 6.00 (Sn first, then carbon (HAADF))'
    """
    words = rule_name("given")
    if suggestion is None:
        return words
    values = ", ".join(f"t{k} {number(t)}" for k, t in enumerate(suggestion.thresholds, 1))
    rule = rule_name(suggestion.method, len(suggestion.thresholds) + 1)
    return f"{words}; suggested {'was' if len(suggestion.thresholds) == 1 else 'were'} {values} ({rule})"
