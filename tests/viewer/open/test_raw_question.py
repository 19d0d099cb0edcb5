from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.viewer.open.raw_question import RawQuestion
from napari_snpore.viewer.open.steps import read_paths

DATA = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)


@pytest.fixture
def raw(tmp_path):
    path = tmp_path / "scan.raw"
    path.write_bytes(b"head" + DATA.astype(">u2").tobytes())
    return path


def test_raw_voxels_without_a_side_file_lead_to_the_question(raw, tmp_path):
    (outcome,) = read_paths([raw])
    assert outcome.lacks_layout
    raw.with_suffix(".json").write_text('{"shape": [2, 3, 4], "dtype": ">u2", "offset": 4}')
    (outcome,) = read_paths([raw])
    assert not outcome.lacks_layout
    assert outcome.question is not None  # about the voxel size
    raw.with_suffix(".json").write_text("{")
    (outcome,) = read_paths([raw])
    assert not outcome.lacks_layout
    assert outcome.error is not None


def test_the_volume_opens_as_it_was_described(qtbot, viewer, raw):
    question = RawQuestion(viewer, raw)
    qtbot.addWidget(question)
    for box, count in zip(question.counts, (2, 3, 4), strict=True):
        box.setValue(count)
    question.type_box.setCurrentText("uint16")
    assert question.bytes.text() == "48 ≠ 52 of the file"
    question.voxel_size.setValue(0.5)
    question.main_button.click()
    question.status.wait()
    assert "52 bytes" in question.status.message.text()
    assert len(viewer.layers) == 0
    question.offset.setValue(4)
    question.order_box.setCurrentText("big-endian")
    assert question.bytes.text() == "52 = 52 of the file"
    question.main_button.click()
    question.status.wait()
    layer = viewer.layers["scan"]
    assert np.array_equal(layer.data, DATA)
    assert layer.scale == pytest.approx((0.5, 0.5, 0.5))


def test_a_voxel_size_is_needed(qtbot, viewer, raw):
    question = RawQuestion(viewer, raw)
    qtbot.addWidget(question)
    question.main_button.click()
    assert "a positive number is needed" in question.status.message.text()
