"""The days on which a resolver's answer can have changed. Pure."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tfjs_compat.index.releases import Release
from tfjs_compat.matrix.axes import TODAY
from tfjs_compat.search.culprit.changes import Change
from tfjs_compat.search.culprit.suspicion import Evidence, release_weights


class Days(NamedTuple):
    """Values of the axis ``as_of`` in order, and for each but the first how suspect it is."""

    days: tuple[str, ...]
    weights: tuple[float, ...]


def release_days(
    first: str,
    last: str,
    suspicion: Mapping[Change, float],
    releases: Mapping[str, Sequence[Release]],
    evidence: Evidence,
) -> Days:
    """From ``first`` to ``last`` the days on which a package was released that differs between the two locks.

    ``suspicion`` are the changes between the locks with their weights. ``last`` may be ``today``. What the index gives
    no upload time for is on no day.
    """
    found: dict[str, float] = defaultdict(float)
    for change, weight in suspicion.items():
        uploads = [r for r in releases.get(change.name, ()) if change.kind == "package" and r.uploaded and not r.yanked]
        steps = release_weights(change.name, [release.version for release in uploads], evidence)
        within = [
            (release.uploaded, step)
            for release, step in zip(uploads, [1.0, *steps], strict=False)
            if release.uploaded and first < release.uploaded and (last == TODAY or release.uploaded <= last)
        ]
        total = sum(step for _, step in within)
        for day, step in within:
            found[day] += weight * step / total
    inner = sorted(day for day in found if day != last)
    weights = [found[day] for day in inner]
    least = min((*weights, found.get(last, 1.0)), default=1.0)
    return Days((first, *inner, last), (*weights, found.get(last, least)))


def day_before(day: str) -> str:
    """The day before a day; that of ``today`` is yesterday, in UTC."""
    date = datetime.datetime.now(datetime.timezone.utc).date() if day == TODAY else datetime.date.fromisoformat(day)
    return (date - datetime.timedelta(days=1)).isoformat()
