"""The rows of the table: each measures our side and the peers' side by side and gives a part of results.json."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import disk
import measure
import msgspec
import saves
from measure import ROOT, alternating, ours, ratio, summary, timed

from tfjs_compat.environments import environment as environments
from tfjs_compat.environments.build import build
from tfjs_compat.environments.registry import find, remove
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import Interpreter, choose
from tfjs_compat.locks.lock import Lock, make_lock
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store

PYTHON = "3.11"
MODELS, ROUTES = ("mlp", "cnn", "lstm"), ("layers", "graph")
NARROWED = [
    *("frontier", "--tensorflow", "2.15.1", "--tensorflow", "2.16.2", "--tensorflow", "2.17.1"),
    *("--tensorflowjs", "4.17.0", "--tensorflowjs", "4.22.0", "--process-env", "default", "--python", PYTHON),
]
PAIRS = {"Keras 2": ("2.15.1", "4.17.0"), "Keras 3": ("2.17.1", "4.22.0")}
"""TensorFlow and converter of a running environment of each generation; both are among the narrowed frontier's."""
WARM_UP = "zoo:linear"
"""Goes before the models that are measured: its cases wait for the import."""
IMPORT = "import tensorflow, tensorflowjs; tensorflow.keras.Model"


@dataclass
class EnvironmentSession:
    """Where it runs and how often: ``times`` for what takes seconds, ``long`` minutes, ``longest`` pip's minutes."""

    work: Path
    store: Path
    times: int
    long: int
    longest: int

    @property
    def locks(self) -> Path:
        return self.work / "six" / "locks"

    @property
    def packages(self) -> dict[str, Path]:
        """Where each side has its packages; uv's cache and our store hold the same files, by hard links."""
        return {"ours": self.store / "wheels", "uv": self.store / "wheels", "pip": self.work / "wheelhouse"}

    @property
    def wheelhouse(self) -> dict[str, str]:
        """Variables that have pip install what it has, without asking an index."""
        return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.packages["pip"])}

    def python(self) -> Interpreter:
        return choose(PYTHON, find_interpreters(Store(self.store)))

    def lock(self, generation: str = "Keras 2") -> tuple[Lock, Path]:
        """One lock of the six: that of a pair of ``PAIRS``."""
        pins = [
            f"{name}=={version}"
            for name, version in zip(("tensorflow", "tensorflowjs"), PAIRS[generation], strict=True)
        ]
        (path,) = (
            path for path in self.locks.glob("*.txt") if all(f"\n{pin} " in f"\n{path.read_text()}" for pin in pins)
        )
        text = path.read_text()
        return make_lock(
            text[text.index("\n", text.index("--only-binary")) + 1 :], self.python(), source_builds=False
        ), path

    def fresh(self, name: str) -> Path:
        folder = self.work / name
        measure.remove(folder)
        folder.mkdir(parents=True)
        return folder


def prepare(bench: EnvironmentSession) -> None:
    """Everything in every cache that is to be warm: our store, uv's cache, pip's cache; all bytecode compiled."""
    ours("run", *NARROWED, "--output", str(bench.work / "six"), store=bench.store, cwd=bench.work)
    target = bench.fresh("wheelhouse")
    for path in bench.locks.glob("*.txt"):
        # Not pip's cache: whether it keeps anything depends on what the index says of its answers.
        timed([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(target), "-r", str(path)])


# ---------------------------------------------------------------------------------------------------- one environment


def known_lock(bench: EnvironmentSession) -> dict[str, Any]:
    """A lock that is known and whose packages are there → an environment that can be imported from."""
    lock, path = bench.lock()
    python, store = bench.python(), Store(bench.store)
    build(lock, python, Context(store))

    def we() -> float:
        remove(find(lock.id, store), store)
        started = time.monotonic()
        made = build(lock, python, Context(store))
        assert isinstance(made, environments.Environment)
        return time.monotonic() - started

    sides = {"ours": we, "uv": lambda: _uv(bench, python, path), "pip": lambda: _pip(bench, python, path)}
    _uv(bench, python, path)
    found = alternating(sides, {"ours": bench.times, "uv": bench.times, "pip": bench.longest})
    return {**found, "uv_ratio": ratio(found["uv"], found["ours"]), "pip_ratio": ratio(found["pip"], found["ours"])}


def _uv(bench: EnvironmentSession, python: Interpreter, lock: Path, **extra: str) -> float:
    venv = bench.fresh("uv-venv")
    started = time.monotonic()
    timed(["uv", "venv", "-q", "--clear", "--python", python.executable, str(venv)], **extra)
    command = ["uv", "pip", "install", "-q", "--python", str(venv / "bin" / "python"), "--no-deps", "-r", str(lock)]
    timed(command, **extra)
    return time.monotonic() - started


def _pip(bench: EnvironmentSession, python: Interpreter, lock: Path) -> float:
    venv = bench.fresh("pip-venv")
    started = time.monotonic()
    timed([sys.executable, "-m", "virtualenv", "-q", "--clear", "--python", python.executable, str(venv)])
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q", "--no-deps", "-r", str(lock)]
    timed(command, **bench.wheelhouse)
    return time.monotonic() - started


def first_use(bench: EnvironmentSession) -> dict[str, Any]:
    """Nothing is there → the environment has imported TensorFlow once, bytecode compiled."""
    lock, path = bench.lock()
    python = bench.python()

    def we() -> float:
        folder = bench.fresh("first-ours")
        request = folder / "request.json"
        request.write_bytes(msgspec.json.encode([lock, python]))
        extra = {"TFJS_COMPAT_CACHE": str(folder / "store"), "UV_CACHE_DIR": str(folder / "uv")}
        started = time.monotonic()
        timed([sys.executable, str(ROOT / "bench" / "build_one.py"), str(request)], **extra)
        (executable,) = (folder / "store" / "environments").glob("*/venv/bin/python")
        timed([str(executable), "-c", IMPORT])
        seconds = time.monotonic() - started
        measure.remove(folder)
        return seconds

    def uv() -> float:
        cache = bench.fresh("first-uv")
        started = time.monotonic()
        _uv(bench, python, path, UV_CACHE_DIR=str(cache))
        timed([str(bench.work / "uv-venv" / "bin" / "python"), "-c", IMPORT])
        seconds = time.monotonic() - started
        measure.remove(cache)
        return seconds

    found = alternating({"ours": we, "uv": uv}, {"ours": bench.long, "uv": bench.long})
    return {**found, "uv_ratio": ratio(found["uv"], found["ours"])}


# --------------------------------------------------------------------------------------------------------------- cases


def one_more_case(bench: EnvironmentSession) -> dict[str, Any]:
    """A case in an environment that runs already, build to predict, beside a fresh interpreter for each case."""
    sides: dict[str, list[tuple[str, float]]] = {"ours": [], "fresh": [], "fresh_with_check": []}
    for _ in range(bench.times):
        for generation in PAIRS:
            sides["ours"] += _case_seconds(bench, generation, "fork")
            sides["fresh_with_check"] += _case_seconds(bench, generation, "process")
            sides["fresh"] += _fresh_seconds(bench, generation)
    found: dict[str, Any] = {side: summary([seconds for _, seconds in cases]) for side, cases in sides.items()}
    kinds = list(dict.fromkeys(kind for kind, _ in sides["ours"]))
    found["by_kind"] = {
        kind: {side: summary([seconds for name, seconds in cases if name == kind]) for side, cases in sides.items()}
        for kind in kinds
    }
    ratios = {
        "ratio": ratio(found["fresh"], found["ours"]),
        "ratio_with_check": ratio(found["fresh_with_check"], found["ours"]),
    }
    return {**found, **ratios}


def one_save(bench: EnvironmentSession) -> dict[str, Any]:
    """Saving a small model, with each generation of Keras and by each route, until its verdict is there."""
    by_kind = {}
    for generation, (tensorflow, converter) in PAIRS.items():
        for route in ("layers+repair", "graph"):
            case = ["--tensorflow", tensorflow, "--tensorflowjs", converter, "--python", PYTHON, "--route", route]
            folder = bench.fresh(f"saves-{generation}-{route}".replace(" ", "-"))
            by_kind[f"{generation}, {route}"] = saves.measured(
                [*case, "--constraint", "setuptools<81", "--process-env", "default"], folder, bench.store, bench.times
            )
    return {"by_kind": by_kind}


def _zoo() -> str:
    return str(ROOT / "src" / "tfjs_compat" / "inside")


def _case_seconds(bench: EnvironmentSession, generation: str, isolation: str) -> list[tuple[str, float]]:
    """Kind (generation and route) and seconds of each case of a run, the warm-up's left out."""
    log = bench.store / "durations.jsonl"
    before = log.stat().st_size if log.exists() else 0
    measure.remove(bench.store / "outcomes")
    tensorflow, converter = PAIRS[generation]
    models = [part for name in (WARM_UP, *(f"zoo:{model}" for model in MODELS)) for part in ("--model", name)]
    command = ["run", "frontier", "--tensorflow", tensorflow, "--tensorflowjs", converter, "--python", PYTHON, *models]
    command += ["--process-env", "default", "--output", str(bench.work / f"one-{isolation}")]
    ours(*command, "--jobs", "1", "--isolation", isolation, store=bench.store, cwd=bench.work)
    with log.open("rb") as file:
        file.seek(before)
        ran = [json.loads(line)[1:4] for line in file.read().splitlines() if line]
    return [(f"{generation}, {route}", seconds) for model, route, seconds in ran if model != WARM_UP]


def _fresh_seconds(bench: EnvironmentSession, generation: str) -> list[tuple[str, float]]:
    """The same of the peer: a Python for each conversion, in the same environment."""
    made = build(bench.lock(generation)[0], bench.python(), Context(Store(bench.store)))
    assert isinstance(made, environments.Environment)
    found = []
    for model in MODELS:
        for route in ROUTES:
            command = [str(made.executable), str(ROOT / "bench" / "peer" / "convert.py"), model, route]
            seconds = timed([*command, str(bench.work / "converted")], fine=(0, 1), BENCH_ZOO=_zoo())
            found.append((f"{generation}, {route}", seconds))
    return found


def frontier(bench: EnvironmentSession) -> dict[str, Any]:
    """Six combinations × three models × two routes; packages are there, environments and results are not."""

    def warm(side: str, run: Callable[[], float]) -> Callable[[], float]:
        """With the side's packages in memory: what the others left on the disk in between is not its affair."""

        def both() -> float:
            measure.read_all(bench.packages[side])
            return run()

        return both

    sides = {
        "ours": warm("ours", lambda: _our_six(bench)),
        "nox_uv": warm("uv", lambda: _nox(bench, "uv")),
        "nox_pip": warm("pip", lambda: _nox(bench, "virtualenv", **bench.wheelhouse)),
        "nox_uv_parallel": warm("uv", lambda: _nox(bench, "uv", "--parallel", "auto")),
    }
    # The last for information: it has no target.
    times = {"ours": bench.times, "nox_uv": bench.long, "nox_pip": bench.longest, "nox_uv_parallel": 1}
    found = alternating(sides, times)
    return {
        **found,
        "uv_ratio": ratio(found["nox_uv"], found["ours"]),
        "pip_ratio": ratio(found["nox_pip"], found["ours"]),
        "parallel_ratio": ratio(found["nox_uv_parallel"], found["ours"]),
        "cases": len(json.loads((bench.work / "six" / "results.json").read_text())["cases"]),
    }


def where_it_goes(bench: EnvironmentSession) -> dict[str, Any]:
    """The same 36 cases once, resolved anew: seconds of each stage, of all cases together."""
    measure.remove(bench.store / "environments")
    log, output = bench.work / "stages.log", bench.work / "stages"
    seconds = ours(
        *("run", *NARROWED, "--no-cache", "--output", str(output)), store=bench.store, cwd=bench.work, log=log
    )
    results = json.loads((output / "results.json").read_text())
    logged = {stage: _logged(log.read_text(), kind) for stage, kind in (("resolve", "resolving"), ("link", "building"))}
    return {
        "seconds": round(seconds, 1),
        "cases": len(results["cases"]),
        "verdicts": _count(case["verdict"] for case in results["cases"]),
        "stages": {**logged, **_stages(results)},
    }


def _our_six(bench: EnvironmentSession) -> float:
    measure.remove(bench.store / "outcomes")
    measure.remove(bench.store / "environments")
    # Those of an earlier day would be the peers' work and not ours.
    measure.remove(bench.locks)
    return ours("run", *NARROWED, "--output", str(bench.work / "six"), store=bench.store, cwd=bench.work)


def _nox(bench: EnvironmentSession, backend: str, *options: str, **extra: str) -> float:
    environment = {
        "BENCH_LOCKS": str(bench.locks),
        "BENCH_OUT": str(bench.fresh("nox-out")),
        "BENCH_MODELS": " ".join(MODELS),
        "BENCH_ROUTES": " ".join(ROUTES),
        "BENCH_ZOO": _zoo(),
    }
    envs = bench.fresh("nox-envs")
    noxfile = str(ROOT / "bench" / "peer" / "noxfile.py")
    command = ["nox", "-f", noxfile, "--envdir", str(envs), "--default-venv-backend", backend, *options]
    return timed(command, cwd=bench.work, **environment, **extra)


def from_empty(bench: EnvironmentSession) -> dict[str, Any]:
    """The same, and nothing is there: no packages, no locks, no TensorFlow.js."""
    log = bench.work / "empty.log"

    def we() -> float:
        folder = bench.fresh("empty-ours")
        extra = {"UV_CACHE_DIR": str(folder / "uv"), "npm_config_cache": str(folder / "npm")}
        command = ["run", *NARROWED, "--output", str(folder / "out")]
        seconds = ours(*command, store=folder / "store", cwd=bench.work, log=log, **extra)
        measure.remove(folder)
        return seconds

    def pip() -> float:
        cache = bench.fresh("empty-pip")
        seconds = _nox(bench, "virtualenv", PIP_CACHE_DIR=str(cache))
        measure.remove(cache)
        return seconds

    found = alternating({"ours": we, "nox_pip": pip}, {"ours": bench.long, "nox_pip": bench.longest})
    spent = {kind: _logged(log.read_text(), kind) for kind in ("resolving", "building")}
    return {**found, "pip_ratio": ratio(found["nox_pip"], found["ours"]), "logged_seconds": spent}


def _logged(text: str, kind: str) -> float:
    return round(sum(float(seconds) for seconds in re.findall(rf"\] {kind} .*\(([\d.]+) s\)$", text, re.MULTILINE)), 1)


def rerun(bench: EnvironmentSession) -> dict[str, Any]:
    """The whole frontier matrix once more, with nothing changed; how many processes that starts."""
    output = ["--output", str(bench.work / "frontier")]
    first = ours("run", "frontier", *output, store=bench.store, cwd=bench.work)
    code = (
        "import sys; started = [];"
        "sys.addaudithook(lambda event, _: started.append(event)"
        " if event in ('subprocess.Popen', 'os.fork', 'os.posix_spawn', 'os.exec') else None);"
        "from tfjs_compat import api;"
        "api.run(api.Request(matrix='frontier', output=__import__('pathlib').Path(sys.argv[1])));"
        "print('started', len(started))"
    )
    log = bench.work / "started.log"
    timed([sys.executable, "-c", code, output[1]], cwd=bench.work, log=log, TFJS_COMPAT_CACHE=str(bench.store))
    processes = int(re.findall(r"started (\d+)", log.read_text())[-1])
    again = [ours("run", "frontier", *output, store=bench.store, cwd=bench.work) for _ in range(bench.times)]
    cases = json.loads((bench.work / "frontier" / "results.json").read_text())["cases"]
    resolvable = sum(case["lock"] is not None for case in cases)
    kept = sum(case["cached"] for case in cases)
    return {
        "ours": summary(again),
        "first": round(first, 1),
        "cases": len(cases),
        "run": resolvable,
        "kept": kept,
        "processes": processes,
    }


# ---------------------------------------------------------------------------------------------------------- the rest


def disk_use(bench: EnvironmentSession) -> dict[str, Any]:
    """What 30 environments over 9 TensorFlow releases take."""
    return disk.main(bench.work / "disk-store")


def many_cases(bench: EnvironmentSession) -> dict[str, Any]:
    """10,000 cases with nothing in them, on the disk and in memory."""
    command = [sys.executable, str(ROOT / "bench" / "simulated.py")]
    found = {}
    for name, folder in (("disk", bench.fresh("simulated")), ("memory", Path("/dev/shm"))):
        if folder.is_dir():
            timed(command, log=bench.work / "simulated.json", TMPDIR=str(folder))
            found[name] = json.loads((bench.work / "simulated.json").read_text())
    return found


def help_text(bench: EnvironmentSession) -> dict[str, Any]:
    """``tfjs-compat --help``."""
    command = [str(measure.SCRIPTS / "tfjs-compat"), "--help"]
    timed(command)
    return {"ours": summary([timed(command) for _ in range(4 * bench.times)])}


def _stages(results: dict[str, Any]) -> dict[str, float]:
    """Seconds that all cases together spent in each stage."""
    spent: dict[str, float] = {}
    for case in results["cases"]:
        for stage, seconds in case["seconds"].items():
            spent[stage] = spent.get(stage, 0.0) + seconds
    return {stage: round(seconds, 1) for stage, seconds in spent.items()}


def _count(values: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found


ROWS = {
    "help": help_text,
    "many_cases": many_cases,
    "known_lock": known_lock,
    "one_more_case": one_more_case,
    "one_save": one_save,
    "frontier": frontier,
    "where_it_goes": where_it_goes,
    "rerun": rerun,
    "first_use": first_use,
    "from_empty": from_empty,
    "disk": disk_use,
}
