"""One page for each public name, and lists of them by field: functions, figures, widgets of the window."""

import inspect

import napari_snpore
from napari_snpore import figures

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


FIGURE_GROUPS = {
    "From a specimen": ("slices", "tilts", "turned_views", "slice_stack"),
    "Of a reconstruction": ("tomography_plots", "blur_plot", "correlation_plot"),
    "Of thresholds": ("threshold_plot", "residual_map"),
    "Of numbers": ("fraction_plot", "object_plots", "truth_plot"),
    "Panels of a plate": (),
    "The plate": ("plate_drawing", "plate_layout", "plate_recipe", "plate_spec"),
    "Style and files": ("style", "save"),
}
"""Heading of each group of figures, and the modules of the folder that it holds."""


def pages():
    """Return the list of the names as `python.rst`, and a page each; figures and their list as well."""
    by_field = {heading: [] for heading in FIELDS}
    for name in public_names():
        by_field[field_of(name)].append(name)
    by_group = {heading: [] for heading in FIGURE_GROUPS}
    for name in figure_names():
        by_group[_group_of(name)].append(name)
    found = {
        "python.rst": _list("Python", _INTRODUCTION, "napari_snpore", by_field),
        "figures.rst": _list("Figures", _OF_FIGURES, "napari_snpore.figures", by_group),
    }
    for module, names in ((napari_snpore, public_names()), (figures, figure_names())):
        for name in names:
            found[f"{module.__name__}.{name}.rst"] = _page(module, name)
    return found


def figure_names():
    """Return the figures and panels that have a page: not the widths in mm, which are plain numbers."""
    return [name for name in figures.__all__ if not isinstance(getattr(figures, name), float)]


def widget_pages():
    """Return the list of the widgets as `widgets.rst`, and a page each; this imports napari and Qt."""
    from napari_snpore import viewer

    order = {"Widgets": list(viewer.__all__)}
    found = {"widgets.rst": _list("Widgets", _OF_WIDGETS, "napari_snpore.viewer", order)}
    for name in viewer.__all__:
        members = ", ".join(_own_members(getattr(viewer, name)))
        found[f"napari_snpore.viewer.{name}.rst"] = _page(viewer, name, members)
    return found


_HOOKS = {"state", "set_state", "closed"}
"""Methods of every form that saved windows and docks call, and no script."""


def _own_members(kind):
    """Return the members of a form for scripts: its own, without those that Qt calls."""
    return [
        name
        for name, member in vars(kind).items()
        if not name.startswith("_")
        and not name.lower().endswith("event")
        and name not in _HOOKS
        and _described(member)
    ]


def _described(member):
    return (inspect.isfunction(member) or isinstance(member, property)) and bool(member.__doc__)


def _group_of(name):
    if name.endswith("Panel"):
        return "Panels of a plate"
    module = figures._HOME[name]
    return next(heading for heading, modules in FIGURE_GROUPS.items() if module in modules)


def _list(title, introduction, module, groups):
    text = [_title(title), introduction]
    for heading, names in groups.items():
        if len(groups) > 1:
            text.append(_title(heading, "-"))
        text += [".. autosummary::", "   :nosignatures:", ""]
        text += [f"   {module}.{name}" for name in sorted(names, key=str.lower)] + [""]
    every = sorted((name for names in groups.values() for name in names), key=str.lower)
    text += [".. toctree::", "   :hidden:", "", *(f"   {module}.{name}" for name in every)]
    return "\n".join(text) + "\n"


_INTRODUCTION = """
``import napari_snpore as snpore``: all names below are found there. They are loaded when first used and
need neither Qt nor napari. Lengths are in nm, angles in degrees; arrays have axes (z, y, x), tilt series
(tilt, y, x). Where a function takes a :class:`~napari_snpore.Volume` or an array, an array needs
``spacing``. ``progress(done, total)`` and ``should_stop()`` are plain callables.
"""

_OF_FIGURES = """
``from napari_snpore.figures import ortho_slices``: functions that return a matplotlib ``Figure``, drawn for print
and without pyplot, and panels that :func:`~napari_snpore.figures.plate` puts together on a sheet.
:func:`~napari_snpore.figures.save_figure` writes one. The sheet of several states is
``comparison_plate`` of ``napari_snpore.figures.comparison_plate``. ``SINGLE_COLUMN_MM`` (88) and ``DOUBLE_COLUMN_MM`` (180)
are widths for :class:`~napari_snpore.figures.FigureStyle`; see :doc:`../../compare`.
"""

_OF_WIDGETS = """
``from napari_snpore.viewer import WorkbenchWidget``: the forms of the window, for scripts and for napari's console. Each
takes the viewer as its one argument; the layer that it works on is its ``layer``, its main button ``main_button``. They need
napari and Qt. What the forms do with the mouse is in :doc:`../../window`.
"""


def _title(words, line="="):
    return f"{words}\n{line * len(words)}\n"


def _page(module, name, members=""):
    whole = f"{module.__name__}.{name}"
    found = getattr(module, name)
    lines = [_title(name), f".. currentmodule:: {module.__name__}", ""]
    if inspect.isclass(found):
        lines += [f".. autoclass:: {name}", f"   :members: {members}".rstrip()]
    elif callable(found):
        lines += [f".. autofunction:: {name}"]
    else:
        lines += [f".. autodata:: {name}"]
    lines += ["", f".. minigallery:: {whole}", "   :add-heading: Examples that use it", ""]
    return "\n".join(lines)
