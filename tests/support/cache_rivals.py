"""What runs in processes of their own at the same cached outcome, until the time is up."""

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

FILES = 12
NAMES = [f"{folder}/{number}" for folder in ("artifact", "outputs") for number in range(FILES)]


def write_case(folder: Path, text: str) -> Outcome:
    """A case's folder, in which every file has the same text, and its outcome, which names that text."""
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text * 2000, "utf-8")
    return Outcome(Stage.PREDICT, tfjs=text, log="cases/a/log.txt")


def keep_until(end: float, letter: str, scratch: Path, store: Store) -> list[str]:
    """Keep outcomes under one key again and again."""
    outcome = write_case(scratch / letter, letter)
    while time.time() < end:
        # Where it is collected at the very moment, it is not kept.
        with contextlib.suppress(MachineryError):
            keep("k", outcome, scratch / letter, store)
    return []


def read_until(end: float, number: int, scratch: Path, store: Store) -> list[str]:
    """Take the outcome again and again; what was wrong, and how often it was there as the last line."""
    faults: set[str] = set()
    found = missing = 0
    while time.time() < end:
        folder = scratch / f"reader-{number}" / str(found % 50)
        outcome = kept_outcome("k", store, folder, to_change=True, warn=faults.add)
        if outcome is None:
            missing += 1
            if folder.exists():
                faults.add("a part of it lies there although nothing was found")
            continue
        found += 1
        texts = {(folder / name).read_text("utf-8") if (folder / name).is_file() else "absent" for name in NAMES}
        if texts != {str(outcome.tfjs) * 2000}:
            faults.add("files of another outcome, or too few")
    return [*sorted(faults), f"{found} {missing}"]


def collect_until(end: float, _: int, scratch: Path, store: Store) -> list[str]:
    """Remove the outcome now and then, as a collection of garbage does."""
    while time.time() < end:
        time.sleep(0.02)
        with contextlib.suppress(MachineryError):
            remove_tree(store.root / "outcomes" / "k")
    return []
