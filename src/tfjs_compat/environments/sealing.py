"""What was unpacked, made complete before anybody links to it: checked, compiled, and all of it in its RECORD.

A case never writes into what others use: its modules are compiled here, by the Python that imports them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tfjs_compat.environments.records import (
    Row,
    digest_of,
    files_below,
    read_rows,
    records_of,
    write_rows,
)
from tfjs_compat.errors import MachineryError
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.context import Context
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import disk_errors, write_whole
from tfjs_compat.system.temporary import temporary_folder

_PROGRAM = Path(__file__).parents[1] / "inside" / "bytecode.py"
_SECONDS = 1800.0
_SEAL = "tfjs-compat-sealed"
"""A file beside the RECORD of each distribution that is complete."""


class _Compiled(msgspec.Struct, frozen=True):
    folder: str
    path: str
    source: str
    digest: str
    size: int


class _Unloadable(msgspec.Struct, frozen=True):
    folder: str
    path: str


_COMPILED, _UNLOADABLE = Reader[_Compiled](_Compiled), Reader[_Unloadable](_Unloadable)


def is_sealed(tree: Path) -> bool:
    """Whether an unpacked wheel was made complete; with the versions before there were seals, cases compiled it."""
    return any(tree.glob(f"*.dist-info/{_SEAL}"))


def seal(trees: Sequence[Path], python: str, context: Context) -> None:
    """Compile the modules of folders and write every file that is there into the RECORDs, with its digest.

    What the folders hold must have been checked: from now on it is what counts. ``python`` is the executable that will
    import them. Raises MachineryError where something cannot be written, Interrupted.
    """
    made: dict[Path, list[_Compiled]] = {tree: [] for tree in trees}
    for line in _bytecode("compile", trees, python, context):
        compiled = _COMPILED.decode(line)
        made[Path(compiled.folder)].append(compiled)
    for tree, compiled_here in made.items():
        with disk_errors(tree):
            _complete(tree, {each.path: each for each in compiled_here})


def _complete(tree: Path, compiled: dict[str, _Compiled]) -> None:
    records = records_of(tree)
    for record in records:
        write_whole(record.with_name(_SEAL), "", lasting=False)
    owners: dict[str, Path] = {}
    listed: dict[Path, list[Row]] = {}
    for record in records:
        rows = [row for row in read_rows(record) if row.path not in compiled]
        seal_row = Row(record.with_name(_SEAL).relative_to(tree).as_posix())
        listed[record] = rows if any(row.path == seal_row.path for row in rows) else [*rows, seal_row]
        owners |= {row.path: record for row in listed[record]}
    if len(records) == 1:
        # Some wheels leave files out of their RECORD.
        listed[records[0]] += [Row(path) for path in sorted(files_below(tree) - set(owners) - set(compiled))]
    for each in sorted(compiled.values(), key=lambda each: each.path):
        owner = owners.get(each.source, records[0] if len(records) == 1 else None)
        if owner is not None:
            listed[owner].append(Row(each.path, each.digest, each.size))
    for record, rows in listed.items():
        own = record.relative_to(tree).as_posix()
        write_rows(record, [row if row.path == own else _stated(tree, row) for row in rows])


def _stated(tree: Path, row: Row) -> Row:
    """A row that says what the file is, for one that does not."""
    path = tree / row.path
    if not row.is_inside or row.digest is not None or not path.is_file():
        return row
    return Row(row.path, digest_of(path), path.stat().st_size)


def unloadable_bytecode(trees: Sequence[Path], python: str, context: Context) -> list[tuple[Path, str]]:
    """The files of bytecode (folder, path) that Python could not load: what a full disk left of them.

    Raises MachineryError, Interrupted.
    """
    lines = _bytecode("check", trees, python, context)
    found = [_UNLOADABLE.decode(line) for line in lines]
    return [(Path(each.folder), each.path) for each in found]


def _bytecode(command: str, trees: Sequence[Path], python: str, context: Context) -> list[bytes]:
    if not trees:
        return []
    scratch_root = context.store.folder("scratch")
    with disk_errors(scratch_root), temporary_folder("bytecode-", scratch_root) as scratch:
        ended = process.run(
            [python, "-I", "-S", "-B", str(_PROGRAM), command, str(scratch / "results"), *map(str, trees)],
            env=clean_environment(scratch / "home"),
            cwd=scratch,
            log=scratch / "log.txt",
            limits=process.Limits(seconds=_SECONDS),
            stop=context.stop,
        )
        if not ended.ok:
            lines = (scratch / "log.txt").read_text("utf-8", "replace").strip().splitlines() or ["it printed nothing"]
            raise MachineryError(
                f"the modules of {trees[0].name} could not be compiled: {ended.describe()}: {lines[-1]}"
            )
        return (scratch / "results").read_bytes().splitlines()
