"""Names of the threshold rules for people; recipes, commands and histories keep the keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RuleName:
    """Name and explanation of one threshold rule.

    Attributes
    ----------
    name : str
        As it stands in lists and reports.
    sentence : str
        What the rule looks for, and when to take it.
    """

    name: str
    sentence: str


RULE_NAMES: Mapping[str, RuleName] = {
    "auto": RuleName(
        "automatic",
        "By the tilt images where they are there and the volume was made by TV with a known blur;"
        " else Sn first, then carbon.",
    ),
    "projection": RuleName(
        "by the tilt images",
        "The thresholds whose phases, blurred and projected, differ least from the tilt images."
        " Takes some seconds.",
    ),
    "haadf": RuleName(
        "Sn first, then carbon (HAADF)",
        "Finds the bright tin first, then the edge between vacuum and carbon in what is left:"
        " for HAADF volumes, in which tin is some 12 times as bright as carbon.",
    ),
    "multiotsu": RuleName(
        "least variance (multi-Otsu)",
        "Splits the grey values so that the variance within the classes is least: for phases of"
        " similar contrast and similar amount.",
    ),
    "kmeans": RuleName(
        "between class means (k-means)",
        "The classes of multi-Otsu, with each threshold half way between the means of two classes.",
    ),
    "valley": RuleName(
        "lowest counts between peaks (valley)",
        "The lowest point of the histogram between two peaks: for histograms with clear gaps.",
    ),
    "mixture": RuleName(
        "normal distributions (mixture)",
        "Fits one normal distribution to each phase; a threshold lies where two are equally"
        " likely.",
    ),
    "minimum_error": RuleName(
        "minimum error (Kittler and Illingworth)",
        "Assumes normally distributed phases and makes the expected number of wrong voxels least.",
    ),
    "li": RuleName(
        "minimum cross entropy (Li)",
        "Two phases only: a threshold that keeps a small bright phase apart from a wide dark one.",
    ),
    "given": RuleName("set by hand", "The thresholds were given, not suggested by a rule."),
}
"""Name and sentence of each rule by its key, in the order of lists."""


_OF_TWO_PHASES: Mapping[str, RuleName] = {
    "haadf": RuleName(
        "half way from vacuum to solid (HAADF)",
        "Finds the grey levels of vacuum and of the solid; the threshold lies half way between"
        " them.",
    ),
}
"""What a rule that knows about tin does where there is none."""


def rule_words(key: str, phases: int = 3) -> RuleName:
    """Return name and sentence of a rule by its key, for so many phases.

    Raises
    ------
    KeyError
        There is no such rule.
    """
    return _OF_TWO_PHASES.get(key, RULE_NAMES[key]) if phases == 2 else RULE_NAMES[key]


def rule_name(key: str, phases: int = 3) -> str:
    """Return the name of a rule by its key; a key without a name stays itself.

    Examples
    --------
    >>> rule_name("haadf"), rule_name("given")
    ('Sn first, then carbon (HAADF)', 'set by hand')
    >>> rule_name("haadf", phases=2)
    'half way from vacuum to solid (HAADF)'
    """
    return rule_words(key, phases).name if key in RULE_NAMES else key
