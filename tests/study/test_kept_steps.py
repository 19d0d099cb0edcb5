"""Finished steps on disk: the same bits, under their own key, and nothing but what steps return."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pandas as pd
import pytest

from napari_snpore import Volume, make_phantom, simulate_tilt_series
from napari_snpore.study import kept_steps
from napari_snpore.study.kept_steps import KeptSteps, inputs_of, readable, run_key
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import Recipe


def test_a_step_comes_back_with_its_bits_and_its_notes(tmp_path):
    steps, record = KeptSteps(tmp_path, "key"), Record("run")
    data = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    table = pd.DataFrame({"a": [1.5, np.nan], "b": ["x", ""], "c": [True, False]})

    def make():
        record.timings_s["align"] = 1.25
        record.results["local_width"] = {"pore": 2}
        return Volume(data, 0.3), table

    steps.keep("one step", record, make)
    again = Record("run")
    said = []
    kept = KeptSteps(tmp_path, "key", said.append)
    volume, found = kept.keep("one step", again, lambda: pytest.fail("made again"))
    assert np.asarray(volume.data).tobytes() == data.tobytes()
    assert volume.spacing == (0.3, 0.3, 0.3)
    pd.testing.assert_frame_equal(found, table)
    assert again.timings_s == {"align": 1.25}
    assert again.results == {"local_width": {"pore": 2}}
    assert said == ["one step: kept from an earlier start"]


@pytest.mark.parametrize("damage", ["other key", "cut", "other file"])
def test_what_is_not_this_step_is_made_again(tmp_path, damage):
    KeptSteps(tmp_path, "key").keep("step", Record(""), lambda: np.arange(1000))
    (path,) = tmp_path.glob("*.step")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    if damage == "other file":
        path.write_bytes(b"key\nnot a pickle")
    key = "another" if damage == "other key" else "key"
    assert KeptSteps(tmp_path, key).keep("step", Record(""), lambda: 7) == 7
    assert KeptSteps(tmp_path, key).keep("step", Record(""), lambda: 8) == 7


class Call:
    def __reduce__(self):
        return os.system, ("exit 3",)


@pytest.mark.parametrize(
    "value",
    [Call(), os.path.join, print, np.load, pd.read_pickle, run_study],
    ids=["call", "join", "print", "load", "read_pickle", "run_study"],  # the same in each process
)
def test_a_pickle_of_anything_else_is_refused(tmp_path, value):
    with pytest.raises(pickle.UnpicklingError, match="is no part of a step"):
        readable(pickle.dumps(value))
    KeptSteps(tmp_path, "key").keep("step", Record(""), lambda: value)  # sealed, as one's own are
    assert KeptSteps(tmp_path, "key").keep("step", Record(""), lambda: 7) == 7


@pytest.mark.parametrize("change", ["no seal", "another user", "one bit", "another name"])
def test_a_step_that_somebody_else_made_is_never_unpickled(tmp_path, monkeypatch, change):
    for name in ("LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "mine"))
    KeptSteps(tmp_path, "key").keep("step", Record(""), lambda: np.arange(1000))
    (path,) = tmp_path.glob("*.step")
    content = path.read_bytes()
    if change == "no seal":
        path.write_bytes(b"key\n" + pickle.dumps((0, {}, {})))
    if change == "another user":
        for name in ("LOCALAPPDATA", "XDG_CACHE_HOME"):
            monkeypatch.setenv(name, str(tmp_path / "theirs"))
    if change == "one bit":
        path.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])
    name = "step"
    if change == "another name":
        name = "other"
        path.rename(tmp_path / "other.step")
    monkeypatch.setattr(kept_steps, "_Reader", lambda file: pytest.fail("unpickled"))
    assert KeptSteps(tmp_path, "key").keep(name, Record(""), lambda: 7) == 7


def test_without_a_place_for_the_secret_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for name in ("LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "file"))
    steps = KeptSteps(tmp_path / "steps", "key")
    assert [steps.keep("step", Record(""), lambda number=n: number) for n in (7, 8)] == [7, 8]
    assert not (tmp_path / "steps").exists()


@pytest.mark.parametrize("last", ["tomogram", "phases", "measurement", "errors"])
def test_a_run_goes_on_after_each_step_with_the_same_bits(images, tmp_path, last):
    recipe, whole, folder = images
    steps = tmp_path / "steps"
    steps.mkdir()
    names = ["tomogram", "phases", "measurement", "detection-limit", "errors"]
    for name in names[: names.index(last) + 1]:
        (steps / f"{name}.step").write_bytes((folder / f"{name}.step").read_bytes())
    said = []
    run_study(recipe, tmp_path / "again", steps=KeptSteps(steps, "key", said.append))
    assert f"{last}: kept from an earlier start" in said
    for path in sorted(whole.rglob("*")):
        if path.is_file() and path.name not in ("record.json", "recipe.toml"):
            again = tmp_path / "again" / path.relative_to(whole)
            assert again.read_bytes() == path.read_bytes(), path.name


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    phantom = make_phantom("pristine", shape=(64, 24, 64), spacing=0.4, seed=2)
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-66, 67, 6.0), dose=2e3, seed=1)
    recipe = Recipe(
        input={"tilt_series": str(write_tilts(folder / "tilts.tif", series))},
        align={"enabled": False},
        reconstruct={"tv": {"iterations": 10, "blur_px": 0.8}},
        envelope={"ray_length_nm": 4.0, "directions": 16},
        polish={"enabled": True, "sweeps": 2},
        uncertainty={"twins": 1, "draws": 3},
        output={"figures": []},
    )
    steps = KeptSteps(folder / "steps", "key")
    run_study(recipe, folder / "whole", steps=steps)
    return recipe, folder / "whole", folder / "steps"


def test_the_key_is_that_of_inputs_and_parameters(tmp_path):
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    one, other = inputs_of([str(tmp_path / "a")]), inputs_of([str(tmp_path / "b")])
    recipe = Recipe(name="x", input={"tilt_series": "a"})
    key = run_key(recipe, one)
    assert run_key(Recipe(name="y", input={"tilt_series": "elsewhere/a"}), one) == key
    assert run_key(recipe, other) != key
    assert run_key(Recipe(name="x", input={"tilt_series": "a"}, prepare={"bin": 2}), one) != key
