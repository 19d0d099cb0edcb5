"""A run by blocks writes the tables and voxels of the run in memory; it is chosen by the memory, and
says or refuses before it starts what there is not by blocks.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from napari_snpore import Volume, make_phantom, read_volume, simulate_tilt_series, write_volume
from napari_snpore.errors import InputError, Stopped
from napari_snpore.history import PolishStep, last_step, required_step
from napari_snpore.memory import NotEnoughMemoryError
from napari_snpore.segmentation.projection_residual import residual_bytes
from napari_snpore.study import pipeline
from napari_snpore.study.block_store import usual_block_shape
from napari_snpore.study.details import BY_BLOCKS
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.recipe import Recipe
from napari_snpore.tomography.discrete.blur_trials import trials_bytes
from napari_snpore.tomography.discrete.polish import polish_bytes
from napari_snpore.tomography.tv_reconstruction import largest_slab_bytes

BLOCKS = {"enabled": True, "shape": (16, 24, 16)}
EVERYTHING = {"majority_radius": 1, "fill": ["C"], "specks": {"Sn": 4, "C": 3}}


def recipe(source, **sections):
    usual = {
        "cleanup": EVERYTHING,
        "envelope": {"ray_length_nm": 3.0, "directions": 32},
        "measure": {"details": False},
        "uncertainty": {"twins": 0, "draws": 3},
        "output": {"volumes": "ome-zarr", "figures": []},
    }
    return Recipe(name="fibre", input=source, **{**usual, **sections})


def same_results(one, two):
    """Assert that two folders of runs hold the same tables and voxels."""
    for name in ("tables", "volumes"):
        listed = [sorted(path.name for path in (run / name).iterdir()) for run in (one, two)]
        assert listed[0] == listed[1]
    for path in (one / "tables").iterdir():
        assert path.read_bytes() == (two / "tables" / path.name).read_bytes(), path.name
    for path in (one / "volumes").iterdir():
        a, b = read_volume(path), read_volume(two / "volumes" / path.name)
        assert (a.dtype, a.spacing, a.origin) == (b.dtype, b.spacing, b.origin)
        assert [step.name for step in a.history] == [step.name for step in b.history]
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.fixture(scope="module")
def phantom():
    return make_phantom("pristine", shape=(64, 48, 64), spacing=0.3, seed=2)


@pytest.fixture(scope="module", params=[".ome.zarr", ".mrc"])
def gray(phantom, request, tmp_path_factory):
    path = tmp_path_factory.mktemp("gray") / f"gray{request.param}"
    random = np.random.default_rng(0)
    noisy = np.asarray(phantom.volume) + random.normal(0, 0.15, phantom.volume.shape)
    return str(write_volume(path, Volume(noisy.astype(np.float32), 0.3)))


def test_a_volume_on_disk_gives_the_same_results(gray, tmp_path):
    said = []
    whole = run_study(recipe({"volume": gray}), tmp_path / "memory")
    made = run_study(recipe({"volume": gray}, blocks=BLOCKS), tmp_path / "blocks", say=said.append)
    same_results(tmp_path / "memory", tmp_path / "blocks")
    assert said[0].startswith("Work is done by blocks of 16 × 24 × 16 voxels, without the local")
    files = tmp_path / "blocks" / "volumes" / "phases.ome.zarr" / "0" / "c"
    assert sum(path.is_file() for path in files.rglob("*")) == 4 * 2 * 4, "a file per block"
    assert np.asarray(made.segmentation.phases.data).max() == 3, "where the result lies now"
    around, mask = (one.segmentation.envelope for one in (made, whole))
    assert np.array_equal(np.asarray(around.mask[:]), mask.mask)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_reconstruction_streams_to_disk_and_gives_the_same_results(phantom, tmp_path):
    angles = np.arange(-69, 70, 6.0)
    series = simulate_tilt_series(phantom, angles_deg=angles, dose=2000, seed=1)
    source = {"tilt_series": str(write_tilts(tmp_path / "tilts.tif", series))}
    how = {"align": {"enabled": False}, "reconstruct": {"sirt": {"iterations": 5}}}
    run_study(recipe(source, **how), tmp_path / "memory")
    run_study(recipe(source, **how, blocks=BLOCKS), tmp_path / "blocks", memory_limit=100_000_000)
    same_results(tmp_path / "memory", tmp_path / "blocks")
    how["reconstruct"] = {"method": "dart"}
    with pytest.raises(InputError, match=r"reconstruction by DART .reconstruct.method = 'tv' is"):
        run_study(recipe(source, **how, blocks=BLOCKS), tmp_path / "dart")


def test_tables_of_details_are_those_of_the_run_in_memory(gray, tmp_path):
    given = {"measure": {"details": True}}
    run_study(recipe({"volume": gray}, **given), tmp_path / "memory")
    said = []
    run_study(
        recipe({"volume": gray}, **given, blocks=BLOCKS), tmp_path / "blocks", say=said.append
    )
    assert "without the local width of the pore network and the tables of networks" in said[0]
    tables = {path.stem for path in (tmp_path / "blocks" / "tables").iterdir()}
    made = {name for name in tables if name.startswith(BY_BLOCKS)}
    assert made == {"fractions_by_slice", "dead_pore_objects", "shells", "contacts_Sn"}
    for name in made:
        paths = (tmp_path / run / "tables" / f"{name}.csv" for run in ("memory", "blocks"))
        one, two = (path.read_bytes() for path in paths)
        assert one == two, name
    summary = (tmp_path / "blocks" / "summary.txt").read_text(encoding="utf-8")
    assert "Shells" in summary
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.fixture(scope="module")
def tilts(phantom, tmp_path_factory):
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-69, 70, 4.0), dose=2000, seed=1)
    path = tmp_path_factory.mktemp("tilts") / "tilts.tif"
    return {"tilt_series": str(write_tilts(path, series))}


def by_tv(blur_px=0.5):
    options = {"blur_px": blur_px, "iterations": 60}
    return {"align": {"enabled": False}, "reconstruct": {"method": "tv", "tv": options}}


@pytest.mark.parametrize(
    ("cleanup", "blur_px"),
    [({}, 0.5), (EVERYTHING, 0.5), ({}, 1.0)],
    ids=["polished", "cleaned up as well", "left as they were: too much blur for the pores"],
)
def test_tv_thresholds_by_the_images_and_polishing_give_the_same_results(
    tilts, tmp_path, cleanup, blur_px
):
    given = {**by_tv(blur_px), "cleanup": cleanup}
    run_study(recipe(tilts, **given), tmp_path / "memory")
    run_study(recipe(tilts, **given, blocks=BLOCKS), tmp_path / "blocks", memory_limit=200_000_000)
    same_results(tmp_path / "memory", tmp_path / "blocks")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    history = read_volume(tmp_path / "blocks" / "volumes" / "phases.ome.zarr").history
    assert (required_step(history, PolishStep).changed_voxels > 0) == (blur_px < 1)


def test_polishing_is_left_out_and_tv_refused_where_they_do_not_fit(tilts, tmp_path, monkeypatch):
    monkeypatch.setenv("SNPORE_THREADS", "2")
    given = {**by_tv(), "blocks": BLOCKS}
    said, polish = [], polish_bytes((64, 48, 64), (35, 48, 64), on_disk=True)
    for module in ("by_blocks", "segmenting"):
        name = f"napari_snpore.study.{module}.polish_bytes"
        monkeypatch.setattr(name, lambda *_, **__: 1e12)
    run_study(recipe(tilts, **given), tmp_path / "out", memory_limit=200_000_000, say=said.append)
    assert "polishing, for which memory is too small" in said[0]
    history = read_volume(tmp_path / "out" / "volumes" / "phases.ome.zarr").history
    assert last_step(history, PolishStep) is None
    summary = (tmp_path / "out" / "summary.txt").read_text(encoding="utf-8")
    assert "Polishing       none. It needs 1 TB of memory, and less may be used." in summary
    asked = recipe(tilts, **given, polish={"enabled": True})
    with pytest.raises(NotEnoughMemoryError, match=r"^Polishing .* or leave polish.enabled out"):
        run_study(asked, tmp_path / "refused", memory_limit=200_000_000)
    assert polish < 30e6 < largest_slab_bytes((64, 48, 64), 35, 2)
    with pytest.raises(NotEnoughMemoryError, match=r"by TV needs .* or reconstruct by SIRT"):
        run_study(recipe(tilts, **given), tmp_path / "refused", memory_limit=30_000_000)
    assert not (tmp_path / "refused").exists()


def test_the_images_are_read_once(phantom, tmp_path, monkeypatch):
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-69, 70, 6.0), dose=2000, seed=1)
    source = {"tilt_series": str(write_tilts(tmp_path / "tilts.tif", series))}
    how = {"align": {"enabled": False}, "reconstruct": {"sirt": {"iterations": 1}}}
    read, load = [], pipeline.load_series
    monkeypatch.setattr(pipeline, "load_series", lambda given: (read.append(given), load(given))[1])
    run_study(recipe(source, **how), tmp_path / "out")
    assert len(read) == 1


def test_memory_decides(gray, tmp_path, monkeypatch):
    monkeypatch.setenv("SNPORE_THREADS", "2")
    given = recipe({"volume": gray})
    run_study(given, tmp_path / "memory", memory_limit=20_000_000)
    assert recorded(tmp_path / "memory")["parameters"]["blocks"] == {"enabled": "auto"}
    run_study(given, tmp_path / "blocks", memory_limit=6_000_000)  # 7 MB are needed
    assert recorded(tmp_path / "blocks")["parameters"]["blocks"]["shape"] == [32, 32, 32]
    with pytest.raises(NotEnoughMemoryError, match=r"Segmenting|Measuring|A volume of"):
        run_study(given, tmp_path / "tiny", memory_limit=1_000_000)  # too little for blocks
    with pytest.raises(NotEnoughMemoryError, match=r"Work by blocks of 16 . 24 . 16 voxels needs"):
        run_study(recipe({"volume": gray}, blocks=BLOCKS), tmp_path / "tiny", memory_limit=500_000)
    for name in ("objects_Sn", "objects_pore", "fractions", "dead_pores"):
        paths = (tmp_path / run / "tables" / f"{name}.csv" for run in ("memory", "blocks"))
        one, two = (path.read_bytes() for path in paths)
        assert one == two, name
    with pytest.raises(NotEnoughMemoryError, match="needs about 6 MB"):
        run_study(
            recipe({"volume": gray}, blocks={"enabled": False}),
            tmp_path / "refused",
            memory_limit=6_000_000,
        )


def recorded(folder):
    return json.loads((folder / "record.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"cleanup": {"smooth": "median"}}, r"no smoothing \(cleanup.smooth\); leave"),
        ({"measure": {"thickness": True}}, r"local thickness"),
        (
            {"measure": {"separate_nm": 1.0, "diffusivity": True}},
            r"separation of pores \(measure.separate_nm\) and diffusivity",
        ),
        ({"detection_limit": {"enabled": True}}, r"detection limit"),
    ],
)
def test_what_there_is_not_by_blocks_is_refused_before_work_starts(gray, tmp_path, sections, words):
    given = recipe({"volume": gray}, blocks=BLOCKS, **sections)
    with pytest.raises(InputError, match=words):
        run_study(given, tmp_path / "out")
    # where memory is too small without being asked, both ways out are named
    with pytest.raises(NotEnoughMemoryError, match=words.split(r" \(")[0].removeprefix("no ")):
        run_study(recipe({"volume": gray}, **sections), tmp_path / "out", memory_limit=6_000_000)
    assert not list(tmp_path.iterdir())


def test_a_stop_leaves_nothing(gray, tmp_path):
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        run_study(
            recipe({"volume": gray}, blocks=BLOCKS),
            tmp_path / "out",
            should_stop=lambda: next(asked) > 20,
        )
    assert not list(tmp_path.iterdir())


def test_blocks_are_chosen_by_memory():
    for memory in (3e8, 1e9, 4e9, 3e10):
        shape = usual_block_shape((2048, 2048, 2048), memory, 2)
        assert np.prod(shape) * 2 * 40 <= memory / 2
        assert all(edge % 32 == 0 for edge in shape)


def test_the_page_on_large_volumes_says_what_the_steps_state():
    page = Path(__file__).parents[2] / "docs" / "how_to" / "larger_than_memory.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    rows = [re.findall(r"[\d.]+", one) for one in lines if re.match(r"\| \d+³ \|", one)]
    assert [int(row[0]) for row in rows] == [256, 512, 1024, 2048]
    for row in rows:
        edge = int(row[0])
        shape, images = (edge,) * 3, (70, edge, edge)
        stated = (
            trials_bytes(shape, 70, 2),
            largest_slab_bytes(shape, 70, 2),
            residual_bytes(shape, 70, threads=2),
            polish_bytes(shape, images, 1.0, on_disk=True),
        )
        assert row[1:] == [f"{1e-9 * needed:.1f}" for needed in stated]
