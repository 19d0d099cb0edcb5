from __future__ import annotations

from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_snpore
from napari_snpore.files.formats import FORMATS, WRITTEN
from napari_snpore.files.side_files import MDOC
from napari_snpore.files.surfaces import SURFACES
from napari_snpore.viewer.window.manifest import NAME as MANIFEST_NAME


@pytest.fixture(scope="module")
def manifest():
    return PluginManifest.from_file(Path(napari_snpore.__file__).parent / "napari.yaml")


def test_every_command_leads_to_something(manifest):
    assert manifest.name == "napari-snpore"
    assert manifest.display_name == "snpore"
    for command in manifest.contributions.commands:
        assert command.id.startswith("napari-snpore.")
        module, name = command.python_name.split(":")
        assert module == "napari_snpore.viewer", "it is loaded while the window is drawn"
        assert callable(getattr(pytest.importorskip(module), name))


def test_contributions_are_those_of_the_plan(manifest):
    found = manifest.contributions
    assert {widget.display_name for widget in found.widgets} >= {
        "Reconstruct",
        "Threshold",
        "Measure",
    }
    assert {sample.key for sample in found.sample_data} == {
        "needle",
        "pristine",
        "sodiated",
        "desodiated",
        "swelling",
        "three_states",
    }
    assert {suffix for writer in found.writers for suffix in writer.filename_extensions} == {
        ".csv",
        *WRITTEN,
        *SURFACES,
    }
    assert found.readers[0].accepts_directories


def test_the_reader_is_offered_for_the_registered_formats(manifest):
    suffixes = [suffix for one in FORMATS if one.napari_patterns for suffix in one.suffixes]
    patterns = manifest.contributions.readers[0].filename_patterns
    assert sorted(patterns) == sorted(
        [*(f"*{suffix}" for suffix in suffixes), f"*{MDOC}", MANIFEST_NAME]
    )


def test_a_saved_window_has_one_reader_and_a_folder_several(manifest):
    """napari asks where several plugins may read a path: its own reader claims every folder."""
    own = manifest.contributions.readers[0]
    assert MANIFEST_NAME in own.filename_patterns
    builtin = PluginManifest.from_distribution("napari").contributions.readers
    name = Path(MANIFEST_NAME)
    assert not any(name.match(pattern) for one in builtin for pattern in one.filename_patterns)
    assert any(one.accepts_directories for one in builtin), "else folders need no question either"


def test_widgets_stand_in_the_menus_of_their_step(manifest):
    menus = manifest.contributions.menus
    assert {item.command for item in menus["napari/layers/segment"]} >= {"napari-snpore.threshold"}
    assert {item.command for item in menus["napari/layers/measure"]} >= {"napari-snpore.measure"}
    assert {item.command for item in menus["napari/layers/transform"]} >= {
        "napari-snpore.reconstruct"
    }
