"""One converted model to run in TensorFlow.js: what the job is, and its run in Node."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any, Literal

import msgspec

from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.files import write_whole
from tfjs_compat.trials.runtimes.bundle import Bundle
from tfjs_compat.trials.runtimes.exits import TfjsExit, outside_fault
from tfjs_compat.trials.runtimes.node import Node
from tfjs_compat.trials.runtimes.record import read_record
from tfjs_compat.trials.runtimes.warm_nodes import PROGRAM, WarmNode

LIMITS = process.Limits(seconds=300.0, memory=8 << 30, output=64 << 20)
"""Of a check. A load may never return, and what floods the log in JavaScript may show as memory first."""


class TfjsJob(msgspec.Struct, frozen=True):
    """One model to load and run.

    ``model``: the folder of model.json; nothing outside it is read. ``inputs``: a tensor folder, in the order and under
    the names that Python knows; None: load the model and stop. ``expected``: the tensor folder of Python's
    predictions, whose names and order the outputs get. ``outputs``: the tensor folder to write. ``record``: JSON-lines
    file, appended to.
    """

    model: Path
    format: Literal["layers", "graph"]
    inputs: Path | None
    outputs: Path
    record: Path
    expected: Path | None = None


def run_in_node(
    job: TfjsJob,
    bundle: Bundle,
    node: Node,
    *,
    scratch: Path,
    log: Path,
    limits: process.Limits = LIMITS,
    stop: threading.Event | None = None,
    warm_node: WarmNode | None = None,
) -> TfjsExit:
    """Load and run the model in Node, in the ``warm_node`` if there is one, which is ended.

    Exit code 0: ran, 1: a failure is in the record, other: Node itself died. ``scratch`` is a folder of the case for
    the job file and the child's HOME. Raises Interrupted, MachineryError.
    """
    file = scratch / "tfjs-job.json"
    with contextlib.ExitStack() as stack:
        if warm_node is not None:
            stack.callback(warm_node.end)
        write_whole(file, msgspec.json.encode({"bundle": str(bundle.path), **_content(job)}), lasting=False)
        if warm_node is not None:
            ended = warm_node.run(file, log, limits, stop)
            if ended.limit_exceeded is not None or read_record(job.record):
                return TfjsExit(ended, outside_fault("Node", ended))
            # It died before it had begun: a new one says whether that was the model's doing.
    ended = process.run(
        [str(node.path), str(PROGRAM), str(file)],
        env=clean_environment(scratch / "home"),
        cwd=scratch,
        log=log,
        limits=limits,
        stop=stop,
    )
    return TfjsExit(ended, outside_fault("Node", ended))


def _content(job: TfjsJob) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(job, enc_hook=_path_text)
    return {name: value for name, value in content.items() if value is not None}


def _path_text(value: object) -> str:
    if isinstance(value, Path):
        return str(value.absolute())
    raise NotImplementedError(type(value))
