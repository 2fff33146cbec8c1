"""Where the configured index is, in the order in which uv and pip look."""

import os
from pathlib import Path

import pytest

from tfjs_compat.index.address import index_url


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
def test_a_broken_configuration_is_passed_over(unconfigured: Path, content: bytes, monkeypatch) -> None:
    monkeypatch.setenv("UV_CONFIG_FILE", str(unconfigured / "uv.toml"))
    (unconfigured / "uv.toml").write_bytes(content)
    monkeypatch.setenv("PIP_INDEX_URL", "https://next/simple")
    assert index_url() == "https://next/simple"


def test_an_equals_sign_in_an_address_is_no_name(unconfigured: Path, monkeypatch) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "https://host/simple?token=x")
    assert index_url() == "https://host/simple?token=x"


PIP_FILES = {
    "site": "prefix/pip.conf",
    "user": ".config/pip/pip.conf",
    "old user": ".pip/pip.conf",
    "named": "own.conf",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"user": "global", "old user": "global"}, "user-global"),
        ({"site": "global", "user": "global"}, "site-global"),
        ({"named": "global", "site": "global"}, "named-global"),
        # The section for the command counts before the one for all, from whatever file.
        ({"site": "global", "user": "install"}, "user-install"),
        ({"named": "global", "site": "install"}, "site-install"),
        # A named file that is there takes the place of the user's own.
        ({"named": "nothing", "user": "install"}, None),
        ({"named": "nothing", "old user": "global", "site": "global"}, "site-global"),
        ({"user": "underscore"}, "user-underscore"),
    ],
)
def test_pips_files_count_as_they_do_for_pip(
    unconfigured: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: str | None
) -> None:
    home, without = unconfigured.parent, index_url()
    for name, section in files.items():
        path = home / PIP_FILES[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        line = {"nothing": "[global]\ntimeout = 3", "underscore": f"[global]\nindex_url = {name}-{section}"}
        path.write_text(line.get(section, f"[{section}]\nindex-url = {name}-{section}"))
        if name == "named":
            monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
    assert index_url() == (expected or without)


def test_a_named_file_that_is_not_there_hides_nothing(unconfigured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (unconfigured / "pip" / "pip.conf").write_text("[global]\nindex-url = https://user/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(unconfigured / "gone.conf"))
    assert index_url() == "https://user/simple"


def test_the_null_device_switches_pips_files_off(unconfigured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (unconfigured / "pip" / "pip.conf").write_text("[install]\nindex-url = https://user/simple\n")
    (unconfigured.parent / "prefix").mkdir()
    (unconfigured.parent / "prefix" / "pip.conf").write_text("[install]\nindex-url = https://prefix/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert index_url() == "https://pypi.org/simple/"
    monkeypatch.setenv("PIP_INDEX_URL", "https://variable/simple")
    assert index_url() == "https://variable/simple"
