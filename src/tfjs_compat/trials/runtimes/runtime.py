"""What runs TensorFlow.js in a run: Node, or a browser."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import Literal

from tfjs_compat.matrix.axes import DEFAULT
from tfjs_compat.matrix.cases import Case
from tfjs_compat.system.process import Limits
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.browser import find_browser
from tfjs_compat.trials.runtimes.bundle import default_version, kept_bundle
from tfjs_compat.trials.runtimes.node import Node, find_node
from tfjs_compat.trials.runtimes.warm_nodes import WarmNode, WarmNodePool, is_possible


class Web:
    """What runs TensorFlow.js: Node always (it reads the bundle's vocabulary), the browser where it is asked for.

    Looked for when first needed, so that a run that has all its outcomes already starts no process.
    """

    def __init__(self, store: Store, runtime: Literal["node", "browser"], preference: str, limits: Limits) -> None:
        """``preference``: which Node: ``wheel``, ``system`` or a path."""
        self.store, self.runtime, self.limits = store, runtime, limits
        self._preference = preference
        self.warm_nodes = WarmNodePool()

    @functools.cached_property
    def node(self) -> Node:
        """Node. Raises MachineryError."""
        return find_node(self._preference)

    @functools.cached_property
    def browser(self) -> Path | None:
        """The browser, or None where none was asked for. Raises MachineryError."""
        return find_browser() if self.runtime == "browser" else None

    def describe(self) -> str:
        """What runs TensorFlow.js, as far as it decides outcomes."""
        return f"{self.runtime} {self._preference}"

    def prepare(self, case: Path, tfjs: str, stop: threading.Event) -> None:
        """Start the Node that a check of the case in this folder will need, while the case is converted.

        Raises nothing. A release that is not in the store is left to the check: few cases may come so far.
        """
        if self.runtime == "node" and is_possible():
            self.warm_nodes.prepare(case, tfjs, lambda: self._start_warm_node(tfjs), stop)

    def _start_warm_node(self, tfjs: str) -> WarmNode | None:
        bundle = kept_bundle(tfjs, self.store)
        return WarmNode(bundle, self.node, self.store.folder("scratch")) if bundle is not None else None


def runtime_version(case: Case) -> str:
    """The TensorFlow.js release that loads this case's result."""
    asked = case.combination.tfjs_runtime
    return default_version() if asked == DEFAULT else asked
