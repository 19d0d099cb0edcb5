"""Values of the page in napari's Preferences, and what they change."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_snpore import memory, threads
from napari_snpore.errors import InputError
from napari_snpore.memory import NotEnoughMemoryError, check_memory, memory_limit, use_at_most
from napari_snpore.threads import thread_count, use_threads
from napari_snpore.viewer.figure.widget import FigureWidget
from napari_snpore.viewer.forms.path_dialogs import folder_of, note_folder
from napari_snpore.viewer.preferences import Preferences, preferences, use_limits
from napari_snpore.viewer.shared.layers import phases_data, scheme_of, volume_data
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.volume import Volume

MODULE = "napari_snpore.viewer.preferences.page"


@pytest.fixture
def kept(monkeypatch):
    """What napari keeps, in place of the file of the person who runs the tests."""
    work = SimpleNamespace(threads=0, memory_limit_mb=0, default_folder="")
    look = SimpleNamespace(
        pore_color="#ffffff", carbon_color="#2f6db5", tin_color="#f4c20d", figure_font_pt=7.0
    )
    values = SimpleNamespace(work=work, look=look)
    monkeypatch.setattr(f"{MODULE}._kept_by_napari", lambda: values)
    monkeypatch.delenv("SNPORE_THREADS", raising=False)
    yield values
    use_threads(None)
    use_at_most(None)


def test_defaults_are_those_of_the_manifest():
    from importlib.resources import files

    from npe2 import PluginManifest

    manifest = PluginManifest.from_file(str(files("napari_snpore") / "napari.yaml"))
    declared = {
        key: one.default
        for section in manifest.contributions.configurations.values()
        for key, one in section.properties.items()
    }
    assert declared == vars(Preferences())


def test_threads_and_memory_hold_from_the_next_step_on(kept, qtbot):
    kept.work.threads, kept.work.memory_limit_mb = 3, 50
    status = StepStatus()
    qtbot.addWidget(status)
    found = []
    status.run("Count", lambda progress, should_stop: thread_count(), found.append)
    status.wait()
    assert found == [3]
    assert memory_limit() == 50_000_000
    with pytest.raises(NotEnoughMemoryError, match=r"the memory limit is 50 MB"):
        check_memory("A step", 60_000_000)
    assert memory_limit(10_000_000) == 10_000_000, "an argument is stronger"
    kept.work.threads = kept.work.memory_limit_mb = 0
    use_limits()
    assert threads._preferred_threads is None
    assert memory._preferred_limit is None


def test_the_environment_is_stronger_than_the_page(kept, monkeypatch):
    monkeypatch.setenv("SNPORE_THREADS", "2")
    kept.work.threads = 5
    use_limits()
    assert thread_count() == 2


def test_threads_below_one_are_refused():
    with pytest.raises(InputError, match="1 or more"):
        use_threads(0)


def test_new_phases_have_the_preferred_colors_and_known_ones_keep_theirs(kept, viewer, qtbot):
    labels = Volume(np.arange(8, dtype=np.uint8).reshape(2, 2, 2) % 4, (1.0, 1.0, 1.0))
    old = viewer.add_layer(_layer(phases_data(labels, "old")))
    kept.look.tin_color, kept.look.pore_color = "#ff0000", "no colour"
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    assert widget.scheme.colors == ("#ffffff", "#2f6db5", "#ff0000")
    assert scheme_of(old).colors == ("#ffffff", "#2f6db5", "#f4c20d")


def test_new_figures_have_the_preferred_type(kept, viewer, qtbot):
    kept.look.figure_font_pt = 9.5
    widget = FigureWidget(viewer)
    qtbot.addWidget(widget)
    assert widget.font_box.value() == 9.5


def test_dialogs_start_beside_the_data_else_in_the_preferred_folder(kept, viewer, tmp_path):
    preferred, data = tmp_path / "preferred", tmp_path / "data"
    for folder in (preferred, data):
        folder.mkdir()
    kept.work.default_folder = str(preferred)
    assert folder_of(viewer, None) == preferred
    volume = Volume(np.zeros((2, 2, 2), np.float32), (1.0, 1.0, 1.0))
    opened = viewer.add_layer(_layer(volume_data(volume, "fibre")))
    note_folder(viewer, [opened], data / "fibre.mrc")
    made = viewer.add_layer(_layer(volume_data(volume, "fibre · SIRT 50")))
    other = viewer.add_layer(_layer(volume_data(volume, "elsewhere")))
    assert folder_of(viewer, made) == data, "a result lies where its specimen does"
    assert folder_of(viewer, other) == data
    data.rmdir()
    assert folder_of(viewer, made) == preferred


def test_a_folder_that_is_gone_counts_as_none(kept):
    kept.work.default_folder = "/nowhere/at/all"
    assert preferences().folder is None
    assert preferences().default_folder == "/nowhere/at/all"


def _layer(data):
    from napari.layers import Layer

    return Layer.create(*data)


def test_the_page_of_napari_is_read(plugin_settings, npe2pm):
    """Through napari's own settings, as the page in its Preferences writes them."""
    from importlib.resources import files

    from napari.settings import get_plugin_settings
    from npe2 import PluginManifest

    assert preferences() == Preferences(), "napari has not found the plugin"
    npe2pm.register(PluginManifest.from_file(str(files("napari_snpore") / "napari.yaml")))
    page = get_plugin_settings("napari-snpore")
    page.work.threads = 4
    page.work.memory_limit_mb = 3000
    page.look.tin_color = " #123456 "
    page.look.figure_font_pt = 8.0
    found = preferences()
    assert (found.threads, found.memory_limit_mb, found.figure_font_pt) == (4, 3000, 8.0)
    assert found.scheme(3).colors == ("#ffffff", "#2f6db5", "#123456")
    assert found.scheme(2).names == ("pore", "solid")
    assert len(found.scheme(5).colors) == 5
