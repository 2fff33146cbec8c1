"""The environment variables of children: nothing of the caller's but what a child needs."""

from __future__ import annotations

import os
from pathlib import Path

_NETWORK = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
_WINDOWS = ("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "SYSTEMDRIVE", "NUMBER_OF_PROCESSORS")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def clean_environment(home: Path, **extra: str) -> dict[str, str]:
    """The environment of a child: nothing of the caller's but certificates and password-free proxies.

    ``home`` becomes HOME and the parent of TMPDIR, so that no credential file of the user is in reach.
    """
    kept = {name: value for name in _NETWORK if (value := os.environ.get(name)) and "@" not in value}
    if os.name == "nt":
        kept.update({name: os.environ[name] for name in _WINDOWS if name in os.environ})
        path = os.environ.get("PATH", "")
    else:
        path = _SYSTEM_PATH
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    places = {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **places, **kept, **extra}


def tool_environment(prefixes: tuple[str, ...], **extra: str) -> dict[str, str]:
    """The environment of a package tool (uv, npm): the caller's HOME, network settings and the tool's own variables.

    Package tools need the user's registry configuration, credentials included; they never run model code.
    """
    names = (
        *_NETWORK,
        "HOME",
        "PATH",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "TMPDIR",
        "NETRC",
        *_WINDOWS,
    )
    kept = {name: os.environ[name] for name in names if name in os.environ}
    kept.update({name: value for name, value in os.environ.items() if name.startswith(prefixes)})
    return {"LANG": "C.UTF-8", **kept, **extra}
