"""What runs in processes of their own at the same cached outcome: readers, writers, a collector of garbage."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from tfjs_compat.engine.cache import keep, kept_outcome
from tfjs_compat.errors import MachineryError
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.files import remove_tree
from tfjs_compat.system.store import Store

NAMES = [f"{folder}/{number}" for folder in ("artifact", "outputs") for number in range(5)]
_LONGEST = 60.0
"""Seconds, on a machine that has more to do."""


def write_case(folder: Path, text: str) -> Outcome:
    """A case's folder, in which every file has the same text, and its outcome, which names that text."""
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text * 2000, "utf-8")
    return Outcome(Stage.PREDICT, tfjs=text, log="cases/a/log.txt")


def keep_until_done(letter: str, scratch: Path, store: Store) -> None:
    """Keep outcomes under one key again and again, until the file ``done`` appears."""
    outcome = write_case(scratch / letter, letter)
    while not (scratch / "done").exists():
        # Where it is collected at the very moment, it is not kept.
        with contextlib.suppress(MachineryError):
            keep("k", outcome, scratch / letter, store)
        time.sleep(0.005)


def collect_until_done(scratch: Path, store: Store) -> None:
    """Remove the outcome now and then, as a collection of garbage does."""
    while not (scratch / "done").exists():
        time.sleep(0.1)
        with contextlib.suppress(MachineryError):
            remove_tree(store.root / "outcomes" / "k")


def read(number: int, wanted: int, scratch: Path, store: Store) -> tuple[list[str], int]:
    """Take the outcome until it was there so often: what was wrong, and how often it was there."""
    faults: set[str] = set()
    found, end = 0, time.monotonic() + _LONGEST
    while found < wanted and time.monotonic() < end:
        folder = scratch / f"reader-{number}" / str(found)
        outcome = kept_outcome("k", store, folder, to_change=True, warn=faults.add)
        if outcome is None:
            if folder.exists():
                faults.add("a part of it lies there although nothing was found")
            continue
        found += 1
        texts = {(folder / name).read_text("utf-8") if (folder / name).is_file() else "absent" for name in NAMES}
        if texts != {str(outcome.tfjs) * 2000}:
            faults.add("files of another outcome, or too few")
    return sorted(faults), found
