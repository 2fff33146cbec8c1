"""What a run refuses before it does anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import RequestError
from tfjs_compat.workflows.run import require_inputs


@pytest.mark.parametrize("content", [b"", b"def build(): pass\n", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(RequestError, match=r"x\.npz: not a \.npz file: it holds no arrays"):
        require_inputs(RunRequest(inputs=tmp_path / "x.npz"))


def test_arrays_are_accepted_and_other_archives_are_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", image=np.zeros((1, 2)))
    require_inputs(RunRequest(inputs=tmp_path / "good.npz"))
    with pytest.raises(RequestError, match="there is no such file"):
        require_inputs(RunRequest(inputs=tmp_path / "none.npz"))
