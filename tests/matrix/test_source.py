"""Where the parts of a matrix stand in its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfjs_compat.matrix.loading import read_matrix
from tfjs_compat.matrix.source import find_source

TEXT = """\
name = "m"
models = [
  "zoo:mlp",
  'zoo:lstm',
]

[[expect]]
model = "zoo:mlp"
verdict = "fails"
reason = "first"

  [[ expect ]]
verdict = "fails"
reason = "second"
"""


def test_the_lines_of_expectations_and_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ci").mkdir()
    path = tmp_path / "ci" / "m.toml"
    path.write_text(TEXT)
    found = find_source(path, read_matrix(path))
    assert found.file == "ci/m.toml"
    assert found.expect == (7, 12)
    assert found.models == {"zoo:mlp": 3, "zoo:lstm": 4}


def test_expectations_in_one_line_are_found_by_their_reasons(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    rules = ['{verdict = "fails", reason = "a"}', '{verdict = "fails", reason = "odd"}']
    path.write_text('models = ["zoo:mlp"]\nexpect = [\n' + ",\n".join(rules) + "\n]\n")
    assert find_source(path, read_matrix(path)).expect[1] == 4


def test_what_cannot_be_read_is_at_line_one(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text('models = ["zoo:mlp"]\n')
    matrix = read_matrix(path)
    path.unlink()
    assert find_source(path, matrix).models == {"zoo:mlp": 1}
