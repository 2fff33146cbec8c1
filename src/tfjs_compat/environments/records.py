"""What a distribution's RECORD says that is in its folder, and what is there: the difference is damage.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/ gives the form of a RECORD.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import math
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from tfjs_compat.system.files import open_regular, read_regular, write_whole

_BLOCK = 1 << 20
_MOST_BYTES = 64 << 20
_THREADS = min(4, os.cpu_count() or 1)


class Row(msgspec.Struct, frozen=True):
    """A file as a RECORD lists it: its path below the folder, ``sha256=…`` and its bytes; None: it does not say."""

    path: str
    digest: str | None = None
    size: int | None = None

    @property
    def is_inside(self) -> bool:
        """Whether it is below the folder: scripts of a virtualenv are not."""
        return not self.path.startswith(("..", "/"))


class Damage(msgspec.Struct, frozen=True):
    """A file that is not as its RECORD says. ``unlisted``: no RECORD knows it."""

    path: str
    kind: Literal["missing", "changed", "unlisted"]


def records_of(tree: Path) -> list[Path]:
    """The RECORD of each distribution in a folder; none that a link leads to."""
    return sorted(path for path in tree.glob("*.dist-info/RECORD") if not path.parent.is_symlink())


def read_rows(record: Path) -> list[Row]:
    """The rows of a RECORD. Raises OSError, ValueError (it is damaged)."""
    return rows_of(read_regular(record, _MOST_BYTES).decode("utf-8"))


def rows_of(text: str) -> list[Row]:
    """The rows that a RECORD's text holds. Raises ValueError where it is damaged."""
    rows = []
    try:
        for cells in csv.reader(io.StringIO(text, newline="")):
            if cells and cells[0]:
                path = os.path.normpath(cells[0]).replace(os.sep, "/")
                digest, size = ((cells[number] or None) if len(cells) > number else None for number in (1, 2))
                rows.append(Row(path, digest, int(size) if size is not None else None))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return rows


def write_rows(record: Path, rows: Iterable[Row]) -> None:
    """Write a RECORD. Raises MachineryError."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([row.path, row.digest or "", "" if row.size is None else row.size])
    write_whole(record, text.getvalue(), lasting=False)


def damage(tree: Path, *, most: float = math.inf) -> list[Damage]:
    """What is not as the RECORDs of a folder say, by path. A RECORD that makes no sense is ``changed``.

    The size of every file counts, the content of those of up to ``most`` bytes. Bytecode that no RECORD lists is
    ``unlisted`` like any other file: a program wrote it there.
    """
    rows: dict[str, Row] = {}
    found: list[Damage] = []
    records = [] if tree.is_symlink() else records_of(tree)
    if not records:
        return [Damage(".", "changed")]
    for record in records:
        path = record.relative_to(tree).as_posix()
        try:
            listed = {row.path: row for row in read_rows(record) if row.is_inside}
        except (OSError, ValueError):
            listed = {}
        if path not in listed:
            found.append(Damage(path, "changed"))
        rows |= listed
        rows.setdefault(path, Row(path))
    present = files_below(tree)
    found += [Damage(path, "unlisted") for path in present if path not in rows]
    found += [Damage(path, "missing") for path in rows if path not in present]
    there = [row for path, row in rows.items() if path in present]
    with ThreadPoolExecutor(_THREADS) as executor:
        whole = executor.map(lambda row: is_whole(tree, row, most=most), there)
        found += [Damage(row.path, "changed") for row, good in zip(there, whole, strict=True) if not good]
    return sorted(set(found), key=lambda each: each.path)


def is_whole(tree: Path, row: Row, *, most: float = math.inf) -> bool:
    """Whether a file is there as its row says; the content of one of more than ``most`` bytes is not read."""
    path = tree / row.path
    try:
        size = path.stat().st_size
        if row.size is not None and size != row.size:
            return False
        return size > most or row.digest is None or digest_of(path, row.digest.partition("=")[0]) == row.digest
    except (OSError, ValueError):
        return False


def digest_of(path: Path, kind: str = "sha256") -> str:
    """The digest of a file as RECORDs write it. Raises OSError, ValueError for a kind that is not known."""
    digest = hashlib.new(kind)
    with open_regular(path) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return f"{kind}={base64.urlsafe_b64encode(digest.digest()).rstrip(b'=').decode()}"


def remove_links(tree: Path) -> None:
    """Remove every link to a folder from a folder, and the folder itself if it is one; what they lead to stays.

    A wheel has none: somebody put it there, and what is written or removed through it would be his. Raises OSError.
    """
    if tree.is_symlink():
        tree.unlink()
        return
    for place, names, _ in os.walk(tree):
        for path in (Path(place, name) for name in names):
            if path.is_symlink():
                path.unlink()


def files_below(tree: Path) -> set[str]:
    """The paths of all files and links below a folder."""
    found = set()
    for folder, names, files in os.walk(tree):
        place = Path(folder).relative_to(tree).as_posix()
        links = [name for name in names if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        found |= {name if place == "." else f"{place}/{name}" for name in (*files, *links)}
    return found


def is_bytecode(path: str) -> bool:
    """Whether a path is that of a module's bytecode."""
    return "__pycache__/" in path and path.endswith(".pyc")


def said(found: Sequence[Damage]) -> str:
    """Damage in a few words: how many files, and which is the first."""
    first = f"{found[0].path} is {found[0].kind}"
    return first if len(found) == 1 else f"{first}, and {len(found) - 1} more"
