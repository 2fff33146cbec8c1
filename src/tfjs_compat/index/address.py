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
        indexes = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        urls = [index.get("url") for index in indexes if index.get("default")]
        for url in (*urls, settings.get("index-url")):
            if isinstance(url, str) and url:
                return url
    return None


def _pip_configured() -> str | None:
    """The index of pip's configuration files, which count for ``pip install`` as pip documents it.

    ``PIP_CONFIG_FILE`` counts most and takes the place of the user's own files; as ``/dev/null`` it switches all off.
    The section ``install`` of any file counts more than ``global`` of any.
    """
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return None
    base = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    users = [base / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf"]
    if named and Path(named).exists():
        users = []
    files = [*([Path(named)] if named else []), Path(sys.prefix, "pip.conf"), *users, Path("/etc/pip.conf")]
    settings = [_pip_settings(file) for file in files]
    for section in ("install", "global"):
        for parser in settings:
            for key in ("index-url", "index_url"):
                if value := parser.get(section, key, fallback=None):
                    return value.strip()
    return None


def _pip_settings(path: Path) -> configparser.RawConfigParser:
    """A configuration file of pip; empty where it is not there or damaged."""
    settings = configparser.RawConfigParser()
    try:
        settings.read(path, "utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError):
        return configparser.RawConfigParser()
    return settings
