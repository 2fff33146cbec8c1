"""What a careful user would write instead: a session per combination, pinned, one fresh Python per conversion.

The locks are given (BENCH_LOCKS: a folder of requirements files), so nox resolves nothing. Sessions may run in
parallel. The backend is chosen on the command line: ``--default-venv-backend uv`` or ``virtualenv``. What converts
is kept under BENCH_OUT; nothing is checked in TensorFlow.js.
"""

from __future__ import annotations

import os
from pathlib import Path

import nox

HERE = Path(__file__).parent
LOCKS = {path.stem: path for path in sorted(Path(os.environ["BENCH_LOCKS"]).glob("*.txt"))}
OUT = Path(os.environ["BENCH_OUT"])


@nox.session(python="3.11", allow_parallel=True)
@nox.parametrize("lock", list(LOCKS), ids=list(LOCKS))
def convert(session: nox.Session, lock: str) -> None:
    """Install one lock and convert every model by every route in it."""
    session.install("--no-deps", "-r", str(LOCKS[lock]))
    for model in os.environ["BENCH_MODELS"].split():
        for route in os.environ["BENCH_ROUTES"].split():
            target = OUT / lock / f"{model}-{route}"
            # That a combination cannot convert is a finding: the next one is tried all the same.
            session.run("python", str(HERE / "convert.py"), model, route, str(target), success_codes=[0, 1])
