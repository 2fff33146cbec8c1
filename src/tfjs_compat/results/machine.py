"""The facts of the machine that can decide an outcome."""

from __future__ import annotations

import platform

from tfjs_compat.system.cpu import cpu_features


def machine_facts() -> dict[str, str]:
    """``system``, ``machine``, ``python`` (this tool's own), ``cpu``: the features that the converter decides by."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cpu": " ".join(cpu_features()),
    }
