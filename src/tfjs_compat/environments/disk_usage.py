"""What environments take on disk, with what they share counted once."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tfjs_compat.environments.environment import Environment
from tfjs_compat.system.store import Store

_Files = dict[tuple[int, int], tuple[int, int]]


class Size(msgspec.Struct, frozen=True):
    """Bytes on disk: ``whole`` with each file once, ``own`` what no other environment or cache holds too."""

    whole: int
    own: int


def sizes(environments: Sequence[Environment], store: Store) -> tuple[dict[str, Size], int]:
    """The size of each environment, unpacked wheels included, and of all together."""
    users = Counter(tree for environment in environments for tree in environment.trees)
    trees = {tree: _files(store.root / "wheels" / tree) for tree in users}
    rows: dict[str, Size] = {}
    everything: _Files = {}
    for environment in environments:
        mine = _files(environment.root)
        alone = _unshared(mine)
        for tree in environment.trees:
            mine |= trees[tree]
            alone += _unshared(trees[tree]) if users[tree] == 1 else 0
        rows[environment.id] = Size(_total(mine), alone)
        everything |= mine
    return rows, _total(everything)


def _files(root: Path) -> _Files:
    """(device, inode) → (size, number of links) of all files below a folder, links not followed."""
    found: _Files = {}
    for folder, _, names in os.walk(root):
        for name in names:
            with contextlib.suppress(OSError):
                facts = os.lstat(os.path.join(folder, name))  # noqa: PTH118 (35,000 files: a Path each is slow)
                found[(facts.st_dev, facts.st_ino)] = (facts.st_size, facts.st_nlink)
    return found


def _total(files: _Files) -> int:
    return sum(size for size, _ in files.values())


def _unshared(files: _Files) -> int:
    return sum(size for size, links in files.values() if links == 1)
