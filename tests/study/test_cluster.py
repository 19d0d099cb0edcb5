"""Blocks in several processes: the same results as in one, also where a process is lost; what is wrong
with a cluster is said in one sentence before work starts.
"""

from __future__ import annotations

import os
import signal
import sys

import numpy as np
import pytest

from napari_snpore import (
    Volume,
    dead_pores,
    label_objects,
    make_phantom,
    measure_objects,
    reconstruct,
    segment,
    simulate_tilt_series,
    write_volume,
)
from napari_snpore.blocks import VoxelwiseArray, grid_of
from napari_snpore.engines import run_on_blocks, using
from napari_snpore.errors import InputError, MissingExtraError, Stopped
from napari_snpore.files.stored_array import make_array
from napari_snpore.segmentation.cleanup import clean_up
from napari_snpore.segmentation.envelope import EnvelopeOptions, make_envelope
from napari_snpore.study import cluster as clusters
from napari_snpore.study.block_store import BlockStore
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.recipe import Recipe
from napari_snpore.threads import thread_count
from napari_snpore.tomography import shared_slabs

SHAPE, BLOCK = (40, 32, 36), (16, 16, 36)


@pytest.fixture(scope="module")
def engine():
    pytest.importorskip("distributed", reason="needs the extra cluster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNPORE_THREADS", "2")
        with clusters.local_cluster(2) as engine:
            yield engine


@pytest.fixture(scope="module")
def gray():
    phantom = make_phantom("pristine", shape=SHAPE, spacing=0.32, seed=2)
    noise = np.random.default_rng(0).normal(0, 0.15, SHAPE)
    return (np.asarray(phantom.volume) + noise).astype(np.float32)


def stored(folder, name, data):
    out = make_array(folder / "arrays.zarr", name, SHAPE, BLOCK, data.dtype)
    for block in grid_of(out).blocks:
        out[block] = data[block]
    return out


def test_a_run_has_the_same_results_in_two_processes(engine, gray, tmp_path):
    path = write_volume(tmp_path / "gray.ome.zarr", Volume(gray, 0.3))
    recipe = Recipe(
        name="fibre",
        input={"volume": str(path)},
        envelope={"ray_length_nm": 3.0, "directions": 32},
        cleanup={"fill": ["C"], "specks": {"Sn": 4}},
        uncertainty={"twins": 0, "draws": 3},
        blocks={"enabled": True, "shape": BLOCK},
        output={"figures": []},
    )
    counts = []
    run_study(recipe, tmp_path / "one")
    run_study(recipe, tmp_path / "two", engine=engine, say=counts.append)
    names = sorted(path.name for path in (tmp_path / "one" / "tables").iterdir())
    assert {"objects_Sn.csv", "objects_pore.csv", "dead_pores.csv", "numbers.csv"} <= set(names)
    for name in names:
        one, two = (tmp_path / run / "tables" / name for run in ("one", "two"))
        assert one.read_bytes() == two.read_bytes(), name
    for path in (tmp_path / "one" / "volumes").rglob("*"):
        if path.is_file() and "c" in path.parts:
            other = tmp_path / "two" / path.relative_to(tmp_path / "one")
            assert path.read_bytes() == other.read_bytes(), "files of the same bits"


@pytest.mark.parametrize("method", ["sirt", "cgls", "wbp"])
def test_a_reconstruction_has_the_same_bits_in_two_processes(engine, method, tmp_path):
    phantom = make_phantom("pristine", shape=SHAPE, spacing=0.32, seed=2)
    series = simulate_tilt_series(phantom, angles_deg=range(-66, 67, 12), dose=500.0, seed=0)
    store = BlockStore(None, tmp_path, tmp_path / "volumes", BLOCK)
    whole = reconstruct(series, method=method)
    seen = []
    with using(engine, store.empty_in_blocks):
        out = np.zeros(whole.shape, np.float32)
        found = reconstruct(
            series, method=method, out=out, progress=lambda *done: seen.append(done)
        )
    assert seen[-1] == (4, 4), "slabs of 8 planes, in the processes"
    assert np.array_equal(found.data, whole.data)
    assert found.history == whole.history
    assert not any((tmp_path / "blocks.zarr").glob("*/c")), "nothing is left on the disk"


def test_a_run_from_images_is_reconstructed_in_the_processes(engine, tmp_path, monkeypatch):
    phantom = make_phantom("pristine", shape=SHAPE, spacing=0.32, seed=2)
    series = simulate_tilt_series(phantom, angles_deg=range(-66, 67, 6), dose=2000.0, seed=0)
    recipe = Recipe(
        name="fibre",
        input={"tilt_series": str(write_tilts(tmp_path / "tilts.tif", series))},
        align={"enabled": False},
        reconstruct={"sirt": {"iterations": 5}},
        envelope={"ray_length_nm": 3.0, "directions": 32},
        uncertainty={"twins": 0, "draws": 3},
        blocks={"enabled": True, "shape": BLOCK},
        output={"figures": []},
    )
    run_study(recipe, tmp_path / "one")
    given, solve = [], shared_slabs.receive_from_blocks
    monkeypatch.setattr(
        shared_slabs,
        "receive_from_blocks",
        lambda work, slabs, *rest, **how: given.append(slabs) or solve(work, slabs, *rest, **how),
    )
    run_study(recipe, tmp_path / "two", engine=engine)
    assert len(given) == 5, "the volume, and even and odd tilts by two methods"
    for table in sorted((tmp_path / "one" / "tables").iterdir()):
        assert table.read_bytes() == (tmp_path / "two" / "tables" / table.name).read_bytes(), table


def test_steps_have_the_same_bits_while_workers_are_killed(engine, gray, tmp_path):
    volume = Volume(stored(tmp_path, "gray", gray), 0.3)
    store = BlockStore(None, tmp_path, tmp_path / "volumes", BLOCK)
    options = EnvelopeOptions(ray_length_nm=3.0, directions=32)
    kills = iter(range(2))

    def kill(done, total):
        """End one process, where the work of a step is half done."""
        if 2 * done >= total and next(kills, None) is not None:
            processes = list(engine._client.run(os.getpid).values())
            os.kill(processes[done % len(processes)], signal.SIGKILL)

    with using(engine):
        around = make_envelope(
            volume, 0.5, options, out=store.empty(SHAPE, bool), scratch=store, progress=kill
        )
        phases = segment(
            volume.data, (0.5, 6.0), envelope=around.mask, out=store.empty(SHAPE, "u1")
        )
        clean, changed = clean_up(
            phases,
            fill=[2],
            specks=[(3, 4)],
            majority_radius=1,
            out=store.empty(SHAPE, "u1"),
            progress=kill,
        )
        mask = VoxelwiseArray(clean, lambda part: part == 3, np.dtype(bool))
        labels = label_objects(mask, out=lambda count: store.empty(SHAPE, "u4"), progress=kill)
        table = measure_objects(labels, spacing=0.3, intensity=volume.data, progress=kill)
        dead = dead_pores(clean, spacing=0.3, cut_axes=(1,), out={})
    assert next(kills, None) is None, "both were killed"
    whole = make_envelope(Volume(gray, 0.3), 0.5, options)
    assert np.array_equal(around.mask[:], whole.mask)
    assert (around.volume_nm3, around.loose_voxel_count) == (
        whole.volume_nm3,
        whole.loose_voxel_count,
    )
    expected, steps = clean_up(
        segment(gray, (0.5, 6.0), envelope=whole.mask), fill=[2], specks=[(3, 4)], majority_radius=1
    )
    assert np.array_equal(clean[:], expected)
    assert changed == steps
    everything = label_objects(expected == 3)
    assert np.array_equal(labels[:], everything)
    assert measure_objects(everything, spacing=0.3, intensity=gray).equals(table)
    assert dead_pores(expected, spacing=0.3, cut_axes=(1,)).table.equals(dead.table)


def test_each_task_has_one_thread_and_a_stop_ends_the_work(engine, gray, tmp_path):
    array = stored(tmp_path, "gray", gray)
    with using(engine):
        found = run_on_blocks(lambda _: (os.getpid(), thread_count()), range(8), arrays=[array])
        assert {threads for _, threads in found} == {1}
        assert os.getpid() not in {process for process, _ in found}
        with pytest.raises(Stopped):
            run_on_blocks(lambda _: 0, range(50), arrays=[array], should_stop=lambda: True)
        with pytest.raises(InputError, match="of 5 voxels"):
            run_on_blocks(refuse, range(3), arrays=[array])
        here = run_on_blocks(lambda _: os.getpid(), range(2), arrays=[array, gray])
    assert set(here) == {os.getpid()}, "an array in memory stays in its process"


def refuse(number):
    raise InputError("It is of 5 voxels.")


def test_a_folder_or_file_that_workers_do_not_see_is_refused(engine, tmp_path, monkeypatch):
    engine.check_sees(tmp_path, [])
    monkeypatch.setattr(clusters, "_unseen", lambda marker, word, sizes: "/data/gray.mrc")
    with pytest.raises(InputError, match=r"does not see /data/gray.mrc: input and output"):
        engine.check_sees(tmp_path, [])
    assert not list(tmp_path.iterdir())


def test_another_file_in_the_same_place_is_not_the_one(tmp_path):
    marker, file = tmp_path / ".seen-1", tmp_path / "gray.mrc"
    marker.write_text("1")
    file.write_bytes(b"12345")
    assert clusters._unseen(str(marker), "1", {str(file): 5}) is None
    assert clusters._unseen(str(marker), "1", {str(file): 4}) == str(file)
    assert clusters._unseen(str(marker), "1", {str(tmp_path / "no.mrc"): 0}).endswith("no.mrc")
    assert clusters._unseen(str(marker), "2", {}) == str(tmp_path)
    assert clusters._unseen(str(tmp_path / "none" / "x"), "1", {}) == str(tmp_path / "none")


def test_an_existing_cluster_is_used_and_one_of_another_version_refused(engine, monkeypatch):
    address = engine._client.scheduler.address
    with clusters.existing_cluster(address) as other:
        assert other.at_a_time == engine.at_a_time == 2
        assert "2 workers with 2 threads; dashboard: http://" in other.words
    monkeypatch.setattr(clusters, "_asked", lambda client, function, *args: ["another", "one"])
    with (
        pytest.raises(InputError, match="have another version of napari-snpore, or none; this is"),
        clusters.existing_cluster(address),
    ):
        pass


def test_a_scheduler_that_is_not_there_is_refused(monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra cluster")
    monkeypatch.setattr(clusters, "_CONNECT_S", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense://a b"):
        with (
            pytest.raises(InputError, match="There is no scheduler at"),
            clusters.existing_cluster(address),
        ):
            pass


def test_more_workers_than_threads_are_refused(monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra cluster")
    monkeypatch.setenv("SNPORE_THREADS", "3")
    with pytest.raises(InputError, match="4 workers are more than the 3 threads"):
        clusters.local_cluster(4).__enter__()


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for started in (clusters.local_cluster(2), clusters.existing_cluster("tcp://a:1")):
        with pytest.raises(MissingExtraError, match=r"pip install 'napari-snpore\[cluster\]'"):
            started.__enter__()
