"""What of the CPU a converter sees and decides by."""

from __future__ import annotations

import ctypes
import functools
import platform
import re
from collections.abc import Mapping
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_X86_EXTENSIONS = re.compile(r"(avx|amx|fma)")
_OTHER_FIELDS = ("features", "isa", "cpu implementer", "cpu part", "cpu model", "cpu")
"""What stands in /proc/cpuinfo where there are no ``flags``: of Arm (TensorFlow looks at implementer and part, too:
``port::TestAarch64CPU``), RISC-V, POWER, MIPS, S/390."""


@functools.cache
def cpu_features(cpuinfo: Path = _CPUINFO) -> tuple[str, ...]:
    """The instruction sets and models that TensorFlow, oneDNN and grappler choose kernels and fusions by, sorted.

    On x86 the names of the vector and matrix extensions (``avx2``, ``avx512_vnni``, ``amx_tile``), as Linux writes
    them: with some of them TensorFlow turns oneDNN on, and then the graphs that it writes differ. Elsewhere the fields
    of ``cpuinfo`` that tell CPUs apart; where there is no such file (macOS, Windows) the CPU's name.
    """
    fields = _first_processor(cpuinfo)
    if "flags" in fields:
        return tuple(sorted({flag for flag in fields["flags"].split() if _X86_EXTENSIONS.match(flag)}))
    found = tuple(sorted(f"{name} {fields[name]}" for name in _OTHER_FIELDS if fields.get(name)))
    return found or (_macos_name() or platform.processor() or platform.machine(),)


def _first_processor(cpuinfo: Path) -> Mapping[str, str]:
    """The fields up to the first empty line: the whole file takes long on a machine of many cores."""
    fields: dict[str, str] = {}
    try:
        with cpuinfo.open("r", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                name, colon, value = line.partition(":")
                if colon:
                    fields.setdefault(name.strip().lower(), value.strip())
                elif fields:
                    break
    except OSError:
        return {}
    return fields


def _macos_name() -> str:
    """``Apple M2 Pro``; empty on another system."""
    buffer, size = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
    try:
        failed = ctypes.CDLL(None).sysctlbyname(b"machdep.cpu.brand_string", buffer, ctypes.byref(size), None, 0)
    except (OSError, AttributeError, TypeError):
        return ""
    return "" if failed else buffer.value.decode("utf-8", "replace")
