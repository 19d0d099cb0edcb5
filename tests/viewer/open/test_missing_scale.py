from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.viewer.open.missing_scale import MissingScale
from napari_snpore.viewer.open.steps import read_paths


def asked_about(viewer, paths):
    """Return the question that paths lead to."""
    (outcome,) = read_paths(paths)
    return MissingScale(viewer, outcome.question)


@pytest.fixture
def bare(tmp_path):
    np.save(tmp_path / "bare.npy", np.arange(60, dtype=np.float32).reshape(3, 4, 5))
    return str(tmp_path / "bare.npy")


def test_the_volume_opens_with_the_size_that_was_typed(qtbot, viewer, bare):
    question = asked_about(viewer, [bare])
    qtbot.addWidget(question)
    question.voxel_size.setValue(0.25)
    question.main_button.click()
    question.status.wait()
    assert viewer.layers["bare"].scale == pytest.approx((0.25, 0.25, 0.25))
    assert {str(unit) for unit in viewer.layers["bare"].units} == {"nanometer"}
    assert not question.main_button.isEnabled()


def test_nothing_is_guessed(qtbot, viewer, bare):
    question = asked_about(viewer, [bare])
    qtbot.addWidget(question)
    question.main_button.click()
    assert "a positive number is needed" in question.status.message.text()
    assert len(viewer.layers) == 0


def test_a_series_without_angles_asks_for_first_and_step(qtbot, viewer, tmp_path):
    from napari_snpore.files import write_volume
    from napari_snpore.volume import Volume

    path = write_volume(
        tmp_path / "stack.mrc", Volume(np.ones((4, 5, 6), np.float32), (0.5, 0.5, 0.5))
    )
    path = path.rename(tmp_path / "stack.st")
    question = asked_about(viewer, [str(path)])
    qtbot.addWidget(question)
    question.first.setValue(-3.0)
    question.step.setValue(2.0)
    question.main_button.click()
    question.status.wait()
    record = viewer.layers["stack"].metadata["napari_snpore"]
    assert record["angles_deg"] == [-3.0, -1.0, 1.0, 3.0]
    assert record["pixel_size_nm"] == pytest.approx(0.5)


def test_images_without_angles_may_be_images_in_time(qtbot, viewer, tmp_path):
    import tifffile

    folder = tmp_path / "movie"
    folder.mkdir()
    for k in (10, 2, 1):
        tifffile.imwrite(folder / f"frame{k}.tif", np.full((12, 16), k, np.uint8))
    question = asked_about(viewer, [str(folder)])
    qtbot.addWidget(question)
    assert question.kind_box.currentText() == "tilt series"
    assert question.form.isRowVisible(question.first)
    question.kind_box.setCurrentText("images in time")
    assert not question.form.isRowVisible(question.first)
    question.main_button.click()
    assert "a positive number is needed" in question.status.message.text()
    question.voxel_size.setValue(0.5)
    question.seconds.setValue(20)
    question.main_button.click()
    question.status.wait()
    layer = viewer.layers["movie"]
    assert layer.axis_labels == ("frame", "y", "x")
    assert layer.metadata["napari_snpore"]["times_s"] == [0, 20, 40]
    assert [int(frame[0, 0]) for frame in layer.data] == [1, 2, 10]


def test_a_stack_that_is_called_a_series_may_be_a_volume(qtbot, viewer, tmp_path):
    from napari_snpore.files import write_volume
    from napari_snpore.volume import Volume

    path = write_volume(
        tmp_path / "stack.mrc", Volume(np.ones((4, 5, 6), np.float32), (0.5, 0.5, 0.5))
    )
    question = asked_about(viewer, [str(path.rename(tmp_path / "stack.st"))])
    qtbot.addWidget(question)
    question.kind_box.setCurrentText("volume")
    question.main_button.click()
    question.status.wait()
    assert viewer.layers["stack"].axis_labels == ("z", "y", "x")
    assert viewer.layers["stack"].scale == pytest.approx((0.5, 0.5, 0.5))


def test_a_file_of_several_volumes_offers_them(qtbot, viewer, tmp_path):
    import mrcfile

    data = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    with mrcfile.new(tmp_path / "two.mrc", data) as file:
        file.voxel_size = 5.0
    question = asked_about(viewer, [str(tmp_path / "two.mrc")])
    qtbot.addWidget(question)
    assert "holds several images; <b>volume 1</b> is chosen" in question.question.text()
    names = [question.image_box.itemText(k) for k in range(question.image_box.count())]
    assert names == ["volume 1", "volume 2"]
    question.image_box.setCurrentText("volume 2")
    question.status.wait()
    assert "<b>volume 2</b> is chosen" in question.question.text()
    question.main_button.click()
    question.status.wait()
    assert np.array_equal(viewer.layers["two"].data, data[1])


def test_a_file_of_one_image_does_not_ask_which(qtbot, viewer, bare):
    question = asked_about(viewer, [bare])
    qtbot.addWidget(question)
    assert not question.form.isRowVisible(question.image_box)


def test_files_that_contradict_each_other_are_asked_about_with_the_reason(qtbot, viewer, tmp_path):
    from napari_snpore.files import write_volume
    from napari_snpore.volume import Volume

    write_volume(tmp_path / "a.mrc", Volume(np.ones((4, 5, 6), np.float32), 0.5))
    (tmp_path / "a.rawtlt").write_text("-3 -1 1 3")
    (tmp_path / "a.mdoc").write_text(
        "".join(f"[ZValue = {k}]\nTiltAngle = {angle}\n" for k, angle in enumerate((-3, -1, 1, 8)))
    )
    question = asked_about(viewer, [str(tmp_path / "a.mrc")])
    qtbot.addWidget(question)
    assert "image 3 is 3° by a.rawtlt and 8° by a.mdoc" in question.question.text()
    question.first.setValue(-3.0)
    question.step.setValue(2.0)
    question.main_button.click()
    question.status.wait()
    record = viewer.layers["a"].metadata["napari_snpore"]
    assert record["angles_deg"] == [-3.0, -1.0, 1.0, 3.0]


def test_sizes_that_contradict_each_other_are_asked_for(qtbot, viewer, tmp_path):
    from napari_snpore.files import write_volume
    from napari_snpore.volume import Volume

    write_volume(tmp_path / "a.mrc", Volume(np.ones((2, 5, 6), np.float32), 0.5))
    (tmp_path / "a.mdoc").write_text(
        "PixelSpacing = 7\n[ZValue = 0]\nTiltAngle = 0\n[ZValue = 1]\nTiltAngle = 2\n"
    )
    question = asked_about(viewer, [str(tmp_path / "a.mrc")])
    qtbot.addWidget(question)
    assert "0.5 nm by the file and 0.7 nm by a.mdoc" in question.question.text()
    question.voxel_size.setValue(0.6)
    question.main_button.click()
    question.status.wait()
    record = viewer.layers["a"].metadata["napari_snpore"]
    assert record["pixel_size_nm"] == pytest.approx(0.6)
    assert record["angles_deg"] == [0.0, 2.0]
