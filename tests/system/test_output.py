"""What a child prints is read to its end, whatever happens to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tfjs_compat.system.output import Output


def drained(tmp_path: Path, content: bytes, on_line: object) -> Output:
    reading, writing = os.pipe()
    output = Output(os.fdopen(reading, "rb"), (tmp_path / "log").open("w+b"), on_line)  # type: ignore[arg-type]
    with os.fdopen(writing, "wb") as pipe:
        # More than a pipe holds: who does not read blocks this.
        pipe.write(content)
    output.close()
    return output


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("x"), OSError("gone"), RuntimeError("display")])
def test_a_fault_of_whoever_gets_the_lines_stops_no_child(tmp_path: Path, error: Exception) -> None:
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        raise error

    content = b"first\n" + b"x" * 300_000 + b"\nlast\n"
    output = drained(tmp_path, content, on_line)
    assert (tmp_path / "log").read_bytes() == content
    assert lines == ["first"]
    with pytest.raises(type(error)):
        output.check()


def test_a_log_that_is_moved_keeps_what_was_written(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    output = Output(os.fdopen(reading, "rb"), (tmp_path / "log").open("w+b"), None)
    os.write(writing, b"before ")
    while output.total < 7:
        pass
    # What stands there under the old name is not looked at.
    (tmp_path / "log").unlink()
    (tmp_path / "log").write_text("something else ")
    output.move_to(tmp_path / "moved")
    os.write(writing, b"after")
    os.close(writing)
    output.close()
    assert (tmp_path / "moved").read_bytes() == b"before after"
