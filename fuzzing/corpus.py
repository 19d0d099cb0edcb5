"""Small sound inputs of every kind, made with a fixed seed or cut out of real files, on disk.

Each sample is a folder; ``open`` names what in it is opened. Real files are those of
``../shared/data`` where a checkout has them, cut to some kilobytes without loss of their headers.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import mrcfile
import numpy as np
import tifffile

from fuzzing.headers import add_header_formats
from napari_snpore import Volume, write_volume
from napari_snpore.files.formats import WRITTEN

REAL_DATA = Path(__file__).parents[2] / "shared" / "data"
_LARGEST = 500_000
"""Most bytes of a sample: each case copies one."""


@dataclass(frozen=True)
class Sample:
    """A sound input: its kind, its folder, and the name of what is opened in it."""

    kind: str
    folder: Path
    open: str


def make_corpus(folder: Path) -> list[Sample]:
    """Write all samples below a folder and return them."""
    found: list[Sample] = []

    def add(kind: str, name: str, opened: str, write: Callable[[Path], Any]) -> None:
        place = folder / f"{kind}-{name}"
        place.mkdir(parents=True)
        write(place)
        found.append(Sample(kind, place, opened))

    _add_images(add)
    add_header_formats(add, _grays(np.uint16))
    _add_real_files(add)
    _add_series(add)
    _add_recipes(add)
    add("window", "layers", "window", _write_window)
    add("run", "small", "run", _write_run)
    for suffix in ("png", "svg", "pdf"):
        add(
            "figure",
            suffix,
            f"plate.{suffix}",
            lambda place, suffix=suffix: _write_figure(place, suffix),
        )
    add("figure", "gif", "movie.gif", _write_gif)
    return found


def _grays(dtype: Any = np.float32, shape: tuple[int, ...] = (6, 16, 16)) -> Any:
    return (100 * np.random.default_rng(0).random(shape)).astype(dtype)


def _add_images(add: Callable[..., None]) -> None:
    for suffix in WRITTEN:
        name = f"a{'.ome' if suffix == '.zarr' else ''}{suffix}"
        add(
            "image",
            f"own{suffix}",
            name,
            lambda place, name=name: write_volume(place / name, Volume(_grays(), 0.5)),
        )
    for mode in ("int8", "int16", "uint16", "float32"):
        add(
            "image",
            f"mrc-{mode}",
            "a.mrc",
            lambda place, mode=mode: _write_mrc(place / "a.mrc", mode),
        )
    for name, options in _TIFFS.items():
        add(
            "image",
            f"tiff-{name}",
            "a.tif",
            lambda place, options=options: tifffile.imwrite(
                place / "a.tif", _grays(np.uint16), **options
            ),
        )
    for name, write in (
        ("hspy", _write_hspy),
        ("berkeley", _write_berkeley),
        ("velox", _write_velox),
    ):
        suffix = ".hspy" if name == "hspy" else ".emd"
        add(
            "image",
            name,
            f"a{suffix}",
            lambda place, write=write, suffix=suffix: _write_hdf(place / f"a{suffix}", write),
        )
    for version in (3, 4):
        add(
            "image",
            f"dm{version}",
            f"a.dm{version}",
            lambda place, version=version: _write_dm(place, version),
        )
    add("image", "npy", "a.npy", lambda place: np.save(place / "a.npy", _grays()))
    for name, content in _amira_files().items():
        add(
            "image",
            f"amira-{name}",
            "a.am",
            lambda place, content=content: (place / "a.am").write_bytes(content),
        )
    for version in (2, 3):
        name = f"zarr-blosc-{version}"
        add("image", name, "a.ome.zarr", lambda place, version=version: _write_zarr(place, version))


_TIFFS: dict[str, dict[str, Any]] = {
    "imagej": {
        "imagej": True,
        "metadata": {"axes": "ZYX", "spacing": 0.5, "unit": "nm"},
        "resolution": (2.0, 2.0),
    },
    "zlib": {"compression": "zlib", "photometric": "minisblack", "metadata": None},
    "lzw": {"compression": "lzw", "predictor": True, "photometric": "minisblack"},
    "tiled": {"tile": (16, 16), "compression": "zlib", "ome": True, "metadata": {"axes": "ZYX"}},
    "big": {"bigtiff": True, "photometric": "minisblack"},
    "motorola": {"byteorder": ">", "photometric": "minisblack", "metadata": None},
}


def _write_mrc(path: Path, dtype: str) -> None:
    with mrcfile.new(path, _grays(dtype)) as file:
        file.voxel_size = 2.7


def _write_hdf(path: Path, write: Callable[[h5py.File], None]) -> None:
    with h5py.File(path, "w") as file:
        write(file)


def _write_hspy(file: h5py.File) -> None:
    group = file.create_group("Experiments/a")
    group.create_dataset("data", data=_grays(), compression="gzip", chunks=(2, 16, 16))
    for axis in range(3):
        about = group.create_group(f"axis-{axis}").attrs
        about.update({"scale": 0.5, "units": "nm", "offset": 0.0, "size": 16, "name": "zyx"[axis]})
    group["metadata/Tomography/tilts/data"] = np.linspace(-50, 50, 6)


def _write_berkeley(file: h5py.File) -> None:
    file.attrs.update({"version_major": 0, "version_minor": 2})
    group = file.create_group("data/a")
    group.attrs["emd_group_type"] = 1
    group["data"] = _grays()
    for axis, count in enumerate((6, 16, 16)):
        group[f"dim{axis + 1}"] = 0.5 * np.arange(count)
        group[f"dim{axis + 1}"].attrs.update({"name": "zyx"[axis], "units": "[n_m]"})


def _write_velox(file: h5py.File) -> None:
    group = file.create_group("Data/Image/0a")
    group.create_dataset("Data", data=np.moveaxis(_grays(np.uint16), 0, -1))
    about = {
        "BinaryResult": {"PixelSize": {"width": "5e-10", "height": "5e-10"}, "PixelUnitX": "m"},
        "Stage": {"AlphaTilt": "0.5"}, "Detectors": {"Detector-0": {"DetectorName": "HAADF"}},
    }  # fmt: skip
    text = np.frombuffer(json.dumps(about).encode().ljust(2000, b"\0"), np.uint8)
    group["Metadata"] = np.repeat(text[:, None], 6, axis=1)


def _write_dm(place: Path, version: int) -> None:
    from nion.data.Calibration import Calibration
    from nion.data.DataAndMetadata import DataDescriptor, new_data_and_metadata
    from nionswift_plugin.DM_IO.dm3_image_utils import save_image

    axes = [Calibration(-50, 20, "deg"), Calibration(0, 0.5, "nm"), Calibration(0, 0.5, "nm")]
    with (place / f"a.dm{version}").open("wb") as file:
        save_image(
            new_data_and_metadata(
                _grays(), dimensional_calibrations=axes, data_descriptor=DataDescriptor(True, 0, 2)
            ),
            file,
            version,
        )


def _amira_files() -> dict[str, bytes]:
    grays = _grays(np.uint8)
    about = (
        "define Lattice 16 16 6\nParameters {\n Units { Coordinates \"nm\" }\n BoundingBox 0 7.5 0 7.5 0 2.5,\n"
        ' CoordType "uniform"\n}\nLattice { byte Data } @1{}\n# Data section follows\n@1\n'
    )  # fmt: skip
    rle = b"".join(
        bytes([len(part) | 128]) + part
        for part in (grays.tobytes()[k : k + 100] for k in range(0, 1536, 100))
    )
    first = "# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\n"
    return {
        "binary": (first + about.replace("@1{}", "@1")).encode() + grays.tobytes(),
        "ascii": ("# AmiraMesh 3D ASCII 2.0\n" + about.replace("@1{}", "@1") + "\n".join(map(str, grays.ravel()))).encode(),
        "rle": (first + about.replace("@1{}", f"@1(HxByteRLE,{len(rle)})")).encode() + rle,
    }  # fmt: skip


def _write_zarr(place: Path, version: Any) -> None:
    import numcodecs
    import zarr

    blosc = numcodecs.Blosc() if version == 2 else zarr.codecs.BloscCodec()
    group = zarr.open_group(place / "a.ome.zarr", mode="w", zarr_format=version)
    inside: dict[str, Any] = {"zarr_format": version, "chunks": (4, 8, 8), "compressors": blosc}
    zarr.create_array(group.store, name="0", data=_grays(), **inside)
    scale = [{"type": "scale", "scale": [0.5, 0.5, 0.5]}]
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    about = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    if version == 2:
        group.attrs["multiscales"] = [{"version": "0.4", **about}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [about]}


def _add_real_files(add: Callable[..., None]) -> None:
    needle = REAL_DATA / "needle-mrc" / "HAADF.mrc"
    if needle.is_file():
        add(
            "series",
            "old-fei",
            "HAADF.mrc",
            lambda place: _cut_mrc(needle, place, planes=1, rows=32),
        )
    serialem = REAL_DATA / "serialem" / "SerialEM_test_000.mrc"
    if serialem.is_file():
        add(
            "series",
            "serialem",
            serialem.name,
            lambda place: _cut_mrc(serialem, place, planes=2, rows=8),
        )
    frames = REAL_DATA / "dm3-frames" / "BF_001.dm3"
    if frames.is_file():
        add("series", "real-dm3", frames.name, lambda place: shutil.copy(frames, place))


def _cut_mrc(path: Path, place: Path, *, planes: int, rows: int) -> None:
    """Write the headers and a part of the data of an MRC file, with its side files."""
    with path.open("rb") as file:
        header = bytearray(file.read(1024))
        columns, extended = (
            struct.unpack_from("<i", header, 0)[0],
            struct.unpack_from("<i", header, 92)[0],
        )
        struct.pack_into("<ii", header, 4, rows, planes)
        rest = file.read(extended + 2 * columns * rows * planes)
    (place / path.name).write_bytes(bytes(header) + rest)
    for side in path.parent.iterdir():
        if side.suffix in (".mdoc", ".txt"):
            shutil.copy(side, place)


def _add_series(add: Callable[..., None]) -> None:
    angles = [-50, -30, -10, 10, 30, 50]
    sections = "".join(
        f"\n[ZValue = {k}]\nTiltAngle = {angle}\nStagePosition = 1 2\n"
        for k, angle in enumerate(angles)
    )
    beside = {
        ".tlt": "\n".join(f"{angle:8.2f}" for angle in angles),
        ".rawtlt": " ".join(map(str, angles)),
        ".mdoc": f"PixelSpacing = 2.7\nImageFile = a.mrc\nImageSize = 16 16\nDataMode = 1\n\n[T = by hand]\n{sections}",
        ".txt": "Image pixel size [nm]: 0.27\nTilt angle: -50\n",
    }
    for suffix, text in beside.items():

        def write(place: Path, suffix: str = suffix, text: str = text) -> None:
            _write_mrc(place / "a.mrc", "int16")
            (place / f"a{suffix}").write_text(text)

        add("series", suffix[1:], "a.mrc", write)
    add(
        "transform",
        "xf",
        "a.xf",
        lambda place: (place / "a.xf").write_text(
            6 * "  1.0000  0.0000  0.0000  1.0000   1.25  -0.50\n"
        ),
    )


def _add_recipes(add: Callable[..., None]) -> None:
    from napari_snpore.study.recipe import Recipe

    whole = Recipe(
        name="needle",
        input={"tilt_series": "a.mrc", "angles_deg": [-1, 0, 1], "pixel_size_nm": 0.5},
    ).to_toml()
    short = '[input]\nvolume = "a.tif"\nspacing_nm = [1, 1, 1]\n[threshold]\nvalues = [10, 50]\nnames = ["pore", "C", "Sn"]\n'
    plate = (
        'plane = "XY"\nposition_nm = [1.0, 1.0, 1.0]\ncolormap = "gray"\ncontrast_limits = [0, 100]\n[input]\nvolume = "a.tif"\n'
        '[[phases]]\nname = "pore"\ncolor = "#112233"\n'
    )
    for name, kind, text in (
        ("whole", "recipe", whole),
        ("short", "recipe", short),
        ("plate", "plate", plate),
    ):
        add(
            kind,
            name,
            f"{name}.toml",
            lambda place, name=name, text=text: (place / f"{name}.toml").write_text(text),
        )


def _write_window(place: Path) -> None:
    from napari.components import ViewerModel

    from napari_snpore.viewer.shared.layers import add_layer, volume_data
    from napari_snpore.viewer.window import save_window

    rng = np.random.default_rng(0)
    viewer = ViewerModel()
    add_layer(viewer, volume_data(Volume(_grays(), 0.5), "gray"))
    viewer.add_labels(
        _grays(np.uint8) // 40, name="phases", features={"index": range(3), "size": rng.random(3)}
    )
    viewer.add_points(rng.random((100, 3)), name="points")
    viewer.add_shapes([rng.random((4, 3)) * 9], shape_type="polygon", name="box")
    viewer.add_surface((rng.random((4, 3)), np.array([[0, 1, 2], [1, 2, 3]])), name="mesh")
    save_window(viewer, place / "window")


def _write_run(place: Path) -> None:
    """Write the folder of a finished run: its files as the pipeline names them."""
    import pandas as pd

    from napari_snpore.files import write_table
    from napari_snpore.study.output_folder import finish
    from napari_snpore.study.provenance import Record
    from napari_snpore.study.recipe import Recipe

    folder = place / "run"
    for name in ("volumes", "tables"):
        (folder / name).mkdir(parents=True)
    labels = (_grays() // 30).astype(np.uint8)
    write_volume(folder / "volumes" / "reconstruction.tif", Volume(_grays(), 0.5))
    write_volume(folder / "volumes" / "phases.tif", Volume(labels, 0.5))
    write_volume(folder / "volumes" / "objects_Sn.ome.zarr", Volume(labels, 0.5))
    numbers = {
        "label": [1, 2, 3],
        "length_nm": [1.0, 2, 3],
        "touches_border": [0, 1, 0],
        "resolved": [1, 0, 1],
    }
    write_table(folder / "tables" / "objects_Sn.csv", pd.DataFrame(numbers))
    write_table(
        folder / "tables" / "dead_pores.csv",
        pd.DataFrame({"connectivity": [6, 26], "dead_share_of_pore": [0.1, 0.2]}),
    )
    regions = {
        "region": ["center"],
        "region_size_nm": [2.0],
        **{f"region_center_{axis}_nm": [1.5] for axis in "zyx"},
    }
    write_table(folder / "tables" / "fractions.csv", pd.DataFrame(regions))
    record = Record("run", results={"quality": {"crowther_nm": 2.5}})
    finish(folder, record, "A run.\n", Recipe(name="a", input={"volume": "a.tif"}))


def _write_figure(place: Path, suffix: Any) -> None:
    from matplotlib.figure import Figure

    from napari_snpore.figures import save_figure

    save_figure(
        Figure(figsize=(0.5, 0.5)),
        place / "plate",
        formats=(suffix,),
        recipe={"figure": "plate", "input": {"volume": "a.tif"}},
    )


def _write_gif(place: Path) -> None:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(_grays(np.uint8, (16, 16))).save(
        content, "GIF", comment=json.dumps({"figure": "movie"}).encode()
    )
    (place / "movie.gif").write_bytes(content.getvalue())
