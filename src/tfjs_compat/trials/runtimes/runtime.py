"""What runs TensorFlow.js in a run: Node, or a browser."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

import msgspec

from tfjs_compat.matrix.axes import DEFAULT
from tfjs_compat.matrix.cases import Case
from tfjs_compat.system.context import Context
from tfjs_compat.trials.runtimes.browser import BACKENDS, browser_version, find_browser, run_in_browser
from tfjs_compat.trials.runtimes.bundle import Bundle, default_version, kept_bundle
from tfjs_compat.trials.runtimes.exits import TfjsExit
from tfjs_compat.trials.runtimes.job import TfjsJob, run_in_node
from tfjs_compat.trials.runtimes.node import Node, find_node
from tfjs_compat.trials.runtimes.programs import remembered_version
from tfjs_compat.trials.runtimes.warm_nodes import WarmNode, WarmNodePool, is_possible


class RuntimeIdentity(msgspec.Struct, frozen=True):
    """What of a runtime decides outcomes: program, its full version, and the backends that it tries, in this order."""

    name: str
    version: str
    backends: tuple[str, ...]


class TfjsRuntime:
    """What runs TensorFlow.js: Node always (it reads the bundle's vocabulary), the browser where it is requested.

    Programs are looked for when they are first needed. Their versions are remembered in the store, so that a run that
    has all its outcomes already starts no process.
    """

    def __init__(
        self,
        context: Context,
        runtime: Literal["node", "browser"],
        preference: str,
        warm_nodes: WarmNodePool | None = None,
    ) -> None:
        """``preference``: which Node: ``wheel``, ``system`` or a path. The context's limits are those of a check.

        ``warm_nodes``: those of several runs; by default this one has its own.
        """
        self.context, self.runtime = context, runtime
        self._preference = preference
        self.warm_nodes = warm_nodes or WarmNodePool()

    @functools.cached_property
    def node(self) -> Node:
        """Node. Raises MachineryError, and RequestError for a preference that names none that can be used."""
        return find_node(self._preference, self.context.store)

    @functools.cached_property
    def browser(self) -> Path | None:
        """The browser, or None where Node runs the models. Raises MachineryError."""
        return find_browser() if self.runtime == "browser" else None

    @functools.cached_property
    def identity(self) -> RuntimeIdentity:
        """What runs models here, as far as it decides outcomes. Raises as ``require`` does."""
        if self.browser is None:
            return RuntimeIdentity("Node", self.node.version, ("cpu",))
        name, _, version = remembered_version(self.browser, browser_version, self.context.store).rpartition(" ")
        return RuntimeIdentity(name, version, BACKENDS)

    def describe(self) -> str:
        """``identity`` as a text that begins with the kind of runtime: ``node 22.12.0 (cpu)``. Raises as it does."""
        kind = self.runtime if self.browser is None else f"{self.runtime} {self.identity.name}"
        return f"{kind} {self.identity.version} ({', '.join(self.identity.backends)})"

    def require(self) -> None:
        """Make sure that everything that is needed is there and runs, before anything is made for it.

        Raises MachineryError, with a hint, where Node or the browser is missing or does not run; RequestError for a
        Node that cannot be used.
        """
        _ = self.node, self.identity

    def run(self, job: TfjsJob, bundle: Bundle, case: Path, log: Path) -> TfjsExit:
        """Load and run a model, for the check of the case in this folder. Raises Interrupted, MachineryError."""
        limits, stop = self.context.limits, self.context.stop
        if self.browser is not None:
            return run_in_browser(job, bundle, self.browser, scratch=case, log=log, limits=limits, stop=stop)
        warm_node = self.warm_nodes.acquire(case, bundle)
        return run_in_node(job, bundle, self.node, scratch=case, log=log, limits=limits, stop=stop, warm_node=warm_node)

    def prepare(self, case: Path, tfjs: str) -> None:
        """Start the Node that a check of the case in this folder will need, while the case is converted.

        Raises nothing. A release that is not in the store is left to the check: few cases may come so far.
        """
        if self.runtime == "node" and is_possible():
            self.warm_nodes.prepare(case, tfjs, lambda: self._start_warm_node(tfjs), self.context.stop)

    def _start_warm_node(self, tfjs: str) -> WarmNode | None:
        store = self.context.store
        bundle = kept_bundle(tfjs, store)
        return WarmNode(bundle, self.node, store.folder("scratch")) if bundle is not None else None


def runtime_version(case: Case) -> str:
    """The TensorFlow.js release that loads this case's result."""
    requested = case.combination.tfjs_runtime
    return default_version() if requested == DEFAULT else requested
