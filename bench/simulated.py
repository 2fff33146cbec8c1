"""10,000 cases through the runner with nothing in them: what the runner itself costs.

``python bench/simulated.py [CASES]`` prints one JSON object: milliseconds of CPU a case, and bytes of memory that each
one adds, between the first quarter of the run and its end. Conversion and check are stubs that leave a folder with a
log and an outcome; everything around them is the real thing: plan, schedule, locks, cache, diagnosis, results.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.engine.run import run_plan
from tfjs_compat.engine.tasks import TrialOptions
from tfjs_compat.engine.worker import Operations
from tfjs_compat.environments import environment as environments
from tfjs_compat.environments.environment import Environment, describe
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.files import write_results
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store

LOCKS = 50


def main(number: int = 10_000) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        return simulate(root, number)


def simulate(root: Path, number: int) -> dict[str, Any]:
    store = Store(root / "store")
    plan = made_up(number, store)
    marks: list[tuple[int, int]] = []
    process, count = psutil.Process(), [0]

    def convert(_case: object, _bench: object, folder: Path, _settings: object) -> Outcome:
        folder.mkdir(parents=True)
        (folder / "log.txt").write_text("converted\n")
        count[0] += 1
        if count[0] % (number // 20) == 0:
            marks.append((count[0], process.memory_info().rss))
        return Outcome(Stage.CONVERT, seconds={"import": 0.0, "build": 0.1, "convert": 0.2}, log="log.txt")

    operations = Operations(convert=convert, finish=lambda _case, _folder, converted, _settings: converted)
    options = TrialOptions(str(store.root), Stage.CONVERT, 600.0, None, 1 << 30)
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    with ThreadPoolExecutor(2) as executor:
        results = run_plan(plan, Engine(Context(store), options, root / "out", executor, 2, operations))
    write_results(results, root / "out")
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert results.complete
    assert len(results.cases) == number
    early, late = marks[len(marks) // 4], marks[-1]
    return {
        "cases": number,
        "cpu_ms_per_case": 1000 * (after.ru_utime - before.ru_utime) / number,
        "system_ms_per_case": 1000 * (after.ru_stime - before.ru_stime) / number,
        "seconds": time.monotonic() - started,
        "bytes_per_case": (late[1] - early[1]) / (late[0] - early[0]),
        "rss_at_end": late[1],
    }


def made_up(number: int, store: Store, locks: int = LOCKS) -> Plan:
    python = Interpreter("3.11.7", "linux-x86_64", sys.executable)
    cases = []
    for at in range(number):
        lock = at % locks
        combination = Combination("3.11", f"2.{lock}.0", "4.22.0")
        model = Model(
            f"zoo:m{at // locks}", f"m{at // locks}", Kind.BUILDER, "/m.py", f"{at:064x}", key=f"zoo:m{at // locks}"
        )
        found = Lock(f"{lock:08x}" * 2, python.build, {"tensorflow": f"2.{lock}.0"}, False, "# lock\n")
        cases.append(Planned(Case(combination, model, find_route("layers")), python, found, {}))
    for lock in range(locks):
        folder = store.folder("environments", f"{lock:08x}" * 2)
        if (folder / "venv").exists():
            continue
        (folder / "venv" / "bin").mkdir(parents=True)
        (folder / "venv" / "bin" / "python").symlink_to(sys.executable)
        made = Environment(folder.name, folder, python.build, sys.executable, {}, 0.0)
        describe(made)
    assert environments.is_built(f"{0:08x}" * 2, store)
    return Plan(Matrix(), tuple(cases), ())


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:])), indent=1))
