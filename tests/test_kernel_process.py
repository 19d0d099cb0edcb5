"""Kernels are compiled in a child process; a process that has one compiles none itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from napari_snpore import kernel_process
from napari_snpore.errors import Stopped
from napari_snpore.kernel_process import KernelProcess
from napari_snpore.kernels import KernelRequest, Waiting, compile_elsewhere, waiting_as
from napari_snpore.segmentation import _kernels

REQUEST = KernelRequest("napari_snpore.segmentation._kernels", "count_nan", "")

COUNT_COMPILED = """
from numba.core import event
class Compiled(event.Listener):
    names = []
    def on_start(self, what):
        self.names.append(what.data["dispatcher"].py_func.__qualname__)
    def on_end(self, what):
        pass
event.register("numba:compile", Compiled())
"""


def run_python(code, **environment):
    """Run Python with its own variables; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def child_of(code, monkeypatch):
    """Let the child process be a program of its own."""
    monkeypatch.setattr(
        kernel_process,
        "_popen",
        lambda arguments: subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ),
    )


@pytest.fixture
def process():
    made = KernelProcess()
    yield made
    made.stop()


def test_a_step_gets_a_kernel_that_no_warm_up_foresaw_from_the_child(tmp_path):
    code = f"""{COUNT_COMPILED}
import numpy as np
from napari_snpore import kernel_process
kernel_process.write_stamp()  # the child has nothing to do but what it is asked for
process = kernel_process.start()
from napari_snpore.segmentation._kernels import count_nan
print(count_nan(np.array([1.0, np.nan, np.nan], np.float32)), Compiled.names)
if process is not None:
    process.stop()
"""
    found = run_python(code, NUMBA_CACHE_DIR=str(tmp_path / "one"), SNPORE_WARM_UP="1")
    assert found == "2 []"
    found = run_python(code, NUMBA_CACHE_DIR=str(tmp_path / "two"), SNPORE_WARM_UP="0")
    assert found == "2 ['count_nan']", "without a child it is compiled here"


def test_a_step_that_waits_for_a_kernel_can_be_cancelled(process, monkeypatch):
    child_of("import sys; sys.stdin.read()", monkeypatch)  # never answers
    said = []
    with waiting_as(Waiting(lambda: len(said) > 2, said.append)), pytest.raises(Stopped):
        process.compile(REQUEST)
    assert said == [True, True, True, False]


def test_a_child_that_dies_leaves_the_kernel_to_this_process(process, monkeypatch):
    child_of("raise SystemExit(1)", monkeypatch)
    process.compile(REQUEST)


def test_no_child_can_be_started(process, monkeypatch):
    def refuse(arguments):
        raise OSError("no more processes")

    monkeypatch.setattr(kernel_process, "_popen", refuse)
    process.compile(REQUEST)


def test_what_a_library_prints_is_no_message(process, monkeypatch):
    child_of(
        "import json, sys\n"
        "number = json.loads(sys.stdin.readline())['number']\n"
        "print('a word'); print('[1]'); print(json.dumps({'answer': number}), flush=True)\n"
        "sys.stdin.read()",
        monkeypatch,
    )
    process.compile(REQUEST)
    assert process.running


def test_the_child_ends_with_its_input(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    kernel_process.write_stamp()
    child = kernel_process._popen([json.dumps([])])
    child.stdin.close()
    assert child.wait(timeout=60) == 0
    child.stdout.close()


def test_only_kernels_that_are_not_on_disk_are_asked_for():
    asked = []
    _kernels.count_nan(np.zeros(1, "f4"))  # compiled or loaded
    compile_elsewhere(asked.append)
    try:
        _kernels.count_nan(np.zeros(2, "f4"))
    finally:
        compile_elsewhere(None)
    assert asked == []


def test_stamp_is_that_of_the_kernels_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    assert not kernel_process.is_stamped()
    kernel_process.write_stamp()
    assert kernel_process.is_stamped()
    assert not kernel_process.is_stamped(["napari:shapes"])
    kernel_process.write_stamp(["napari:shapes"])
    kernel_process.write_stamp()
    assert kernel_process.is_stamped(["napari:shapes"])
    monkeypatch.setattr(kernel_process, "version", lambda name: "another")
    assert not kernel_process.is_stamped()


def test_nothing_is_started_where_it_is_turned_off(monkeypatch):
    monkeypatch.setenv("SNPORE_WARM_UP", "0")
    assert kernel_process.start() is None
    monkeypatch.delenv("SNPORE_WARM_UP")
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert kernel_process.start() is None


SEGMENT = """
import numpy as np
from napari_snpore import segment
from napari_snpore.kernel_process import start
process = start()
print(segment(np.array([[[0.0, 1.0, 12.0]]]), (0.5, 6.0)).tolist())
if process is not None:
    process.stop()
"""


def test_without_a_folder_for_the_cache_kernels_work_all_the_same(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    for environment in (
        {"NUMBA_CACHE_DIR": str(blocked / "cache")},
        {"NUMBA_DISABLE_JIT": "1"},
    ):
        found = run_python(SEGMENT, SNPORE_WARM_UP="1", **environment)
        assert found == "[[[1, 2, 3]]]"
