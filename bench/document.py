"""docs/performance.md out of results.json: the table against the targets, the spread, where the time goes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from measure import ratio

TARGET = Path(__file__).resolve().parents[1] / "docs" / "performance.md"

HEAD = """# What a run costs

Written by `bench/run.py` from [bench/results.json](../bench/results.json): what the tool costs beside what people use,
measured side by side on one machine, in turns. Times are medians in seconds, with least and most and how
often in brackets; a ratio is of medians. The peers are real: [a noxfile](../bench/peer/noxfile.py) that installs the
same locks (already resolved, as a gift) into a session per combination, one after another as nox does, and
[a script](../bench/peer/convert.py) that converts the same models by the same routes, a fresh Python for each. They do
not check anything in TensorFlow.js; we do. PYTHONDONTWRITEBYTECODE is unset for all sides.

Machine: {machine}.
"""

TAIL = """
## What decides, and what the limit is

- **Links, not copies.** Every wheel is unpacked once; an environment is a virtualenv of symbolic links to them, where
  `uv pip install` of the same lock has 35,000 files to link. Bytecode is compiled beside the unpacked files, once for
  all environments that hold them; the disk figure is without it.
- **One import for an environment.** A server imports TensorFlow and forks a child for each case. What is left is the
  case's own work, and that is the limit: a graph-route case traces its model, runs grappler over it and loads it in
  TensorFlow.js, which takes as long as it takes. An import costs {import_seconds} here, so a fresh Python for each case
  cannot be eight times slower than a case that works for half a second or more. Whole runs are bound in the same way:
  imports and the cases' own work are nearly all of the time, and every core works on them. Where installing and
  importing are slower the ratios grow: pip took 113 s for one environment where the targets were set, {pip} here.
- **What is loaded is not searched for garbage.** Python's collector would go over all that TensorFlow loads, 0.2 s
  each time: five times in an import, once or twice in a case with a graph. It is off while importing, and what was
  imported is frozen before the first fork. What remains is TensorFlow's own: a ninth of a run's CPU goes into its
  table of kernels, which it searches in every process for each kind of operation that oneDNN might replace.
- **Node** takes 0.15 s to start and to evaluate TensorFlow.js, of which V8's compile cache would save a fifth; a
  startup snapshot of it is refused. So one that has done that stands by while a case is converted: the check then
  takes 0.05 s, and overlaps with the next case's conversion.
- **Legacy Keras in TensorFlow 2.15 and 2.16** is rewritten by autograph while it is traced, 4 s in every process. The
  server does the same rewriting once, after the first case has shown what it takes, and later cases find it in the
  cache that they inherit: 0.5 to 1 s in place of 4.5 to 5.5 for small models. The first case still pays for it.
- **Threads.** TensorFlow, BLAS and OpenMP get one thread each. With two jobs on two cores this measured the same as
  their defaults (38 s each for 32 cases, and 37 s against 36 s of CPU); it is there for machines with many cores, and
  so that predictions do not depend on their number. `[process_env]` overrides it.
- **Longest first.** The order comes from the durations in the store; a task that would end long after the others is
  split. A case waits while less memory is free than one takes; one always runs.
"""


def write(results: dict[str, Any]) -> None:
    """Write the document of what was measured so far."""
    rows, facts = results["rows"], results["machine"]
    machine = (
        f"{facts['system']}, {facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB; Python "
        f"{facts['python']}, uv {facts['uv']}, pip {facts['pip']}, nox {facts['nox']}"
    )
    lines = [HEAD.format(machine=machine)]
    if results.get("note"):
        lines += [textwrap.fill(results["note"], 120), ""]
    lines += ["| what | measured | target | |", "|---|---|---|---|"]
    for name, describe in _ROWS.items():
        if name in rows:
            lines += [f"| {' | '.join(cells)} |" for cells in describe(rows[name])]
    lines += ["", f"{_days(rows)} `nox -s bench` measures again."]
    if "where_it_goes" in rows:
        lines += ["", *_stages(rows)]
    each = rows.get("where_it_goes", {}).get("stages", {}).get("import", 0) / 6
    pip = rows.get("known_lock", {}).get("pip", {}).get("median")
    notes = TAIL.format(
        import_seconds=f"{each:.1f} s" if each else "seconds", pip=f"{pip:.0f} s" if pip else "less or more"
    )
    TARGET.write_text("\n".join(lines) + "\n" + notes, "utf-8")


def _days(rows: dict[str, Any]) -> str:
    """When the rows were measured; those of earlier days by name."""
    by_day: dict[str, list[str]] = {}
    for name, row in rows.items():
        by_day.setdefault(row["measured"], []).append(name)
    newest, *earlier = sorted(by_day, reverse=True)
    older = "".join(f"; on {day}: {', '.join(name for name in _ROWS if name in by_day[day])}" for day in earlier)
    return f"Measured on {newest}{older}."


def _time(timing: dict[str, Any]) -> str:
    digits = 3 if timing["median"] < 1 else 2 if timing["median"] < 10 else 1
    if timing["times"] == 1:
        return f"{timing['median']:.{digits}f} (once)"
    return (
        f"{timing['median']:.{digits}f} ({timing['least']:.{digits}f}–{timing['most']:.{digits}f}, {timing['times']}×)"
    )


def _row(what: str, measured: str, target: str, met: bool) -> tuple[str, str, str, str]:
    return what, measured, target, "met" if met else "**missed**"


def _known_lock(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    measured = f"{_time(row['ours'])} s"
    yield _row("known lock, wheels in the store → environment", measured, "≤ 0.5 s", row["ours"]["median"] <= 0.5)
    yield _row(
        "… `uv pip install`, warm cache", f"{_time(row['uv'])} s: {row['uv_ratio']} ×", "≥ 10 ×", row["uv_ratio"] >= 10
    )
    yield _row(
        "… `pip install`, wheels on the disk",
        f"{_time(row['pip'])} s: {row['pip_ratio']} ×",
        "≥ 100 ×",
        row["pip_ratio"] >= 100,
    )


def _first_use(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    measured = f"{_time(row['ours'])} s; uv cold {_time(row['uv'])} s: {row['uv_ratio']} ×"
    yield _row("nothing there → TensorFlow imported once", measured, "not slower than uv", row["uv_ratio"] >= 0.95)


def _one_more(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    what = "one more small case in a running environment, build → end"
    yield _row(what, f"{_time(row['ours'])} s", "≤ 1.0 s", row["ours"]["median"] <= 1)
    measured = f"{_time(row['fresh'])} s: {row['ratio']} ×"
    yield _row("… a fresh Python that only converts", measured, "≥ 8 ×", row["ratio"] >= 8)
    measured = f"{_time(row['fresh_with_check'])} s: {row['ratio_with_check']} ×"
    yield _row(
        "… a fresh Python and the check (`--isolation process`)", measured, "≥ 8 ×", row["ratio_with_check"] >= 8
    )
    for kind, sides in row["by_kind"].items():
        measured = (
            f"{_time(sides['ours'])} s; fresh {_time(sides['fresh'])} s: {ratio(sides['fresh'], sides['ours'])} ×"
        )
        yield f"… {kind}", measured, "", ""


def _one_save(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    what = "saving a small model → its verdict (`run --watch`): {}"
    for kind, sides in row["by_kind"].items():
        measured = f"{_time(sides['ours'])} s; a fresh `run` {_time(sides['fresh'])} s: {sides['ratio']} ×"
        yield _row(what.format(kind), measured, "≤ 1.5 s", sides["ours"]["median"] <= 1.5)
        what = "… {}"


def _frontier(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    what = f"6 combinations × 3 models × 2 routes ({row['cases']} cases), wheels present"
    yield what, f"{_time(row['ours'])} s", "", ""
    yield _row("… nox, uv", f"{_time(row['nox_uv'])} s: {row['uv_ratio']} ×", "≥ 8 ×", row["uv_ratio"] >= 8)
    yield _row(
        "… nox, virtualenv + pip", f"{_time(row['nox_pip'])} s: {row['pip_ratio']} ×", "≥ 20 ×", row["pip_ratio"] >= 20
    )
    parallel = f"{_time(row['nox_uv_parallel'])} s: {row['parallel_ratio']} ×"
    yield "… nox, uv, on every core (`--parallel auto`)", parallel, "", ""


def _from_empty(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    measured = f"{_time(row['ours'])} s; nox with pip {_time(row['nox_pip'])} s: {row['pip_ratio']} ×"
    yield _row("the same from empty caches", measured, "≥ 5 ×", row["pip_ratio"] >= 5)


def _rerun(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    what = f"unchanged re-run of the frontier ({row['cases']} cases, {row['kept']} kept, the others unresolvable)"
    measured = f"{_time(row['ours'])} s, {row['processes']} processes started"
    yield _row(what, measured, "≤ 1 s, no process", row["ours"]["median"] <= 1 and row["processes"] == 0)
    yield "… the first run of it, wheels present", f"{row['first']} s", "", ""


def _disk(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    what = f"disk: {row['environments']} environments over {row['tensorflow_releases']} TensorFlow releases"
    taken, once, apart = (row[name] / 1e9 for name in ("taken", "wheels_unpacked_once", "apart"))
    measured = f"{taken:.2f} GB, {row['ratio']:.3f} × the wheels unpacked once ({once:.2f} GB)"
    measured += f"; {apart:.0f} GB if each had its own"
    yield _row(what, measured, "≤ 1.1 ×", row["ratio"] <= 1.1 and row["environments"] >= 30)


def _many(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    disk, memory = row["disk"], row.get("memory")
    target = "≤ 1 ms of own CPU, flat memory"
    parts = [f"{disk['cpu_ms_per_case']:.2f} ms in the runner + {disk['system_ms_per_case']:.2f} ms in the kernel"]
    whole = disk["cpu_ms_per_case"] + disk["system_ms_per_case"]
    if memory:
        parts.append(
            f"on a file system in memory {memory['cpu_ms_per_case']:.2f} + {memory['system_ms_per_case']:.2f} ms"
        )
    parts.append(f"{disk['bytes_per_case'] / 1000:.1f} kB a case (its result)")
    what = f"{disk['cases']:,} simulated cases, per case"
    met = disk["cpu_ms_per_case"] <= 1
    note = "met" if whole <= 1 else "met in the runner, not with the kernel's part: creating the files that are kept"
    yield what, "; ".join(parts), target, note if met else "**missed**"


def _help(row: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    yield _row("`tfjs-compat --help`", f"{_time(row['ours'])} s", "≤ 0.15 s", row["ours"]["median"] <= 0.15)


def _stages(rows: dict[str, Any]) -> list[str]:
    row = rows["where_it_goes"]
    stages = ", ".join(f"{stage} {seconds:g}" for stage, seconds in row["stages"].items())
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in row["verdicts"].items())
    lines = [
        "## Where the time of a run goes",
        "",
        f"The {row['cases']} cases above, resolved anew, packages present: {row['seconds']:g} s with two at once.",
        f"Seconds of all cases together: {stages}. Verdicts: {verdicts}.",
    ]
    if "from_empty" in rows:
        spent = rows["from_empty"]["logged_seconds"]
        lines.append(
            f"From empty caches resolving takes {spent['resolving']:g} s and building {spent['building']:g} s, of all "
            "together: downloading and unpacking."
        )
    return lines


_ROWS = {
    "known_lock": _known_lock,
    "first_use": _first_use,
    "one_more_case": _one_more,
    "one_save": _one_save,
    "frontier": _frontier,
    "from_empty": _from_empty,
    "rerun": _rerun,
    "disk": _disk,
    "many_cases": _many,
    "help": _help,
}
