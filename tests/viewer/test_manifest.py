from __future__ import annotations

from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_snpore


@pytest.fixture(scope="module")
def manifest():
    return PluginManifest.from_file(Path(napari_snpore.__file__).parent / "napari.yaml")


def test_every_command_leads_to_something(manifest):
    assert manifest.name == "napari-snpore"
    assert manifest.display_name == "snpore"
    for command in manifest.contributions.commands:
        assert command.id.startswith("napari-snpore.")
        module, name = command.python_name.split(":")
        assert callable(getattr(pytest.importorskip(module), name))


def test_contributions_are_those_of_the_plan(manifest):
    found = manifest.contributions
    assert {widget.display_name for widget in found.widgets} >= {"Reconstruct", "Threshold", "Measure"}
    assert {sample.key for sample in found.sample_data} == {"needle", "pristine", "sodiated", "desodiated", "swelling"}
    assert {suffix for writer in found.writers for suffix in writer.filename_extensions} == {".tif", ".tiff", ".csv"}
    patterns = set(found.readers[0].filename_patterns)
    assert patterns >= {
        f"*{suffix}" for suffix in (".mrc", ".st", ".rec", ".dm3", ".dm4", ".emd", ".hspy", ".am", ".tif")
    }
    assert found.readers[0].accepts_directories


def test_widgets_stand_in_the_menus_of_their_step(manifest):
    menus = manifest.contributions.menus
    assert {item.command for item in menus["napari/layers/segment"]} >= {"napari-snpore.threshold"}
    assert {item.command for item in menus["napari/layers/measure"]} >= {"napari-snpore.measure"}
    assert {item.command for item in menus["napari/layers/transform"]} >= {"napari-snpore.reconstruct"}
