"""Values of weights."""

from __future__ import annotations

import math
import struct
from pathlib import Path

from support.handmade import DENSE, SOUND, VOCABULARY, write

from tfjs_compat.checks.examine import examine


def test_weights_that_are_not_finite_are_a_warning(tmp_path: Path) -> None:
    folder = write(tmp_path, SOUND["functional"][0], DENSE)
    (folder / "w.bin").write_bytes(struct.pack("<15f", *([1.0] * 13), math.nan, math.inf))
    found = examine(folder, VOCABULARY)
    assert [(f.id, f.path, f.severity) for f in found] == [
        ("weights-not-finite", "$.weightsManifest[0].weights[1]", "warning")
    ]
