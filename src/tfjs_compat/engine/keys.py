"""The key of an outcome: everything that can change it, and nothing that cannot.

What is left out, and why it cannot change an outcome that is kept:

- limits of time, memory, output and disk: what passes one is ended, is ``limited`` and never kept;
- ``--jobs``, order, executor: each case has its own process, and one thread for each library in it (a constant of
  ``trials``; what a matrix sets instead is among ``variables``);
- the tolerance: a constant of ``outcomes`` and ``trials``, so ``code`` covers it;
- the caller's environment variables: children get none but certificates and proxies, and what cannot be fetched is the
  machinery's fault and never kept;
- how a case was requested (a range, a date, a needless constraint, the model's name and place): what it
  comes to stands here, the lock and the model's content;
- the content of a TensorFlow.js release: its hash is pinned or what the registry states.

What a model's code opens while it is built is not known before: it is kept with the outcome, which counts for as long
as it is the same (trials/touched.py).
"""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

import msgspec

from tfjs_compat.engine.deciding_files import code_digest
from tfjs_compat.engine.plan import Planned
from tfjs_compat.environments.environment import DEFAULT_LAYOUT
from tfjs_compat.errors import RequestError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.cpu import cpu_features
from tfjs_compat.system.digests import digest_files
from tfjs_compat.system.store import Store
from tfjs_compat.trials.fork_server import can_fork


class RunConditions(msgspec.Struct, frozen=True):
    """What of a run and of its machine, beside the case itself, can change an outcome.

    ``tfjs_runtime`` says what runs TensorFlow.js: its kind (``node``, ``browser``), a space, and what identifies it;
    ``none`` where nothing does. ``inputs`` and ``code`` are digests: of the file of inputs, of what of this package
    decides. ``isolation`` and ``layout`` are those of ``Settings``; ``libc`` is the system's C library. ``permissions``
    are without the models that are trusted.
    """

    until: Stage
    tfjs_runtime: str
    inputs: str | None
    cpu: tuple[str, ...]
    code: str
    isolation: str
    layout: str
    libc: str = ""
    permissions: Permissions = Permissions()


def conditions(
    store: Store,
    until: Stage,
    tfjs_runtime: str,
    inputs: Path | None = None,
    *,
    isolation: str | None = None,
    layout: str = DEFAULT_LAYOUT,
    permissions: Permissions = Permissions(),
) -> RunConditions:
    """The conditions of a run on this machine, worked out once for all of its cases.

    ``isolation`` None: the one that is the default here. Raises RequestError for inputs that cannot be read,
    MachineryError where this package's files cannot.
    """
    try:
        digest = digest_files([(inputs.name, inputs)]) if inputs is not None else None
    except OSError as error:
        raise RequestError(f"--inputs {inputs}: cannot be read: {error.strerror or error}") from None
    return RunConditions(
        until=until,
        tfjs_runtime=tfjs_runtime,
        inputs=digest,
        cpu=cpu_features(),
        code=code_digest(store),
        isolation=isolation or ("fork" if can_fork() else "process"),
        layout=layout,
        libc=_libc(),
        permissions=msgspec.structs.replace(permissions, trust=()),
    )


def _libc() -> str:
    """``glibc 2.36``; of another system its own release."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or platform.release()
    except (AttributeError, ValueError, OSError):
        return platform.release()


class CacheKey(msgspec.Struct, frozen=True):
    """Everything that decides an outcome: two that are equal have one outcome.

    ``python`` is the interpreter's tag and place: two builds of one version may have other modules. ``model`` is its
    digest, kind, module and function; ``tfjs`` the TensorFlow.js release that loads the result. ``trusted``: the code
    that the model's file brings is run.
    """

    lock: str
    python: tuple[str, str]
    model: tuple[str, str, str, str]
    route: str
    variables: tuple[tuple[str, str], ...]
    tfjs: str
    conditions: RunConditions
    trusted: bool = False

    @property
    def key(self) -> str:
        """The name of the folder that the store keeps the outcome in: 32 hexadecimal digits."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]


def cache_key(planned: Planned, lock: Lock, tfjs: str, conditions: RunConditions, *, trusted: bool = False) -> CacheKey:
    """The key of a case on a lock; ``tfjs`` is the TensorFlow.js release that loads its result."""
    model = planned.case.model
    return CacheKey(
        lock=lock.id,
        python=(planned.python.tag, planned.python.executable),
        model=(model.digest, str(model.kind), model.module, model.function),
        route=planned.case.route.name,
        variables=tuple(sorted(planned.variables.items())),
        tfjs=tfjs,
        conditions=conditions,
        trusted=trusted,
    )


def changes(before: CacheKey, now: CacheKey) -> list[str]:
    """What differs between two keys, a clause each."""
    texts = [text for field, text in _CHANGES.items() if getattr(before, field) != getattr(now, field)]
    old, new = before.conditions, now.conditions
    texts += [text for field, text in _CONDITION_CHANGES.items() if getattr(old, field) != getattr(new, field)]
    if old.tfjs_runtime != new.tfjs_runtime:
        texts.append(_runtime_change(old.tfjs_runtime, new.tfjs_runtime))
    return texts


MODEL_CHANGED = "the model changed"

_CHANGES = {
    "lock": "the packages changed",
    "python": "the Python changed",
    "model": MODEL_CHANGED,
    "route": "the route changed",
    "variables": "the process variables changed",
    "tfjs": "the TensorFlow.js release changed",
    "trusted": "whether its code is trusted changed",
}
_CONDITION_CHANGES = {
    "until": "the last stage changed",
    "inputs": "the inputs changed",
    "cpu": "the CPU changed",
    "code": "tfjs-compat changed",
    "isolation": "the isolation changed",
    "layout": "the layout of environments changed",
    "libc": "the system's C library changed",
    "permissions": "what models may do changed",
}
_RUNTIMES = {"node": "Node", "browser": "the browser"}


def _runtime_change(before: str, now: str) -> str:
    """
    >>> _runtime_change("node 20.11.0", "node 22.1.0")
    'Node changed (20.11.0 → 22.1.0)'
    >>> _runtime_change("node 20.11.0", "browser Chromium 130")
    'what runs TensorFlow.js changed (node 20.11.0 → browser Chromium 130)'
    """
    (kind, _, old), (new_kind, _, new) = before.partition(" "), now.partition(" ")
    if kind == new_kind and kind in _RUNTIMES:
        return f"{_RUNTIMES[kind]} changed ({old} → {new})"
    return f"what runs TensorFlow.js changed ({before} → {now})"
