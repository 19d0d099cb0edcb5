"""A short run of the fuzzing harness: damaged inputs of every kind open or are refused in one
sentence, and the harness sees what goes wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from napari_snpore.errors import InputError

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks")


def run_harness(*words):
    return subprocess.run(
        [sys.executable, "-m", "fuzzing", *words],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_damaged_inputs_open_or_are_refused_in_one_sentence(tmp_path):
    pytest.importorskip("napari")  # saved windows are damaged as well
    done = run_harness(
        "--seed", "16", "--cases", "300", "--workers", "2", "--seconds", "60", "--findings", str(tmp_path)
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(line.split() for line in done.stdout.splitlines() if line.startswith("all "))
    own, opened, *wrong, count = map(int, row[1:])
    assert own + opened == count == 300
    assert own > 100
    assert opened > 30
    assert not any(wrong)


READ_WRONGLY = {
    "foreign exception": lambda path: 1 / 0,
    "bad sentence": lambda path: (_ for _ in ()).throw(LongError()),
    "hang": lambda path: time.sleep(60),
    "memory": lambda path: np.ones(40_000_000),
    "crash": lambda path: os.kill(os.getpid(), 11),
    "own sentence": lambda path: (_ for _ in ()).throw(InputError("Give a number.")),
    "opened": lambda path: None,
}


class LongError(InputError):
    def __str__(self):
        return "first line\nsecond line"


@pytest.mark.parametrize("result", sorted(READ_WRONGLY))
def test_harness_sees_what_goes_wrong(tmp_path, monkeypatch, result):
    worker = pytest.importorskip("fuzzing.worker")
    from fuzzing.corpus import Sample

    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "a.toml").write_text("a = 1\n" * 20)
    sample = Sample("recipe", tmp_path / "sample", "a.toml")
    monkeypatch.setitem(worker.READERS, "recipe", READ_WRONGLY[result])
    monkeypatch.setattr(worker, "_warm_up", lambda sample, folder: None)
    limits = worker.Limits(0.5 if result == "hang" else 20, tmp_path / "kept")
    until = time.monotonic() + 30
    outcomes = list(worker.run_cases([sample], 0, range(2), 1, until, limits))
    assert [one.result for one in outcomes] == [result] * 2
    assert sorted(one.number for one in outcomes) == [0, 1]
    wrong = result not in ("own sentence", "opened")
    assert (tmp_path / "kept").is_dir() == wrong


def test_same_seed_makes_the_same_inputs(tmp_path):
    worker = pytest.importorskip("fuzzing.worker")
    from fuzzing.corpus import Sample

    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "a.toml").write_text("a = 1\n" * 20)
    sample = Sample("recipe", tmp_path / "sample", "a.toml")

    def contents(run, seed):
        found = []
        for number in range(20):
            folder = tmp_path / f"{run}-{number}"
            worker.make_case([sample], seed, number, folder)
            path = folder / "a.toml"
            found.append(path.read_bytes() if path.is_file() else None)
        return found

    first = contents("first", 1)
    assert contents("again", 1) == first
    assert contents("other", 2) != first
    assert len(set(first)) > 10
