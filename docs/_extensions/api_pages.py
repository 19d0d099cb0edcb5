"""One page for each public name, and a list of them by field."""

import inspect

import napari_snpore

FIELDS = {
    "Files and volumes": ("files", "volume", "history"),
    "Tilt series and reconstruction": ("tomography",),
    "Segmentation": ("segmentation",),
    "Measurement": ("measurement",),
    "Slices, lines and boxes": ("oblique", "line_profiles", "subvolume"),
    "In situ": ("in_situ",),
    "Errors of the numbers": ("uncertainty",),
    "Runs and reports": ("study", "report"),
    "Several states and files": ("comparison", "study.states"),
    "Phantoms": ("phantom",),
    "Exceptions": ("errors",),
}
"""Heading of each field, and the modules of the package that it holds; the longest match counts."""


def field_of(name):
    """Return the heading under which a public name stands."""
    module = getattr(napari_snpore, name).__module__.removeprefix("napari_snpore.")
    places = [
        (len(place), heading)
        for heading, modules in FIELDS.items()
        for place in modules
        if f"{module}.".startswith(f"{place}.")
    ]
    return max(places)[1]


def public_names():
    """Return the public names that have a page."""
    return [name for name in napari_snpore.__all__ if name != "__version__"]


def pages():
    """Return the list of the names as `python.rst`, and a page each."""
    by_field = {heading: [] for heading in FIELDS}
    for name in public_names():
        by_field[field_of(name)].append(name)
    text = [_title("Python"), _INTRODUCTION]
    for heading, names in by_field.items():
        text += [_title(heading, "-"), ".. autosummary::", "   :nosignatures:", ""]
        text += [f"   napari_snpore.{name}" for name in sorted(names, key=str.lower)] + [""]
    text += [".. toctree::", "   :hidden:", ""]
    text += [f"   napari_snpore.{name}" for name in sorted(public_names(), key=str.lower)]
    found = {"python.rst": "\n".join(text) + "\n"}
    return found | {f"napari_snpore.{name}.rst": _page(name) for name in public_names()}


_INTRODUCTION = """
``import napari_snpore as snpore``: all names below are found there. They are loaded when first used and
need neither Qt nor napari. Lengths are in nm, angles in degrees; arrays have axes (z, y, x), tilt series
(tilt, y, x). Where a function takes a :class:`~napari_snpore.Volume` or an array, an array needs
``spacing``. ``progress(done, total)`` and ``should_stop()`` are plain callables.
"""


def _title(words, line="="):
    return f"{words}\n{line * len(words)}\n"


def _page(name):
    whole = f"napari_snpore.{name}"
    kind = "autoclass" if inspect.isclass(getattr(napari_snpore, name)) else "autofunction"
    members = ["   :members:"] if kind == "autoclass" else []
    lines = [
        _title(name),
        ".. currentmodule:: napari_snpore",
        "",
        f".. {kind}:: {name}",
        *members,
        "",
    ]
    lines += [f".. minigallery:: {whole}", "   :add-heading: Examples that use it", ""]
    return "\n".join(lines)
