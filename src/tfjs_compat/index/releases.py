"""Which releases of a package the configured index has."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable

import msgspec
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.address import index_url
from tfjs_compat.index.pages import read_page
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import is_fresh, write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.system.text import shown_address

_FRESH_SECONDS = 600.0


class Release(msgspec.Struct, frozen=True):
    """A release of a package. ``yanked``: every file is; ``python_tags``: those of its wheels (``cp311``).

    ``uploaded`` is the UTC date (``2024-03-08``) of its first file, None where the index gives no upload times.
    """

    version: str
    yanked: bool
    python_tags: frozenset[str]
    uploaded: str | None


_RELEASES = Reader[tuple[Release, ...]](tuple[Release, ...])


def fetch_releases(package: str, store: Store) -> tuple[Release, ...]:
    """The releases of a package, oldest first, as the index lists them now; an answer is kept for ten minutes.

    Raises MachineryError when the index cannot be reached or answers with something else than a package page.
    """
    url = index_url()
    kept = store.folder("index") / f"{package}-{_short(url)}.json"
    try:
        if is_fresh(kept, _FRESH_SECONDS):
            return _RELEASES.decode(kept.read_bytes())
    except (OSError, msgspec.DecodeError):
        pass  # not there, or damaged: it is fetched
    releases = _fetch(package, url)
    write_whole(kept, msgspec.json.encode(releases))
    return releases


def _short(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def _fetch(package: str, url: str) -> tuple[Release, ...]:
    page = read_page(package, url)
    if page is None:
        raise MachineryError(f"the package index {shown_address(url)} has no package {package}")
    return collect(
        (file.filename, file.version, file.is_yanked, file.upload_time) for file in page.packages if file.version
    )


def collect(files: Iterable[tuple[str, str | None, bool, datetime.datetime | None]]) -> tuple[Release, ...]:
    """Releases out of an index's files (name, version, yanked, upload time). Yanked means: every file is."""
    gathered: dict[Version, list[tuple[str, bool, datetime.datetime | None]]] = {}
    for name, text, yanked, uploaded in files:
        try:
            gathered.setdefault(Version(text or ""), []).append((name, yanked, uploaded))
        except InvalidVersion:
            continue
    releases = []
    for version in sorted(gathered):
        rows = gathered[version]
        times = [uploaded for _, _, uploaded in rows if uploaded is not None]
        first = min(times).astimezone(datetime.timezone.utc).date().isoformat() if times else None
        tags = frozenset(tag for name, _, _ in rows for tag in _python_tags(name))
        releases.append(Release(str(version), all(yanked for _, yanked, _ in rows), tags, first))
    return tuple(releases)


def _python_tags(filename: str) -> Iterable[str]:
    if filename.endswith(".whl"):
        try:
            return [tag.interpreter for tag in parse_wheel_filename(filename)[3]]
        except InvalidWheelFilename:
            return []
    return []
