"""Tilt angles in side files: refined and nominal ones, encodings, and series that a .mdoc names."""

from __future__ import annotations

from types import SimpleNamespace

import mrcfile
import numpy as np
import pytest
import tifffile

from napari_snpore import read_tilt_series
from napari_snpore.errors import DisagreementError, FileFormatError, MissingAnglesError
from napari_snpore.files.image_input import contents_of, grouped_inputs, parse_input
from napari_snpore.files.side_files import read_angles
from napari_snpore.study.pipeline import input_paths

ANGLES = [-10.5, -5.0, 0.0, 5.0, 10.0]
NOMINAL = [-60.0, -30.0, 0.0, 30.0, 60.0]
REFINED = [-60.4, -30.2, 0.3, 30.1, 60.6]


def stack(path, count=5, angstrom=5.0):
    images = np.arange(count * 16 * 16, dtype=np.float32).reshape(count, 16, 16)
    with mrcfile.new(path, images) as file:
        file.voxel_size = angstrom
    return path


def lines(angles):
    return "".join(f"{angle}\n" for angle in angles)


def mdoc(angles, names=None, kind="ZValue"):
    sections = []
    for k, angle in enumerate(angles):
        frame = "" if names is None else f"SubFramePath = X:\\data\\{names[k]}\r\n"
        sections.append(f"[{kind} = {k}]\r\nTiltAngle = {angle}\r\n{frame}\r\n")
    return "PixelSpacing = 5\r\nVoltage = 300\r\n\r\n" + "".join(sections)


def notes_of(series):
    return series.history[-1].parameters.get("notes", [])


def test_refined_angles_win_over_nominal_ones(tmp_path):
    path = stack(tmp_path / "a.st")
    (tmp_path / "a.rawtlt").write_text(lines(NOMINAL))
    (tmp_path / "a.tlt").write_text(lines(REFINED))
    (tmp_path / "a.mdoc").write_text(mdoc(NOMINAL))
    series = read_tilt_series(path)
    assert series.angles_deg.tolist() == REFINED
    assert notes_of(series) == [
        "tilt angles by a.tlt (refined); a.rawtlt differs by up to 0.6°, a.mdoc differs by up to 0.6°"
    ]
    assert contents_of(parse_input(path)).is_complete


def test_a_refinement_may_move_all_angles_by_one_offset(tmp_path):
    path = stack(tmp_path / "a.st")
    (tmp_path / "a.rawtlt").write_text(lines(NOMINAL))
    (tmp_path / "a.tlt").write_text(lines(angle - 37 for angle in REFINED))
    assert read_tilt_series(path).angles_deg == pytest.approx(np.array(REFINED) - 37)


@pytest.mark.parametrize("given", [NOMINAL, REFINED, [1, 2, 3, 4, 5]])
def test_the_caller_wins_and_the_history_says_so(tmp_path, given):
    path = stack(tmp_path / "a.st")
    (tmp_path / "a.rawtlt").write_text(lines(NOMINAL))
    (tmp_path / "a.tlt").write_text(lines(REFINED))
    series = read_tilt_series(path, angles_deg=given)
    assert series.angles_deg.tolist() == given
    assert "tilt angles by the caller" in notes_of(series)[0]


@pytest.mark.parametrize("damaged", ["words", "", "1 2 nan 4 5"])
def test_the_caller_wins_over_a_side_file_that_cannot_be_read(tmp_path, damaged):
    path = stack(tmp_path / "a.st")
    (tmp_path / "a.tlt").write_text(damaged)
    with pytest.raises(FileFormatError, match=r"a\.tlt"):
        read_tilt_series(path)
    assert read_tilt_series(path, angles_deg=NOMINAL).angles_deg.tolist() == NOMINAL


def test_files_that_disagree_name_the_way_out(tmp_path):
    path = stack(tmp_path / "a.st")
    (tmp_path / "a.rawtlt").write_text(lines(NOMINAL))
    (tmp_path / "a.mdoc").write_text(mdoc([*NOMINAL[:4], 50]))
    with pytest.raises(
        DisagreementError, match=r"image 4 is 60° by a\.rawtlt and 50° by a\.mdoc.*give angles_deg"
    ):
        read_tilt_series(path)
    (tmp_path / "a.tlt").write_text(lines(NOMINAL[::-1]))
    with pytest.raises(
        DisagreementError, match=r"a\.tlt are in another order than those of a\.rawtlt"
    ):
        read_tilt_series(path)
    (tmp_path / "a.tlt").write_text(lines(REFINED[:3]))
    with pytest.raises(MissingAnglesError, match=r"a\.tlt gives 3 tilt angles: give angles_deg"):
        read_tilt_series(path)
    assert read_tilt_series(path, angles_deg=NOMINAL).angles_deg.tolist() == NOMINAL


def test_refined_angles_of_all_images_win_over_nominal_ones_of_some(tmp_path):
    path = stack(tmp_path / "a.st")
    (tmp_path / "a.rawtlt").write_text(lines(NOMINAL[:3]))
    (tmp_path / "a.tlt").write_text(lines(REFINED))
    series = read_tilt_series(path)
    assert series.angles_deg.tolist() == REFINED
    assert "a.rawtlt gives 3 angles" in notes_of(series)[0]


@pytest.mark.parametrize("name", ["a_ali.mrc", "a_preali.mrc", "a_fixed.mrc"])
def test_stacks_that_imod_makes_have_the_angles_of_their_source(tmp_path, name):
    path = stack(tmp_path / name)
    (tmp_path / "a.tlt").write_text(lines(REFINED))
    assert read_tilt_series(path).angles_deg.tolist() == REFINED


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_ends_of_lines(tmp_path, encoding, end):
    path = tmp_path / "a.tlt"
    path.write_bytes(end.join(str(angle) for angle in ANGLES).encode(encoding))
    assert read_angles(path).tolist() == ANGLES


@pytest.mark.parametrize(
    "text",
    [
        "-10.5,-5,0,5,10",
        "-10.5, -5, 0, 5, 10,\n",
        "-10.5; -5; 0; 5; 10",
        "-10,5\n-5,0\n0,0\n5,0\n10,0\n",
        "\u221210.5\n\u22125\n0\n5\n10\n",
        "# from the microscope\n-10.5 ! first\n-5 # second\n0\n\n5 // fourth\n10 % last\n",
        "; angles\n-10.5\t-5\t0\n5\t10",
        "-1.05E+01 -5.0e0 0 5 10",
    ],
)
def test_separators_and_comments(tmp_path, text):
    path = tmp_path / "a.tlt"
    path.write_text(text, encoding="utf-8")
    assert read_angles(path).tolist() == ANGLES


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "no tilt angles"), ("# nothing\n", "no tilt angles"), ("1 two 3", "'two'"), ("1 inf", "finite")],
)  # fmt: skip
def test_what_holds_no_angles_is_refused(tmp_path, text, sentence):
    path = tmp_path / "a.tlt"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=sentence):
        read_angles(path)


TILTS = [0.0, 3.0, -3.0, 6.0, -6.0]
NAMES = [f"ts_{k:03d}_{angle:.1f}.tif" for k, angle in enumerate(TILTS)]


def frames(folder, names=None, text=None):
    """One image a tilt, each filled with its own angle."""
    folder.mkdir(exist_ok=True)
    for name, angle in zip(NAMES, TILTS, strict=True):
        plane = np.full((16, 16), angle, np.float32)
        tifffile.imwrite(folder / name, plane, metadata=None, photometric="minisblack")
    if text is None:
        text = mdoc(TILTS, names or NAMES)
    (folder / "ts.mdoc").write_text(text)
    return folder


RISING = sorted(TILTS)


def check(series, angles=RISING):
    assert series.angles_deg.tolist() == list(angles)
    assert np.asarray(series.images)[:, 0, 0].tolist() == list(angles)
    assert series.pixel_size_nm == 0.5


def test_a_series_of_frames_from_its_mdoc_its_folder_or_its_files(tmp_path):
    folder = frames(tmp_path / "ts")
    check(read_tilt_series(folder / "ts.mdoc"))
    check(read_tilt_series(folder))
    check(read_tilt_series([folder / name for name in NAMES[::-1]]))
    (dropped,) = grouped_inputs([parse_input(folder / name) for name in NAMES])
    assert contents_of(dropped).is_complete


def test_frames_that_were_converted_are_known_by_their_stems(tmp_path):
    names = [name.replace(".tif", ".eer") for name in NAMES]
    check(read_tilt_series(frames(tmp_path / "ts", names)))


def test_an_mdoc_beside_each_frame(tmp_path):
    folder = frames(tmp_path / "ts", text="")
    (folder / "ts.mdoc").unlink()
    for name, angle in zip(NAMES, TILTS, strict=True):
        (folder / f"{name}.mdoc").write_text(mdoc([angle], [name], "FrameSet"))
    check(read_tilt_series(folder))


def test_other_images_of_the_folder_are_left_out_and_said(tmp_path):
    folder = frames(tmp_path / "ts")
    tifffile.imwrite(folder / "gain.tif", np.ones((16, 16), np.float32))
    series = read_tilt_series(folder)
    check(series)
    assert notes_of(series) == ["1 files that ts.mdoc does not name were left out"]


def test_frames_that_are_missing_are_named(tmp_path):
    folder = frames(tmp_path / "ts")
    (folder / NAMES[2]).unlink()
    with pytest.raises(
        FileFormatError, match=r"names 5 images, and 1 of them, such as ts_002_-3\.0\.tif"
    ):
        read_tilt_series(folder / "ts.mdoc")
    series = read_tilt_series(folder)
    check(series, [-6, 0, 3, 6])
    assert notes_of(series) == ["ts.mdoc names 5 images, 4 are there"]


def test_two_series_in_one_folder_are_not_mixed(tmp_path):
    folder = frames(tmp_path / "ts")
    (folder / "other.mdoc").write_text(mdoc(TILTS[:3], NAMES[:3]))
    with pytest.raises(FileFormatError, match=r"2 series \(other\.mdoc, ts\.mdoc\)"):
        read_tilt_series(folder)
    check(read_tilt_series(folder / "ts.mdoc"))
    check(read_tilt_series(folder / "other.mdoc"), [-3, 0, 3])


def test_movies_of_frames_are_refused_with_the_way_out(tmp_path):
    folder = frames(tmp_path / "ts")
    for name in NAMES:
        movie = np.ones((4, 16, 16), np.float32)
        tifffile.imwrite(folder / name, movie, metadata=None, photometric="minisblack")
    with pytest.raises(FileFormatError, match="holds 4 images; one image a file is needed: align"):
        read_tilt_series(folder / "ts.mdoc")


def test_a_run_records_the_files_that_an_mdoc_names(tmp_path):
    folder = frames(tmp_path / "ts")
    source = SimpleNamespace(tilt_series=str(folder / "ts.mdoc"), volume=None)
    align = SimpleNamespace(xf=None, enabled=True)
    paths = input_paths(SimpleNamespace(input=source, align=align))
    assert sorted(paths) == sorted(str(folder / name) for name in [*NAMES, "ts.mdoc"])


@pytest.mark.parametrize("name", ["..", "X:\\data\\", "/", "a\0b.tif", " "])
def test_names_of_frames_that_are_none(tmp_path, name):
    frames(tmp_path / "ts", text=mdoc(TILTS, [name] * 5))
    with pytest.raises(FileFormatError, match="not beside it"):
        read_tilt_series(tmp_path / "ts" / "ts.mdoc")
