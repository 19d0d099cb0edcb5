"""The classes of the widgets: where they are imported from, and that no attribute of ours hides one
of Qt's.
"""

from __future__ import annotations

import ast
import importlib
import importlib.resources
import inspect
import pkgutil
import subprocess
import sys
import textwrap

import pytest
import yaml
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QLabel, QWidget

import napari_snpore.viewer


def qt_classes():
    """Return every class of the viewer that derives from one of Qt's."""
    found = []
    for module in pkgutil.walk_packages(napari_snpore.viewer.__path__, "napari_snpore.viewer."):
        for one in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(one) and issubclass(one, QObject) and one.__module__ == module.name:
                found.append(one)
    return found


def hidden_names(cls):
    """Return the attributes and properties of a class that its base outside of the package has
    under the same name.
    """
    base = next(
        one for one in cls.__mro__ if not one.__module__.startswith(("napari_snpore", __name__))
    )
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    stored = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    properties = {name for name, member in vars(cls).items() if isinstance(member, property)}
    return {name for name in stored | properties if hasattr(base, name)}


def test_no_attribute_hides_one_of_qt():
    classes = qt_classes()
    assert len(classes) > 60
    assert {
        f"{one.__module__}.{one.__name__}": hidden_names(one)
        for one in classes
        if hidden_names(one)
    } == {}


def test_an_attribute_that_hides_a_method_is_found():
    class Hiding(QWidget):
        def __init__(self):
            super().__init__()
            self.size = QLabel()
            self.numbers = QLabel()

        @property
        def window(self):
            return (0.0, 1.0)

    assert hidden_names(Hiding) == {"size", "window"}


@pytest.mark.parametrize("name", napari_snpore.viewer.__all__)
def test_widget_is_importable_from_the_viewer_folder(name):
    cls = getattr(napari_snpore.viewer, name)
    assert issubclass(cls, QWidget)
    assert cls.__name__ == name


def test_every_widget_of_the_menus_is_exported():
    manifest = yaml.safe_load(
        importlib.resources.files("napari_snpore").joinpath("napari.yaml").read_text("utf-8")
    )
    commands = {one["id"]: one["python_name"] for one in manifest["contributions"]["commands"]}
    menus = {commands[one["command"]].split(":")[1] for one in manifest["contributions"]["widgets"]}
    assert menus == set(napari_snpore.viewer.__all__)


def test_importing_the_viewer_folder_brings_in_no_qt():
    code = (
        "import sys, napari_snpore.viewer; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    loaded = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )
    assert "napari_snpore" in loaded
    assert not loaded & {"napari", "qtpy", "PyQt6", "PySide6", "vispy", "magicgui", "superqt"}
