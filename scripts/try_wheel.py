"""Use an installed napari-snpore as a stranger does: commands, a small run from tilts to numbers,
the manifest and the window. Nothing is imported from a checkout. Writes into the current folder.
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

RECIPE = '[input]\ntilt_series = "fibre/tilts.tif"\n[reconstruct]\nmethod = "sirt"\n'


def snpore(*words: str) -> str:
    """Run a command as installed; return what it prints."""
    command = Path(sys.executable).with_name("snpore")
    done = subprocess.run([command, *words], check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout


def use_commands() -> None:
    """Run a phantom from tilts to numbers with the installed command."""
    import napari_snpore

    installed = Path(napari_snpore.__file__).resolve()
    assert "site-packages" in installed.parts, f"{installed} is not what was installed"
    assert all(getattr(napari_snpore, name) is not None for name in napari_snpore.__all__)
    assert snpore("--version").split() == ["snpore", version("napari-snpore")]
    assert "--output" in snpore("demo", "--help")
    shape = ("--shape", "48", "24", "48", "--spacing-nm", "0.4")
    snpore("phantom", "pristine", "-o", "fibre", *shape, "--tilts")
    Path("recipe.toml").write_text(RECIPE, encoding="utf-8")
    snpore("run", "recipe.toml", "-o", "results")
    for name in ("summary.txt", "record.json", "tables/fractions.csv"):
        assert (Path("results") / name).stat().st_size > 0, name
    print((Path("results") / "summary.txt").read_text(encoding="utf-8")[:600])


def open_window() -> None:
    """Open napari with the Workbench and a sample, found by its manifest; write a picture of it."""
    import napari
    from npe2 import PluginManager
    from qtpy.QtWidgets import QApplication

    manager = PluginManager.instance()
    manager.discover()
    manifest = manager.get_manifest("napari-snpore")
    assert manifest.package_version == version("napari-snpore")
    viewer = napari.Viewer()
    viewer.window.resize(1500, 950)
    viewer.open_sample("napari-snpore", "pristine")
    _, widget = viewer.window.add_plugin_dock_widget("napari-snpore", "Workbench")
    for _ in range(20):  # the dock is laid out and drawn
        QApplication.processEvents()
        time.sleep(0.1)
    picture = viewer.screenshot("window.png", canvas_only=False, flash=False)
    form = widget.grab().toImage()
    assert not widget.isHidden()
    assert form.width() > 100, "the Workbench has no width"
    colors = np.unique(picture[..., :3].reshape(-1, 3), axis=0)
    assert len(colors) > 50, f"the window is blank: {len(colors)} colors"
    print(f"window.png: {picture.shape[1]} x {picture.shape[0]}, {len(viewer.layers)} layers")
    viewer.close()


if __name__ == "__main__":
    use_commands()
    open_window()
    print(f"napari-snpore {version('napari-snpore')} works as installed.")
