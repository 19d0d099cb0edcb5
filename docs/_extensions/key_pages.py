"""Keys of recipes and studies with type, default and meaning, and columns of tables."""

import re
import types
import typing
from pathlib import Path

from markdown_table import code, table
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from napari_snpore.measurement.columns import COLUMNS
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.states.study_recipe import FibreEntry, StateSection, StudySection
from napari_snpore.tomography.options import METHODS

DOCS = Path(__file__).parents[1]
_KEY = re.compile(r"(?:# )?(\w+) = (.*?)\s*(?:#\s*(.*))?")
_SECTION = re.compile(r"(?:# )?\[{1,2}([\w.]+)\]{1,2}.*")


_BESIDE = {
    ("input", "volume"): "a volume that was reconstructed elsewhere, in place of a tilt series",
    ("state", "name"): "stands on tables and figures, and is the folder of its fibres",
    ("entry", "path"): "a tilt series, a recipe or the folder of a finished run",
    ("entry", "name"): "under which it is reported; default: from the file",
}
"""What the examples have no comment for."""


def comments(page):
    """Return what the examples of a page say of each key, by (section, key)."""
    found, section, last = {}, "", None
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        section, last = "", None
        for line in block.splitlines():
            if match := _SECTION.fullmatch(line):
                section, last = match[1], None
            elif match := _key_of(line):
                last = (section, match[1])
                found.setdefault(last, match[3] or "")
            elif last and (match := re.fullmatch(r"\s{8,}#\s*(.*)", line)):
                found[last] = f"{found[last]} {match[1]}"
            else:
                last = None
    return found


def _key_of(line):
    """Match a line with a key, given or commented out; strings may hold the sign of a comment."""
    hidden = re.sub(r'"[^"]*"', lambda text: text[0].replace("#", "\0"), line)
    match = _KEY.fullmatch(hidden)
    return match


def pages():
    """Return `recipe_keys.md`, `study_keys.md` and `columns.md`."""
    return {
        "recipe_keys.md": _recipe(),
        "study_keys.md": _study(),
        "columns.md": _columns(),
    }


def recipe_sections():
    """Return the fields of each section of a recipe: (name of the section, class that holds them)."""
    sections = []
    for name, field in Recipe.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            sections.append((name, kind))
    options = [(f"reconstruct.{name}", kind) for name, kind in METHODS.items()]
    place = [name for name, _ in sections].index("reconstruct") + 1
    return sections[:place] + options + sections[place:]


def _recipe():
    said = comments("recipe.md")
    text = [
        "# Keys of a recipe",
        "",
        "Every key that `snpore run` reads, from the schema that checks it. A recipe with its comments, to copy from, is",
        "in [The recipe](../../recipe.md). A key without a default may be left out, too, unless its type says *needed*.",
        "",
    ]
    own = {name: one for name, one in Recipe.model_fields.items() if name in ("name", "seed")}
    text += [_keys_table("", own, said)]
    for name, kind in recipe_sections():
        text += [f"## [{name}]", "", _keys_table(name, _fields(kind), said)]
    return "\n".join(text)


def _study():
    said = comments("study.md")
    text = [
        "# Keys of a study",
        "",
        "Every key that `snpore compare` reads. An example with comments is in [A study](../../study.md); the sections of",
        "`[shared]` and of a state are those of a recipe: [keys of a recipe](recipe_keys.md).",
        "",
    ]
    for heading, section, kind in (
        ("[study]", "study", StudySection),
        ("[[state]]", "state", StateSection),
        ("An entry of fibres or volumes", "entry", FibreEntry),
    ):
        text += [f"## {heading}", "", _keys_table(section, _fields(kind), said)]
    return "\n".join(text)


def _fields(kind):
    if issubclass(kind, BaseModel):
        return kind.model_fields
    from dataclasses import fields

    hints = typing.get_type_hints(kind, include_extras=True)
    return {one.name: _Field(hints[one.name], one.default) for one in fields(kind)}


class _Field:
    """A field of a dataclass, as pydantic would show it."""

    def __init__(self, annotation, default):
        self.annotation, self.default, self.metadata = annotation, default, ()

    def is_required(self):
        return False


def _keys_table(section, fields, said):
    rows = []
    for name, field in fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            continue
        if section == "reconstruct" and name in METHODS:
            continue
        default = "*needed*" if field.is_required() else _default(field)
        words = said.get((section, name)) or _BESIDE.get((section, name), "")
        rows.append([code(name), _kind(field), default, _prose(words)])
    return table(["key", "type", "default", "meaning"], rows)


def _default(field):
    value = field.default
    if value is None or value is PydanticUndefined:
        return ""
    return code(_toml(value))


def _toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value)


_WORDS = {str: "text", bool: "true, false", int: "whole number", float: "number"}


def _kind(field):
    return _type(field.annotation, _bounds(field.metadata))


def _type(kind, bounds=""):
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _type(inner[0], _bounds(inner[1:]) or bounds)
    if origin is typing.Literal:
        return ", ".join(code(_toml(one)) for one in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(one, bounds) for one in inner if one is not type(None))
    if origin in (list, tuple):
        one = {_type(part) for part in inner if part is not Ellipsis}
        count = f"{len(inner)} " if origin is tuple and Ellipsis not in inner else ""
        return f"list of {count}{' or '.join(sorted(one))}"
    if origin is dict:
        return f"table of {_type(inner[1])} by name"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "table"
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind))) + bounds


def _bounds(metadata):
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    limits = []
    for one in metadata:
        parts = getattr(one, "metadata", None) or [one]
        for part in parts:
            limits += [
                f"{sign} {getattr(part, name):g}"
                for name, sign in signs.items()
                if getattr(part, name, None) is not None
            ]
    return f" {', '.join(limits)}" if limits else ""


def _prose(words):
    """Keep quoted values as code, and signs that Markdown reads as its own."""
    words = re.sub(r'"([^"]*)"', r'`"\1"`', words)
    return re.sub(r"(?<!`)([<>*\[\]])(?!`)", r"\\\1", words)


def _columns():
    rows = [[code(name), one.words, one.unit, one.meaning] for name, one in COLUMNS.items()]
    return "\n".join(
        [
            "# Columns of the tables",
            "",
            "Units are at the end of the names. What the numbers mean, with formulas and limits, is in",
            "[What the numbers mean](../../definitions.md).",
            "",
            "## Objects",
            "",
            "`tables/objects_*.csv` of a run, `snpore measure`, the table of the Measure form and",
            "[`measure_objects`](napari_snpore.measure_objects.rst).",
            "",
            table(["column", "in words", "unit", "meaning"], rows),
            "",
            "## Other tables",
            "",
            "Their columns are described where the function that makes them is:",
            "",
            table(
                ["table", "function"], [[code(file), _function(name)] for file, name in _MADE_BY]
            ),
        ]
    )


_MADE_BY = (
    ("fractions.csv", "volume_fractions"),
    ("dead_pores.csv", "dead_pores"),
    ("accessible_pores.csv", "accessible_pores"),
    ("threshold_sensitivity.csv", "threshold_sensitivity"),
    ("fractions_by_slice.csv", "slice_fractions"),
    ("shells.csv", "radial_profile"),
    ("contacts_*.csv", "contact_areas"),
    ("networks.csv", "phase_networks"),
    ("nearest_*.csv", "nearest_neighbors"),
    ("correlation_pore.csv", "two_point_correlation"),
    ("cube_sizes.csv", "cube_fractions"),
    ("detection_limit.csv", "detection_limit"),
    ("tilts.csv", "inspect_tilts"),
    ("states.csv, differences.csv, distributions.csv", "compare_states"),
    ("in situ: diameters", "fibre_diameter"),
    ("in situ: boxes", "box_intensities"),
)


def _function(name):
    return f"[`{name}`](napari_snpore.{name}.rst)"
