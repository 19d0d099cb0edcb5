"""Where the numbers of a report come from: inputs and files with checksums, versions, and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.report.content import Block, Folded, ReportTable, Terms, Verbatim, Words
from napari_snpore.report.private_paths import file_name
from napari_snpore.report.recipe_words import input_names, private_recipe
from napari_snpore.report.run_folder import FinishedRun
from napari_snpore.study.provenance import sha256


def record_blocks(record: Mapping[str, Any], *, short: bool = False) -> Iterator[Block]:
    """Yield program, machine and inputs of a record; unless it is to be short, also the versions of
    libraries and how long the steps took.
    """
    machine = dict(record.get("machine") or {})
    pairs = [
        ("Program", f"{record.get('program', 'napari-snpore')} {record.get('version', '(unknown)')}"),
        ("Command", f"snpore {record.get('command', '')}"),
        ("Started", str(record.get("started", "not recorded")).replace("T", " ")),
        ("Seed", str(record.get("seed"))),
        ("Machine", f"Python {machine.get('python')}, {machine.get('system')}, {machine.get('threads')} threads"),
    ]  # fmt: skip
    if not machine:
        del pairs[-1]
    if record.get("code"):
        pairs.append(("Code", f"{record['code']} (SHA-256 of the program)"))
    yield Terms(tuple(pairs))
    inputs = [one for one in record.get("inputs") or () if isinstance(one, Mapping)]
    if inputs:
        yield checksum_table(
            "Input files. The checksum says whether a file is the one that was read.",
            [
                (file_name(str(one.get("path"))), one.get("bytes"), str(one.get("sha256") or "–"))
                for one in inputs
            ],
        )
    else:
        yield Words("The record names no input file.", "absent")
    if short:
        return
    versions = dict(record.get("versions") or {})
    if versions:
        rows = tuple((str(name), str(value)) for name, value in versions.items())
        yield Folded(
            "Versions of the libraries",
            (ReportTable("Libraries that decide numbers or files.", ("library", "version"), rows),),
        )
    timings = dict(record.get("timings_s") or {})
    if timings:
        rows = tuple((str(name), f"{float(value):.1f}") for name, value in timings.items())
        yield Folded(
            "How long each step took",
            (ReportTable("Steps in their order.", ("step", "seconds"), rows, (False, True)),),
        )


def file_blocks(
    folder: Path, outputs: list[str], should_stop: ShouldStop | None = None
) -> Iterator[Block]:
    """Yield the files of a result with their checksums, folders of Zarr by name alone."""
    rows: list[tuple[str, Any, str]] = []
    for name in sorted({RECORD, *outputs}):
        check_stop(should_stop)
        path = folder / name
        if path.is_file():
            rows.append((name, path.stat().st_size, sha256(path)))
        elif path.is_dir():
            rows.append((name, None, "a folder"))
    yield Folded("Files of the result", (checksum_table("Files that the run wrote.", rows),))


def checksum_table(caption: str, rows: list[tuple[str, Any, str]]) -> ReportTable:
    """Return a table of files with size and sha256."""
    return ReportTable(
        caption,
        ("file", "bytes", "sha256"),
        tuple(
            (name, f"{size:,}" if isinstance(size, int) else "–", digest)
            for name, size, digest in rows
        ),
        (False, True, False),
    )


def repeat_blocks(run: FinishedRun) -> Iterator[Block]:
    """Yield the commands that repeat a run, and its recipe."""
    names = input_names(run.recipe)
    what = f"{names[0]} lies" if len(names) == 1 else f"the {len(names)} input files lie"
    version = run.record.get("version", "")
    yield Words(
        f"With napari-snpore {version} installed, and the recipe below saved as recipe.toml where {what},"
        " these commands give the same numbers, to the last bit where the libraries are the same as well:"
    )
    yield Verbatim(
        "snpore run recipe.toml -o results\nsnpore report results\nsnpore view results", "Commands"
    )
    yield Folded("The recipe", (Verbatim(private_recipe(run.recipe), "recipe.toml"),))
