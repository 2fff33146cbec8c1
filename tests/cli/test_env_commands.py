"""`env`: the environments on disk."""

from __future__ import annotations

import json
from pathlib import Path

from support.commands import Tool


def test_an_empty_store_has_no_environments(tool: Tool, tmp_path: Path) -> None:
    ran = tool("env", "list", "--json", env={"TFJS_COMPAT_CACHE": str(tmp_path / "empty")})
    assert json.loads(ran.out) == {"environments": [], "bytes": 0}
