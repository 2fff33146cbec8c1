"""Where the configured package index is."""

from __future__ import annotations

import configparser
import os
import re
import sys
from pathlib import Path
from typing import Any

import tomli

_PYPI = "https://pypi.org/simple/"


def index_url() -> str:
    """The index that installs on this machine use: uv's configuration, else pip's, else PyPI. May hold credentials."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if value := os.environ.get(name):
            return value.split("=", 1)[-1] if re.match(r"[\w-]+=", value) else value
    return _uv_configured() or os.environ.get("PIP_INDEX_URL") or _pip_configured() or _PYPI


def without_credentials(url: str) -> str:
    """An index address that can be shown."""
    return re.sub(r"//[^/]*@", "//", url)


def _uv_configured() -> str | None:
    base = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    named = os.environ.get("UV_CONFIG_FILE")
    # A file that is named takes the place of all others.
    for path in [Path(named)] if named else [base / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]:
        try:
            settings: dict[str, Any] = tomli.loads(path.read_text("utf-8"))
        except (OSError, tomli.TOMLDecodeError, UnicodeDecodeError):
            continue
        listed = settings.get("index")
        indexes = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        urls = [one.get("url") for one in indexes if one.get("default")]
        for url in (*urls, settings.get("index-url")):
            if isinstance(url, str) and url:
                return url
    return None


def _pip_configured() -> str | None:
    base = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    places = [Path(sys.prefix, "pip.conf"), base / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf"]
    named = [Path(os.environ["PIP_CONFIG_FILE"])] if os.environ.get("PIP_CONFIG_FILE") else []
    for path in (*named, *places, Path("/etc/pip.conf")):
        settings = configparser.RawConfigParser()
        try:
            settings.read(path, "utf-8")
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue
        for section in ("install", "global"):
            if value := settings.get(section, "index-url", fallback=None):
                return value.strip()
    return None
