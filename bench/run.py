"""Measure what the tool costs beside what people use, and write it down.

``python bench/run.py [--rows NAME …] [--times N] [--long N] [--longest N]`` measures the rows that are named (default:
all) and puts them into bench/results.json, keeping the others, then writes docs/performance.md from it. All rows take
hours with the repetitions that the defaults ask for: nox with pip alone takes a quarter of an hour a time.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
from pathlib import Path

import document
import measure
import rows

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", nargs="*", choices=list(rows.ROWS), default=list(rows.ROWS))
    parser.add_argument("--times", type=int, default=5, help="repetitions of what takes seconds")
    parser.add_argument("--long", type=int, default=5, help="of what takes minutes")
    parser.add_argument("--longest", type=int, default=5, help="of what nox with pip does")
    parser.add_argument("--work", type=Path, help="a folder with 60 GB of room [default: a temporary one]")
    parser.add_argument("--no-prepare", action="store_true", help="the caches of --work are warm already")
    given = parser.parse_args()
    work = (given.work or Path(tempfile.mkdtemp(prefix="tfjs-compat-bench-"))).absolute()
    work.mkdir(parents=True, exist_ok=True)
    # For our own side, which runs in this process here and there.
    for name in [variable for variable in os.environ if variable.startswith("PYTHON")]:
        del os.environ[name]
    sys.dont_write_bytecode = False
    bench = rows.EnvironmentSession(work, work / "store", given.times, given.long, given.longest)
    if not given.no_prepare:
        rows.prepare(bench)
    for name in given.rows:
        print(f"{name}:", file=sys.stderr, flush=True)
        measured = rows.ROWS[name](bench)
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        kept["machine"] = measure.machine()
        kept.setdefault("rows", {})[name] = {**measured, "measured": datetime.date.today().isoformat()}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
        document.write(kept)
    if given.work is None:
        measure.remove(work)


if __name__ == "__main__":
    main()
