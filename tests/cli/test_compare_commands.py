"""``snpore compare`` and ``snpore batch`` as a user meets them: exit status, sentences, files."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
import tomlkit

from napari_snpore import make_phantom, write_volume


def snpore(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "napari_snpore", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    states = []
    for state in ("pristine", "sodiated"):
        phantom = make_phantom(state, shape=(64, 24, 64), spacing=0.4, seed=3)
        write_volume(folder / f"{state}.tif", phantom.volume)
        states.append({"name": state, "volumes": [f"{state}.tif"]})
    shared = {
        "threshold": {"values": [0.5, 2.5]},
        "envelope": {"ray_length_nm": 4.0, "directions": 16},
        "measure": {"details": False},
        "uncertainty": {"draws": 3},
        "output": {"figures": []},
    }
    study = {"shared": shared, "state": states}
    (folder / "study.toml").write_text(tomlkit.dumps(study), encoding="utf-8")
    batch = {"input": {"volume": ""}, **shared}
    (folder / "recipe.toml").write_text(tomlkit.dumps(batch), encoding="utf-8")
    return folder


def test_a_study_from_its_file_to_figures(folder):
    done = snpore("compare", "study.toml", "-o", "results", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "sodiated less pristine" in done.stdout
    assert "pore fraction, whole, %" in done.stdout
    out = folder / "results"
    assert (out / "figures" / "comparison.png").is_file()
    assert (out / "pristine" / "pristine" / "record.json").is_file()
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]

    again = snpore("compare", "study.toml", "-o", "results", "--resume", "--no-figures", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("finished and unchanged") == 2
    assert again.stdout == done.stdout
    assert not list((out / "figures").iterdir())

    runs = ["results/pristine/pristine", "results/sodiated/sodiated"]
    words = ("--state", f"a={runs[0]}", "--state", f"b={runs[1]}")
    named = snpore("compare", *words, "-o", "named", "--no-figures", cwd=folder)
    assert named.returncode == 0, named.stderr
    assert "b less a" in named.stdout

    for name, run in zip("ab", runs, strict=True):
        shutil.copytree(folder / run, folder / name / "run")
    alike = snpore("compare", "a/run", "b/run", "-o", "alike", "--no-figures", cwd=folder)
    assert alike.returncode == 0, alike.stderr
    assert alike.stdout == named.stdout.replace("Results: named", "Results: alike")
    twice = snpore("compare", "a/run", "a/../a/run", "-o", "twice", cwd=folder)
    assert twice.returncode == 1
    assert twice.stderr == "snpore: The run a/../a/run is named twice; a fibre counts once.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Nothing to compare"),
        (("none.toml",), "There is no study none.toml."),
        (("recipe.toml",), "recipe of one run"),
        ((".",), "holds no finished run"),
        (("--state", "a"), "NAME=FOLDER,FOLDER is needed"),
        (("--state", "a=x", "--state", "a=y"), "Two states have the name 'a'"),
        (("--state", "a=none"), "The state 'a' names none, which is not there."),
        (("study.toml", "--resume"), "holds no study that was begun"),
    ],
)
def test_what_is_wrong_is_one_sentence(folder, words, sentence):
    done = snpore("compare", *words, "-o", "new", cwd=folder)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.startswith("snpore: ")
    assert done.stderr.count("\n") == 1
    assert not (folder / "new").exists()


def test_a_batch_with_a_file_that_fails_ends_with_status_1(folder):
    (folder / "bad.tif").write_bytes(b"no image")
    files = ["pristine.tif", "bad.tif"]
    done = snpore("batch", "recipe.toml", *files, "-o", "batch", cwd=folder)
    assert done.returncode == 1
    assert "1 of 2 files are done." in done.stdout
    assert done.stderr.splitlines()[-1].startswith("snpore: 1 file failed (bad)")
    assert (folder / "batch" / "numbers.csv").read_text().startswith("file,quantity,unit,value")
