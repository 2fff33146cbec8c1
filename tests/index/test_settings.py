"""Which of the caller's settings count: where packages come from and who is trusted, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.environments import RUNNING
from support.samples import SmallIndex, combination

from tfjs_compat.index.address import index_urls
from tfjs_compat.index.settings import uv_variables
from tfjs_compat.locks.lock import Lock
from tfjs_compat.locks.resolver import kept_lock, request_of, resolve
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without configuration; the folder of uv's."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "uv").mkdir(parents=True)
    return tmp_path / "config" / "uv"


FILE = """
index-strategy = "unsafe-best-match"
keyring-provider = "subprocess"
native-tls = true
offline = false
allow-insecure-host = ["a.example", "b.example"]
find-links = ["/wheels", "https://links.example"]
cache-dir = "/uv"
exclude-newer = "2020-01-01"
resolution = "lowest"
[[index]]
url = "https://default.example/simple"
default = true
[[index]]
name = "more"
url = "https://more.example/simple"
[[index]]
name = "pinned"
url = "https://pinned.example/simple"
explicit = true
[pip]
link-mode = "copy"
extra-index-url = ["https://extra.example/simple"]
"""


def test_what_of_a_configuration_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "uv.toml").write_text(FILE)
    assert uv_variables() == {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_KEYRING_PROVIDER": "subprocess",
        "UV_NATIVE_TLS": "true",
        "UV_INSECURE_HOST": "a.example b.example",
        "UV_FIND_LINKS": "/wheels,https://links.example",
        "UV_CACHE_DIR": "/uv",
        "UV_DEFAULT_INDEX": "https://default.example/simple",
        "UV_INDEX": "https://extra.example/simple more=https://more.example/simple",
    }
    assert index_urls() == (
        "https://extra.example/simple",
        "https://more.example/simple",
        "https://default.example/simple",
    )
    monkeypatch.setenv("UV_CACHE_DIR", "/mine")
    monkeypatch.setenv("UV_INDEX", "https://mine.example/simple")
    monkeypatch.setenv("UV_INDEX_MORE_PASSWORD", "secret")
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01")
    monkeypatch.setenv("UV_PRERELEASE", "allow")
    found = uv_variables()
    assert (found["UV_CACHE_DIR"], found["UV_INDEX"]) == ("/mine", "https://mine.example/simple")
    assert found["UV_INDEX_MORE_PASSWORD"] == "secret"
    assert not {"UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_CONFIG_FILE"} & set(found)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_index: SmallIndex) -> Store:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    small_index.add("tensorflow", "2.16.1", "keras>=3")
    small_index.add("tensorflowjs", "4.17.0")
    small_index.add("keras", "3.2.1")
    small_index.add("keras", "3.3.3")
    return Store(tmp_path / "below" / "store")


CHANGES = {
    "exclude-newer": 'exclude-newer = "2020-01-01T00:00:00Z"',
    "resolution": 'resolution = "lowest"',
    "constraints": 'constraint-dependencies = ["keras<3.3"]',
    "overrides": 'override-dependencies = ["keras==3.2.1"]',
    "no-binary": "no-binary = true",
    "not a setting": "no-such-key = 3",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", ["user", "parent uv.toml", "parent pyproject.toml"])
def test_a_configuration_changes_no_answer(home: Path, tmp_path: Path, store: Store, change: str, place: str) -> None:
    text = CHANGES[change]
    (tmp_path / "below").mkdir(exist_ok=True)
    if place == "user":
        (home / "uv.toml").write_text(text)
    elif place == "parent uv.toml":
        (tmp_path / "below" / "uv.toml").write_text(text)
    else:
        (tmp_path / "below" / "pyproject.toml").write_text(
            f'[project]\nname = "theirs"\nversion = "1"\n[tool.uv]\n{text}\n'
        )
    answer = resolve(request_of(combination(python=RUNNING.version), [RUNNING], source_builds=False), Context(store))
    assert isinstance(answer, Lock)
    assert answer.packages["keras"] == "3.3.3"


def test_an_answer_belongs_to_the_indexes_that_gave_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    request = request_of(combination(python=RUNNING.version), [RUNNING], source_builds=False)
    first = resolve(request, Context(store))
    assert kept_lock(request, store) == first
    with SmallIndex() as other:
        other.add("keras", "3.9.0")
        monkeypatch.setenv("UV_INDEX", f"other={other.url}")
        assert kept_lock(request, store) is None
        second = resolve(request, Context(store))
        assert isinstance(second, Lock)
        assert second.packages["keras"] == "3.9.0"
