"""Releases of a package: out of an index's files, and fetched from an index."""

import base64
import contextlib
import datetime
import os
import zlib
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from support.samples import SmallIndex, release

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.releases import Release, collect, fetch_releases
from tfjs_compat.system.store import Store

UTC = datetime.timezone.utc


def wheel(version: str, tag: str = "cp311", yanked: bool = False, at: datetime.datetime | None = None):
    return f"tensorflow-{version}-{tag}-{tag}-manylinux2014_x86_64.whl", version, yanked, at


def test_files_are_gathered_into_releases_oldest_first() -> None:
    early, late = datetime.datetime(2024, 3, 8, 23, tzinfo=UTC), datetime.datetime(2024, 3, 9, 1, tzinfo=UTC)
    assert collect(
        [
            wheel("2.16.1", "cp311", at=late),
            wheel("2.16.1", "cp310", at=early),
            wheel("2.9.0", "cp310"),
            ("tensorflow-2.9.0.tar.gz", "2.9.0", False, None),
        ]
    ) == (release("2.9.0", tags="cp310"), release("2.16.1", "2024-03-08"))


def test_the_date_is_that_of_utc() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=-8))
    (only,) = collect([wheel("1.0", at=datetime.datetime(2024, 3, 8, 20, tzinfo=zone))])
    assert only.uploaded == "2024-03-09"


@pytest.mark.parametrize(
    "url", ["http://t0ken@HOST/simple/", "http://t0ken:@HOST/simple/", "http://t0ken:p%2Fw@HOST/simple/"]
)
def test_credentials_of_the_address_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with SmallIndex() as index:
        index.add("tensorflow", "2.16.1")
        monkeypatch.setenv("UV_DEFAULT_INDEX", url.replace("HOST", index.url.split("/")[2]))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert [release.version for release in fetch_releases("tensorflow", Store(tmp_path))] == ["2.16.1"]
    user = f"t0ken:{'p/w' if '%' in url else ''}"
    assert set(index.authorizations) == {f"Basic {base64.b64encode(user.encode()).decode()}"}


class Endless(SmallIndex):
    """Pages of spaces without an end, as they are or packed."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        super().__init__()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
                packer = zlib.compressobj(wbits=31) if index.encoding else None
                if packer is not None:
                    self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                block = b" " * (1 << 20)
                with contextlib.suppress(OSError):
                    while True:
                        self.wfile.write(packer.compress(block) if packer else block)

        return Handler


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_page_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    with Endless(encoding) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(MachineryError, match="gave no package page for tensorflow: it has more than 128 MiB"):
            fetch_releases("tensorflow", Store(tmp_path))


@pytest.mark.parametrize(("yanked", "whole"), [([True, True], True), ([True, False], False), ([False], False)])
def test_a_release_is_yanked_when_every_file_is(yanked: list[bool], whole: bool) -> None:
    (only,) = collect(wheel("1.0", f"cp3{minor}", each) for minor, each in enumerate(yanked, 9))
    assert only.yanked is whole


def test_what_is_no_version_or_wheel_counts_for_nothing() -> None:
    files = [("x.whl", "not-a-version", False, None), ("y", None, False, None), ("z.whl", "1.0", False, None)]
    assert collect(files) == (Release("1.0", False, frozenset(), None),)


def test_tags_of_wheels_for_several_pythons() -> None:
    (only,) = collect([("x-1.0-py2.py3-none-any.whl", "1.0", False, None)])
    assert only.python_tags == {"py2", "py3"}


def test_releases_are_fetched_once_and_kept(small_index: SmallIndex, tmp_path: Path) -> None:
    small_index.add("tensorflow", "2.16.1")
    small_index.add("tensorflow", "2.9.0")
    store = Store(tmp_path)
    releases = fetch_releases("tensorflow", store)
    expected = (release("2.9.0", "2024-03-01", "py3"), release("2.16.1", "2024-03-01", "py3"))
    assert releases == expected
    small_index.add("tensorflow", "2.17.0")
    assert fetch_releases("tensorflow", store) == expected
    assert len(small_index.requests) == 1

    (kept,) = (tmp_path / "index").glob("tensorflow-*.json")
    os.utime(kept, (0, 0))
    assert len(fetch_releases("tensorflow", store)) == 3
    kept.write_text("[{")
    assert len(fetch_releases("tensorflow", store)) == 3


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, None, "has no package tensorflow"),
        (503, None, "answered 503 for tensorflow"),
        (401, None, "answered 401 for tensorflow"),
        (200, b"<<<not json", "gave no package page for tensorflow"),
        (200, b"[]", "gave no package page for tensorflow"),
        (200, b'{"files": [{}]}', "gave no package page for tensorflow"),
    ],
)
def test_an_index_without_an_answer_is_a_machinery_fault(
    small_index: SmallIndex, tmp_path: Path, status: int, body: bytes | None, message: str
) -> None:
    small_index.add("tensorflow", "2.16.1")
    small_index.status, small_index.body = status, body
    with pytest.raises(MachineryError, match=message):
        fetch_releases("tensorflow", Store(tmp_path))
    small_index.status, small_index.body = 200, None
    assert len(fetch_releases("tensorflow", Store(tmp_path))) == 1  # nothing wrong was kept


def test_an_index_out_of_reach_is_named_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:secret@127.0.0.1:9/simple/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(
        MachineryError, match=r"the package index http://\*\*\*@127\.0\.0\.1:9/simple/ cannot be reached"
    ):
        fetch_releases("tensorflow", Store(tmp_path))


def test_wheels_in_a_folder_are_releases_too(
    small_index: SmallIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As uv's find-links has them: with those of the index, or where no index knows the package."""
    folder = tmp_path / "wheels with a space"
    folder.mkdir()
    for name in ("both-2.0-py3-none-any.whl", "both-1.0-py3-none-any.whl", "only_here-0.1-py3-none-any.whl", "x.whl"):
        (folder / name).write_bytes(b"")
    small_index.add("both", "1.0")
    monkeypatch.setenv("UV_FIND_LINKS", f"{folder.as_uri()},https://example.invalid/links.html")
    store = Store(tmp_path / "store")
    for _ in range(2):
        both = fetch_releases("both", store)
        assert both == (release("1.0", "2024-03-01", "py3"), release("2.0", None, "py3"))
    assert fetch_releases("only-here", store) == (release("0.1", None, "py3"),)
    with pytest.raises(MachineryError, match="has no package nowhere"):
        fetch_releases("nowhere", store)
