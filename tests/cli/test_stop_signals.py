"""Ctrl-C and SIGTERM as a user meets them: one sentence, exit status 1, nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from napari_snpore import Volume, write_volume

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no such signals")


@pytest.fixture
def folder(tmp_path):
    z, _, x = np.mgrid[:96, :96, :96] - 47.5
    rod = np.where(np.hypot(z, x) < 30, 5, 0).astype(np.float32)
    write_volume(tmp_path / "grey.tif", Volume(rod, 0.3))
    (tmp_path / "recipe.toml").write_text(
        '[input]\nvolume = "grey.tif"\n[threshold]\nvalues = [2.5]\n[envelope]\ndirections = 20000\n'
    )
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "words",
    [
        ["run", "recipe.toml", "-o", "new/result"],
        ["segment", "grey.tif", "-o", "a.tif", "-t", "2.5", "--directions", "20000"],
    ],
)
def test_stop_is_answered_at_once_and_leaves_nothing(folder, number, words):
    before = sorted(path.name for path in folder.iterdir())
    work = subprocess.Popen(
        [sys.executable, "-m", "napari_snpore", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell starts what runs in its background with Ctrl-C ignored, and the command keeps to that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while work.poll() is None and not list(folder.rglob("*.snpore-work")):
        time.sleep(0.02)
    time.sleep(1.0)  # in a kernel by now
    work.send_signal(number)
    out, said = work.communicate(timeout=60)
    assert work.returncode == 1, said
    assert said.splitlines()[-1] == "snpore: Stopped on request; nothing was written."
    assert "Traceback" not in said
    assert out == ""
    assert sorted(path.name for path in folder.iterdir()) == before


def test_signals_are_as_before_after_a_command(folder, monkeypatch):
    from napari_snpore.cli import main

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit):
        main(["segment", "nowhere.tif", "-o", "a.tif"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert sorted(path.name for path in folder.iterdir()) == ["grey.tif", "recipe.toml"]


def test_the_end_of_a_forked_process_is_no_end_of_its_parent():
    code = (
        "import multiprocessing, time\n"
        "from napari_snpore.cli.stop_signals import answer_stop_signals\n"
        "with answer_stop_signals():\n"
        "    child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))\n"
        "    child.start()\n"
        "    child.terminate()\n"
        "    child.join(30)\n"
        "    time.sleep(0.5)\n"
        "    print(child.exitcode)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(-signal.SIGTERM)), done.stderr
