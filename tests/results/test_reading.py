"""results.json, read back: with what is wrong named where it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.samples import failed, result, results

from tfjs_compat.errors import RequestError
from tfjs_compat.results.files import read_results, write_results


def test_results_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    found = results(result(), failed())
    path = write_results(found, tmp_path)
    assert read_results(tmp_path) == read_results(path) == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "damaged"),
        ("[1]", "damaged"),
        ('{"schema": 1, "tool"', "damaged"),
        ('{"schema": 1}', "missing required field `tool`"),
        ('{"schema": 2}', "newer"),
        ('{"schema": 0}', "`tfjs-compat run` writes it anew"),
        ('{"schema": "1"}', "$.schema"),
        ('{"schema": 1, "x": ' + "[" * 100_000, "damaged"),
        ("\xff", "damaged"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(RequestError, match=re.escape(message)) as caught:
        read_results(tmp_path)
    assert str(path) in str(caught.value)


def test_an_unknown_verdict_is_named_with_its_place(tmp_path: Path) -> None:
    path = write_results(results(result()), tmp_path)
    path.write_text(path.read_text("utf-8").replace('"works"', '"shines"'), "utf-8")
    with pytest.raises(RequestError, match=r"shines.*\$\.cases\[0\]\.verdict"):
        read_results(path)
