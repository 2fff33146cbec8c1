import datetime
import os
from pathlib import Path

import pytest
from support.samples import SmallIndex, release

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.address import index_url, without_credentials
from tfjs_compat.index.releases import Release, collect, fetch_releases
from tfjs_compat.index.uv import redact
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


@pytest.mark.parametrize(("yanked", "all_of_it"), [([True, True], True), ([True, False], False), ([False], False)])
def test_a_release_is_yanked_when_every_file_is(yanked: list[bool], all_of_it: bool) -> None:
    (only,) = collect(wheel("1.0", f"cp3{at}", one) for at, one in enumerate(yanked, 9))
    assert only.yanked is all_of_it


def test_what_is_no_version_or_no_wheel_counts_for_nothing() -> None:
    files = [("x.whl", "not-a-version", False, None), ("y", None, False, None), ("z.whl", "1.0", False, None)]
    assert collect(files) == (Release("1.0", False, frozenset(), None),)


def test_tags_of_wheels_for_several_pythons() -> None:
    (only,) = collect([("x-1.0-py2.py3-none-any.whl", "1.0", False, None)])
    assert only.python_tags == {"py2", "py3"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://pypi.org/simple/", "https://pypi.org/simple/"),
        ("https://user:secret@host/simple", "https://host/simple"),
        ("https://secret@host:8443/simple", "https://host:8443/simple"),
        ("https://user:p@secret@host/simple", "https://host/simple"),
        ("https://host/simple/@scope", "https://host/simple/@scope"),
        ("file:///opt/simple", "file:///opt/simple"),
    ],
)
def test_an_address_is_shown_without_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
    assert redact(f"error: GET {url}: 401") == f"error: GET {shown}: 401"


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without any configuration; the folder of its .config."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "prefix"))
    for folder in ("uv", "pip"):
        (tmp_path / ".config" / folder).mkdir(parents=True)
    return tmp_path / ".config"


def test_each_place_gives_way_to_the_one_before_it(unconfigured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # In the order of precedence, the last first: setting one more changes the answer each time.
    (unconfigured / "pip" / "pip.conf").write_text("[global]\nindex-url = https://pip-file/simple\n")
    assert index_url() == "https://pip-file/simple"
    (unconfigured.parent / "prefix").mkdir()
    (unconfigured.parent / "prefix" / "pip.conf").write_text("[global]\nindex-url = https://prefix/simple\n")
    assert index_url() == "https://prefix/simple"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(unconfigured / "other.conf"))
    (unconfigured / "other.conf").write_text(
        "[global]\nindex-url = https://global/simple\n[install]\nindex-url = https://named-%(x)s/simple\n"
    )
    assert index_url() == "https://named-%(x)s/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip-variable/simple")
    assert index_url() == "https://pip-variable/simple"
    (unconfigured / "uv" / "uv.toml").write_text("index-url = 'https://uv-old/simple'\n")
    assert index_url() == "https://uv-old/simple"
    (unconfigured / "uv" / "uv.toml").write_text(
        "index-url = 'https://uv-old/simple'\n[[index]]\nurl = 'https://extra/simple'\n"
        "[[index]]\nurl = 'https://uv-default/simple'\ndefault = true\n"
    )
    assert index_url() == "https://uv-default/simple"
    monkeypatch.setenv("UV_CONFIG_FILE", str(unconfigured / "named.toml"))
    (unconfigured / "named.toml").write_text("index-url = 'https://uv-named/simple'\n")
    assert index_url() == "https://uv-named/simple"
    monkeypatch.setenv("UV_INDEX_URL", "https://uv-index-url/simple")
    assert index_url() == "https://uv-index-url/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "corp=https://uv-variable/simple")
    assert index_url() == "https://uv-variable/simple"


@pytest.mark.skipif(
    Path("/etc/uv/uv.toml").exists() or Path("/etc/pip.conf").exists(), reason="this machine has its own"
)
def test_without_any_configuration_it_is_pypi(unconfigured: Path) -> None:
    assert index_url() == "https://pypi.org/simple/"


@pytest.mark.parametrize(
    "content",
    [b"index = 3", b"[[index]]\ndefault = true\n", b"index-url = 3", b"not toml", b"\xff", b"index = ['x']", b""],
)
def test_a_broken_or_empty_configuration_is_passed_over(unconfigured: Path, content: bytes, monkeypatch) -> None:
    monkeypatch.setenv("UV_CONFIG_FILE", str(unconfigured / "uv.toml"))
    (unconfigured / "uv.toml").write_bytes(content)
    monkeypatch.setenv("PIP_INDEX_URL", "https://next/simple")
    assert index_url() == "https://next/simple"


def test_a_variable_of_an_address_with_an_equals_sign_is_not_taken_for_a_name(unconfigured: Path, monkeypatch) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "https://host/simple?token=x")
    assert index_url() == "https://host/simple?token=x"


def test_releases_are_fetched_once_and_kept(small_index: SmallIndex, tmp_path: Path) -> None:
    small_index.add("tensorflow", "2.16.1")
    small_index.add("tensorflow", "2.9.0")
    store = Store(tmp_path)
    releases = fetch_releases("tensorflow", store)
    expected = (release("2.9.0", "2024-03-01", "py3"), release("2.16.1", "2024-03-01", "py3"))
    assert releases == expected
    small_index.add("tensorflow", "2.17.0")
    assert fetch_releases("tensorflow", store) == expected
    assert len(small_index.asked) == 1

    (kept,) = (tmp_path / "index").glob("tensorflow-*.json")
    os.utime(kept, (0, 0))
    assert fetch_releases("tensorflow", store, offline=True) == expected
    assert len(fetch_releases("tensorflow", store)) == 3
    kept.write_text("[{")
    assert len(fetch_releases("tensorflow", store)) == 3


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, None, "has no package tensorflow"),
        (503, None, "answered 503 for tensorflow"),
        (401, None, "answered 401 for tensorflow"),
        (200, b"<<<not json", "gave no package page for tensorflow"),
        (200, b"[]", "gave no package page for tensorflow"),
        (200, b'{"files": [{}]}', "gave no package page for tensorflow"),
    ],
)
def test_an_index_without_an_answer_is_a_fault_of_the_machinery(
    small_index: SmallIndex, tmp_path: Path, status: int, body: bytes | None, said: str
) -> None:
    small_index.add("tensorflow", "2.16.1")
    small_index.status, small_index.body = status, body
    with pytest.raises(MachineryError, match=said):
        fetch_releases("tensorflow", Store(tmp_path))
    small_index.status, small_index.body = 200, None
    assert len(fetch_releases("tensorflow", Store(tmp_path))) == 1  # nothing wrong was kept


def test_an_index_out_of_reach_is_named_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:secret@127.0.0.1:9/simple/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(MachineryError, match=r"the package index http://127\.0\.0\.1:9/simple/ cannot be reached"):
        fetch_releases("tensorflow", Store(tmp_path))
