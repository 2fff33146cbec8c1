"""What of the machine can decide a conversion."""

from __future__ import annotations

import platform
from pathlib import Path


def machine_facts() -> dict[str, str]:
    """What of the machine can decide a conversion: grappler fuses by the CPU's instruction sets (FACTS of oneDNN)."""
    facts = {"system": platform.system(), "machine": platform.machine(), "python": platform.python_version()}
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return facts
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    told = [flag for flag in flags if flag in ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "amx_tile")]
    return {**facts, "cpu": " ".join(told)}
