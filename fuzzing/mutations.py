"""Damage to bytes, texts, JSON trees and folders, drawn from a generator of random numbers."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numpy.random import Generator

TEXTS = (
    ".json",
    ".toml",
    ".mdoc",
    ".tlt",
    ".rawtlt",
    ".txt",
    ".nhdr",
    ".mhd",
    ".vgi",
    ".info",
    ".xf",
    ".csv",
    ".svg",
    ".nhdr",
    ".mhd",
    ".vgi",
    ".info",
)
_HEADER = 4096
"""Most changes go into the first bytes, where formats keep what they say about the rest."""
_NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**64 - 1,
)
_WORDS = (
    "0", "-1", "1e999", "nan", "inf", "1" * 5000, "9" * 18, "x", "", "\0", "\n", "é", "\ufeff", '"', "'", "[", "]", "{", "}",
    "[" * 2000, '{"a":' * 1500,
    "=", "#", "%s%n", "../../etc/passwd", "/dev/zero", "1.2.3", "0x10", "1_000", "true", "null", "a" * 3000,
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 10**30, 1e308, 0.5, "", "x", "é\n", "a" * 600, [], [1], {}, {"a": 1}, [[]],
    [None], "nan", "../x",
)  # fmt: skip


def pick(rng: Generator, items: Sequence[Any]) -> Any:
    return items[int(rng.integers(len(items)))]


def damage_bytes(rng: Generator, data: bytes) -> tuple[bytes, str]:
    """Return bytes with one to four changes, and their names."""
    names = []
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        change = pick(rng, _BYTE_CHANGES)
        data = change(rng, data)
        names.append(change.__name__.strip("_"))
    return data, "+".join(names)


def damage_text(rng: Generator, data: bytes) -> tuple[bytes, str]:
    """Return a text with one to three words, lines or letters changed, and their names."""
    names = []
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        change = pick(rng, _TEXT_CHANGES)
        text = change(rng, text)
        names.append(change.__name__.strip("_"))
    return text[: 3 * 2**20].encode("utf-8", "surrogateescape"), "+".join(names)


def damage_json(rng: Generator, data: bytes) -> tuple[bytes, str]:
    """Return JSON with one to three values replaced, removed, added or renamed."""
    try:
        tree = json.loads(data)
    except ValueError:
        return damage_text(rng, data)
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        places = list(_places(tree))
        if not places:
            break
        holder, key = pick(rng, places)
        what = rng.integers(5)
        if what == 0:
            del holder[key]
        elif what == 1 and isinstance(holder, dict):
            holder[pick(rng, ("", "x", "é", "a" * 600, str(key).upper()))] = holder.pop(key)
        elif what == 2:
            of, name = pick(rng, places)
            holder[key] = copy.deepcopy(of[name])
        elif what == 3 and isinstance(holder[key], (int, float)):
            holder[key] = pick(rng, (-holder[key], holder[key] * 1000, holder[key] + 1, 10**12))
        else:
            holder[key] = pick(rng, _VALUES)
    try:
        return json.dumps(tree).encode(), "json"
    except ValueError:  # a number that JSON does not hold
        return damage_text(rng, data)


def damage_folder(rng: Generator, folder: Path) -> str:
    """Damage one file below a folder; return what was done to which."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    path = pick(rng, files)
    name = path.relative_to(folder).as_posix()
    if rng.random() < 0.05:
        return f"{name}: {_make_special(rng, path)}"
    data = path.read_bytes()
    if path.suffix == ".json" and rng.random() < 0.7:
        data, what = damage_json(rng, data)
    elif path.suffix.lower() in TEXTS and rng.random() < 0.7:
        data, what = damage_text(rng, data)
    else:
        data, what = damage_bytes(rng, data)
    path.write_bytes(data)
    if rng.random() < 0.7:
        _fit_checksums(folder)
    return f"{name}: {what}"


def _fit_checksums(folder: Path) -> None:
    """Let the manifest of a saved window agree with its files, so that they are read at all."""
    for manifest in folder.rglob("window.json"):
        try:
            content = json.loads(manifest.read_bytes())
            for name, about in content["files"].items():
                raw = (manifest.parent / name).read_bytes()
                about.update(bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest())
            manifest.write_text(json.dumps(content))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return


def _make_special(rng: Generator, path: Path) -> str:
    """Put something that is no ordinary file in the place of one."""
    what = str(
        pick(
            rng,
            (
                "gone",
                "empty",
                "folder",
                "pipe",
                "broken link",
                "looping link",
                "device",
                "socket name",
            ),
        )
    )
    path.unlink()
    if what == "empty":
        path.touch()
    elif what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "broken link":
        path.symlink_to("nowhere")
    elif what == "looping link":
        path.symlink_to(path.name)
    elif what == "device":
        path.symlink_to("/dev/zero")
    elif what == "socket name":
        path.symlink_to("/dev/null")
    return what


def _place(rng: Generator, data: bytes) -> int:
    end = min(len(data), _HEADER) if rng.random() < 0.8 else len(data)
    return int(rng.integers(max(end, 1)))


def _flip_bits(rng: Generator, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        if found:
            found[_place(rng, data)] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _random_bytes(rng: Generator, data: bytes) -> bytes:
    at, count = _place(rng, data), int(rng.choice([1, 2, 4, 8, 64]))
    return data[:at] + rng.bytes(count) + data[at + count :]


def _number(rng: Generator, data: bytes) -> bytes:
    """Write a number that is often a limit, in either byte order."""
    value, width, order = pick(rng, _NUMBERS), pick(rng, "BHIQ"), pick(rng, "<>")
    raw = struct.pack(order + width, value & (256 ** struct.calcsize(order + width) - 1))
    at = _place(rng, data)
    at -= at % (len(raw) if rng.random() < 0.5 else 1)
    return data[:at] + raw + data[at + len(raw) :]


def _cut_short(rng: Generator, data: bytes) -> bytes:
    return data[: _place(rng, data) if rng.random() < 0.5 else int(rng.integers(len(data) + 1))]


def _remove(rng: Generator, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + int(rng.choice([1, 2, 4, 100])) :]


def _insert(rng: Generator, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.bytes(int(rng.choice([1, 2, 4, 100]))) + data[at:]


def _copy_within(rng: Generator, data: bytes) -> bytes:
    start, goal, count = _place(rng, data), _place(rng, data), int(rng.choice([4, 12, 64, 512]))
    return data[:goal] + data[start : start + count] + data[goal + count :]


def _append(rng: Generator, data: bytes) -> bytes:
    return data + rng.bytes(int(rng.choice([1, 100, 4096])))


def _zeros(rng: Generator, data: bytes) -> bytes:
    at, count = _place(rng, data), int(rng.choice([4, 64, 1024]))
    return data[:at] + bytes(min(count, max(len(data) - at, 0))) + data[at + count :]


def _digit(rng: Generator, data: bytes) -> bytes:
    """Change one digit of the text inside a binary file, such as a header of words."""
    places = [k for k, letter in enumerate(data[:_HEADER]) if 48 <= letter <= 57]
    if not places:
        return _flip_bits(rng, data)
    at = pick(rng, places)
    return data[:at] + bytes([pick(rng, b"0123456789.-eEx ")]) + data[at + 1 :]


_BYTE_CHANGES: tuple[Callable[[Generator, bytes], bytes], ...] = (
    _flip_bits, _flip_bits, _random_bytes, _number, _number, _cut_short, _remove, _insert, _copy_within, _append, _zeros, _digit,
)  # fmt: skip


def _word(rng: Generator, text: str) -> str:
    words = text.split(" ")
    words[int(rng.integers(len(words)))] = pick(rng, _WORDS)
    return " ".join(words)


def _value(rng: Generator, text: str) -> str:
    """Replace what stands after an equals sign, or a whole line where there is none."""
    lines = text.split("\n")
    at = int(rng.integers(len(lines)))
    name, sign, _ = lines[at].partition("=")
    lines[at] = (
        f"{name}{sign}{pick(rng, (' ', ''))}{pick(rng, _WORDS)}" if sign else pick(rng, _WORDS)
    )
    return "\n".join(lines)


def _line_twice(rng: Generator, text: str) -> str:
    lines = text.split("\n")
    at, count = int(rng.integers(len(lines))), int(rng.choice([2, 3, 1000]))
    count = min(count, 2 + 2**20 // (len(lines[at]) + 1))
    return "\n".join([*lines[:at], *lines[at : at + 1] * count, *lines[at + 1 :]])


def _line_gone(rng: Generator, text: str) -> str:
    lines = text.split("\n")
    del lines[int(rng.integers(len(lines)))]
    return "\n".join(lines)


def _letter(rng: Generator, text: str) -> str:
    at = int(rng.integers(len(text) + 1))
    return text[:at] + pick(rng, "01-.eE=[]{}\"'#,;\t\n\0é\u2028x") + text[at + 1 :]


def _end_gone(rng: Generator, text: str) -> str:
    return text[: int(rng.integers(len(text) + 1))]


def _long(rng: Generator, text: str) -> str:
    """Repeat a part until the text is large."""
    at = int(rng.integers(len(text) + 1))
    part = text[at : at + int(rng.choice([1, 2, 20, 200]))] or "x"
    return text[:at] + part * (int(rng.choice([2**12, 2**16, 2**21])) // len(part)) + text[at:]


def _other_encoding(rng: Generator, text: str) -> str:
    encoding = pick(rng, ("utf-16", "utf-16-be", "utf-32", "latin-1", "utf-8-sig"))
    return text.encode(encoding, "ignore").decode("utf-8", "surrogateescape")


_TEXT_CHANGES: tuple[Callable[[Generator, str], str], ...] = (
    _word, _word, _value, _value, _value, _line_twice, _line_gone, _letter, _letter, _end_gone, _long, _other_encoding,
)  # fmt: skip


def _places(tree: Any) -> Any:
    """Yield each container below a tree with each of its keys."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield tree, key
            yield from _places(value)
    elif isinstance(tree, list):
        for key, value in enumerate(tree):
            yield tree, key
            yield from _places(value)


def copy_of(sample: Path, folder: Path) -> None:
    """Copy the files of one sample into a new folder."""
    shutil.copytree(sample, folder, symlinks=True)
