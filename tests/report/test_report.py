"""Reports of finished runs: what they say against the files of the run, alike in every place, and
without folders of this machine.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import re
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_snpore import (
    Recipe,
    make_phantom,
    read_volume,
    run_study,
    simulate_tilt_series,
    write_volume,
)
from napari_snpore.errors import FileFormatError, MissingFileError, OutputError, Stopped
from napari_snpore.figures.save import png_bytes
from napari_snpore.history import EditByHandStep
from napari_snpore.report.caveats import caveats
from napari_snpore.report.run_folder import read_run
from napari_snpore.report.writing import make_report, write_report
from napari_snpore.study.phantom_files import write_tilts


class Page(HTMLParser):
    """What the tests need of a page: headings, tables as texts, images, links, text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.headings, self.tables, self.images, self.links, self.text = [], [], [], [], ""
        self.tags, self._row, self._cell, self._heading = [], None, None, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        if tag == "img":
            self.images.append(given)
        elif tag == "a":
            self.links.append(given["href"])
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self._row = []
        elif tag in ("th", "td"):
            self._cell = ""
        elif re.fullmatch("h[1-6]", tag):
            self._heading = (int(tag[1]), "")

    def handle_endtag(self, tag):
        if tag in ("th", "td"):
            self._row.append(self._cell)
            self._cell = None
        elif tag == "tr":
            self.tables[-1].append(self._row)
        elif re.fullmatch("h[1-6]", tag):
            self.headings.append(self._heading)
            self._heading = None

    def handle_data(self, data):
        self.text += data
        if self._cell is not None:
            self._cell += data
        if self._heading is not None:
            self._heading = (self._heading[0], self._heading[1] + data)

    def table(self, *head):
        return next(rows for rows in self.tables if set(head) <= set(rows[0]))


def page_of(files):
    return Page(files.html.read_text(encoding="utf-8"))


def streams(pdf):
    """Return a PDF with its streams unpacked."""
    found = [pdf]
    for raw in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        text = raw.strip()
        packed = base64.a85decode(text[:-2]) if text.endswith(b"~>") else raw
        try:
            found.append(zlib.decompress(packed))
        except zlib.error:
            found.append(packed)
    return b"\n".join(found)


@pytest.fixture(scope="module")
def volume_run(tmp_path_factory):
    """A run that starts from a volume, with figures."""
    folder = tmp_path_factory.mktemp("private-folder")
    phantom = make_phantom("pristine", shape=(48, 32, 48), spacing=0.3, seed=5)
    recipe = Recipe(
        name="small <fibre> & Co",
        input={"volume": str(write_volume(folder / "fibre.tif", phantom.volume))},
        threshold={"values": [0.5, 6.0]},
        envelope={"ray_length_nm": 4.0, "directions": 32},
        uncertainty={"draws": 3},
        output={"figures": ["png", "svg"]},
    )
    run_study(recipe, folder / "results")
    return folder / "results"


@pytest.fixture(scope="module")
def series_run(tmp_path_factory):
    """A run that starts from a tilt series, without figures and twin."""
    folder = tmp_path_factory.mktemp("private-series")
    phantom = make_phantom("pristine", shape=(40, 24, 40), spacing=0.4, seed=2)
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-60.0, 61, 5), dose=1000, seed=1)
    recipe = Recipe(
        name="series",
        input={"tilt_series": str(write_tilts(folder / "tilts.tif", series))},
        align={"enabled": False},
        reconstruct={"method": "sirt", "sirt": {"iterations": 8}},
        uncertainty={"twins": 0, "draws": 3},
        output={"figures": []},
    )
    run_study(recipe, folder / "results")
    return folder / "results"


@pytest.fixture(scope="module")
def files(volume_run, tmp_path_factory):
    return write_report(volume_run, tmp_path_factory.mktemp("out") / "r.html")


def test_the_table_of_numbers_is_that_of_the_run(files, volume_run):
    rows = page_of(files).table("quantity", "counted", "95 % interval")
    head, body = rows[0], rows[1:]
    numbers = pd.read_csv(volume_run / "tables" / "numbers.csv")
    assert [row[0] for row in body] == numbers["quantity"].tolist()
    counted, ends = head.index("counted"), head.index("95 % interval")
    for row, given in zip(body, numbers.to_dict("records"), strict=True):
        if given["unit"] == "%":
            assert row[counted] == f"{given['value']:.1f}"
        if np.isnan(given["low_95"]):
            assert row[ends] == "–"
        elif given["unit"] == "%":
            assert row[ends] == f"{given['low_95']:.1f} to {given['high_95']:.1f} †"


def test_the_page_needs_nothing_from_outside(files):
    page = page_of(files)
    text = files.html.read_text(encoding="utf-8")
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object")]
    assert page.images
    assert all(image["src"].startswith("data:image/") for image in page.images)
    assert "@import" not in text
    assert "url(" not in text
    outside = [link for link in page.links if not link.startswith("#")]
    assert outside
    assert all(link.startswith("https://doi.org/10.") for link in outside)


def test_pictures_are_whole_and_need_nothing_from_outside(files):
    kinds = set()
    for image in page_of(files).images:
        kind, _, raw = image["src"].removeprefix("data:image/").partition(";base64,")
        content = base64.b64decode(raw)
        kinds.add(kind)
        if kind == "png":
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
                assert picture.size == (int(image["width"]), int(image["height"]))
                assert not set(picture.info) & {"Recipe", "Software"}
        else:
            root = ElementTree.fromstring(content)
            links = [value for node in root.iter() for name, value in node.attrib.items()
                     if name.endswith("href")]  # fmt: skip
            assert all(link.startswith(("#", "data:")) for link in links)
            assert not list(root.iter("{http://www.w3.org/2000/svg}metadata"))
    assert kinds == {"png", "svg+xml"}


def test_the_page_can_be_read_without_seeing_it(files):
    page = page_of(files)
    assert all(image["alt"].strip() for image in page.images)
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    tables = [tag for tag, _ in page.tags if tag in ("table", "caption")]
    assert tables.count("table") == tables.count("caption") > 0
    scopes = [given.get("scope") for tag, given in page.tags if tag == "th"]
    assert set(scopes) == {"col", "row"}
    ids = {given["id"] for _, given in page.tags if "id" in given}
    assert {link[1:] for link in page.links if link.startswith("#")} <= ids
    assert ("html", {"lang": "en-GB"}) in page.tags


def test_names_are_text_not_markup(files):
    assert page_of(files).headings[0] == (1, "small <fibre> & Co")
    assert b"(small <fibre> & Co)" in files.pdf.read_bytes()  # its title


def test_no_folder_of_the_machine_is_in_any_file(files, volume_run):
    place = "private-folder"
    page = files.html.read_bytes()
    pictures = [base64.b64decode(raw) for raw in re.findall(rb";base64,([^\"]+)\"", page)]
    for content in (page, *pictures, streams(files.pdf.read_bytes()), files.bibtex.read_bytes()):
        assert place.encode() not in content
        assert b"/tmp/" not in content
    assert "fibre.tif" in page.decode()


def test_the_same_run_gives_the_same_bytes_in_another_place(files, volume_run, tmp_path):
    copy = tmp_path / "elsewhere" / "copied"
    shutil.copytree(volume_run, copy)
    again = write_report(copy, tmp_path / "other.html")
    for one, other in zip(files.paths, again.paths, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_pdf_has_pages_a_title_a_language_and_bookmarks(files):
    content = files.pdf.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b", content)) > 3
    assert b"/Lang" in content
    titles = len(re.findall(rb"/Title", content))
    assert titles > 8  # one of the document, one per heading
    assert len(re.findall(rb"/Subtype /Image", content)) > 5


def test_methods_cite_what_the_bibliography_holds(files):
    text = files.html.read_text(encoding="utf-8")
    cited = {key for keys in re.findall(r"\\cite\{([^}]*)\}", text) for key in keys.split(",")}
    entries = files.bibtex.read_text(encoding="utf-8")
    assert cited == set(re.findall(r"^@\w+\{(\w+),", entries, re.MULTILINE))
    for doi in re.findall(r"doi = \{(.*)\}", entries):
        assert f"https://doi.org/{doi}" in text.replace("&amp;", "&")


def test_methods_name_the_parameters_of_a_run_with_images(series_run):
    report = make_report(series_run)
    (methods,) = [one for one in report.sections if one.title.startswith("Methods")]
    text = methods.blocks[0].text
    record = json.loads((series_run / "record.json").read_text(encoding="utf-8"))
    assert "25 images from −60.0° to 60.0° (mean step 5.00°)" in text
    assert "SIRT [1] (8 iterations" in text
    assert "40 × 24 × 40 voxels (z, y, x) of 0.4 nm" in text
    first, second = record["results"]["segmentation"]["thresholds_gray"]
    assert f"{first:.4g} and {second:.4g} grey units" in text
    assert f"napari-snpore {record['version']}" in text
    assert f"{record['results']['quality']['crowther_nm']:.3g}" in text


def test_what_is_missing_is_a_sentence(series_run, tmp_path):
    page = page_of(write_report(series_run, tmp_path / "a.html"))
    assert "asked for no figures" in page.text
    assert "No digital twin was" in page.text
    assert len(page.images) == 3  # drawn from the volumes: turned views, grey slices, phases
    bare = tmp_path / "bare"
    shutil.copytree(series_run, bare)
    shutil.rmtree(bare / "volumes")
    (bare / "tables" / "numbers.csv").unlink()
    (bare / "summary.txt").unlink()
    text = page_of(write_report(bare, tmp_path / "b.html")).text
    assert "the volumes of the run are not in its folder any more" in text
    assert "No views in 3D" in text
    assert "no table of numbers with errors" in text
    assert "volumes/phases.tif" in text  # named as missing


def test_a_run_from_a_volume_says_so(files):
    text = page_of(files).text
    assert "the run started from a volume" in text
    assert "The analysis starts from a volume that was reconstructed before" in text


def test_checksums_are_those_of_the_input(files, volume_run):
    rows = page_of(files).tables
    (table,) = [one for one in rows if "sha256" in one[0] and one[1][0] == "fibre.tif"]
    assert table[1][2] == hashlib.sha256((volume_run.parent / "fibre.tif").read_bytes()).hexdigest()


def test_a_damaged_figure_is_left_out_with_a_sentence(volume_run, tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(volume_run, copy)
    figure = copy / "figures" / "histogram.png"
    figure.write_bytes(figure.read_bytes()[:500])
    (copy / "figures" / "histogram.svg").unlink()
    text = page_of(write_report(copy, tmp_path / "a.html")).text
    assert "The figure histogram is left out." in text


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda run: shutil.rmtree(run), MissingFileError, "There is no folder"),
        (lambda run: (run / "record.json").unlink(), FileFormatError, "no finished result"),
        (lambda run: (run / "recipe.toml").unlink(), FileFormatError, "recipe.toml"),
        (lambda run: (run / "record.json").write_text("{"), FileFormatError, "record"),
        (lambda run: (run / "record.json").write_text('{"results": 3}'), FileFormatError, "version 1"),
        (lambda run: _with_record(run, schema=2), FileFormatError, "version 2"),
        (lambda run: _with_record(run, command="measure"), FileFormatError, "snpore measure"),
        (lambda run: _with_record(run, results=[1]), FileFormatError, "record"),
        (
            lambda run: (run / "tables" / "numbers.csv").write_text("a,b\n1,2,3\n"),
            FileFormatError,
            "numbers.csv",
        ),
    ],
)  # fmt: skip
def test_what_is_no_finished_run_is_refused_in_one_sentence(
    series_run, tmp_path, change, error, words
):
    copy = tmp_path / "copied"
    shutil.copytree(series_run, copy)
    change(copy)
    with pytest.raises(error, match=words):
        write_report(copy, tmp_path / "a.html")
    assert not list(tmp_path.glob("a.*"))


def _with_record(run, **changes):
    path = run / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}))


def test_places_that_cannot_be_written_are_refused(series_run, tmp_path):
    with pytest.raises(OutputError, match=r"\.html"):
        write_report(series_run, tmp_path / "a.docx")
    (tmp_path / "a.pdf").write_text("mine")
    with pytest.raises(OutputError, match="there already"):
        write_report(series_run, tmp_path / "a.html")
    assert (tmp_path / "a.pdf").read_text() == "mine"
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_report(series_run, tmp_path / "file" / "a.html")


def test_progress_ends_at_its_total(series_run, tmp_path):
    calls = []
    write_report(series_run, tmp_path / "a.html", progress=lambda *parts: calls.append(parts))
    done, totals = zip(*calls, strict=True)
    assert list(done) == list(range(1, totals[0] + 1))
    assert set(totals) == {done[-1]}


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium")
def test_a_browser_opens_the_page_from_disk_and_blocks_nothing(files, tmp_path):
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path}", "--dump-dom", files.html.as_uri()],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    shown, written = Page(done.stdout), page_of(files)
    assert shown.headings == written.headings
    assert shown.tables == written.tables
    assert "Content Security Policy" not in done.stderr


def test_a_stop_leaves_nothing(series_run, tmp_path):
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 3

    with pytest.raises(Stopped):
        write_report(series_run, tmp_path / "a.html", should_stop=stop)
    assert list(tmp_path.iterdir()) == []


def test_figures_drawn_for_a_report_are_the_same_bytes(series_run):
    from napari_snpore.figures import turned_views

    phases = read_volume(series_run / "volumes" / "phases.tif")
    assert png_bytes(turned_views(phases)) == png_bytes(turned_views(phases))


def test_corrections_by_hand_are_a_caveat(series_run, tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(series_run, copy)
    path = copy / "volumes" / "phases.tif"
    phases = read_volume(path)
    edited = phases.after(EditByHandStep(5, ((1, 3, 5),)), np.asarray(phases.data))
    write_volume(path, edited, overwrite=True)
    found = caveats(read_run(copy))
    assert any("Edited by hand: 5 voxels: pore → Sn" in sentence for sentence in found)
    assert not any("Edited by hand" in sentence for sentence in caveats(read_run(series_run)))
