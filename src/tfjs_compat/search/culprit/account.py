"""What surrounds a culprit: who requires it, where it is described, what should avoid it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from tfjs_compat.environments.distributions import Distribution
from tfjs_compat.search.culprit.dependencies import EndPackages, demands
from tfjs_compat.search.culprit.explanation import Culprit, Requirer

_REPOSITORY = re.compile(r"https?://(?:www\.)?(github\.com|gitlab\.com)/([\w.-]+)/([\w.-]+?)(?:\.git)?/?(?:[#?/].*)?")
_BEST_LABELS = ("source", "source code", "repository", "code", "github", "homepage", "home")


def requirers_of(name: str, end: EndPackages) -> tuple[Requirer, ...]:
    """The packages of an end that require a package there, with the range that each admits, by name."""
    found = {
        (demand.by, str(demand.admits)): Requirer(
            demand.by, end.distributions[demand.by].version, _ordered(demand.admits)
        )
        for demand in demands(end)
        if demand.of == name and demand.by != name
    }
    return tuple(found[key] for key in sorted(found))


def _ordered(admits: SpecifierSet) -> str:
    return ",".join(sorted((str(each) for each in admits), key=lambda text: text.lstrip("<>=!~")))


def caps(requirer: Requirer) -> bool:
    """Whether a requirement bounds the versions from above."""
    return any(each.operator in ("<", "<=", "==", "~=", "===") for each in SpecifierSet(requirer.range))


def links_of(culprit: Culprit, distribution: Distribution | None) -> dict[str, str]:
    """Pages on a culprit that is one package: its release, and the difference of the sources of the two versions.

    The repository is the one that the package's own metadata names; its tags are taken to be ``v`` and the version.
    """
    if culprit.kind != "package" or "+" in culprit.name or culprit.bad is None:
        return {}
    links = {"release": f"https://pypi.org/project/{culprit.name}/{culprit.bad}/"}
    repository = repository_of(distribution.urls if distribution is not None else {})
    if repository is not None and culprit.good is not None:
        links["source"] = f"{repository}/compare/v{culprit.good}...v{culprit.bad}"
    return links


def repository_of(urls: Mapping[str, str]) -> str | None:
    """The repository among the links of a package, as ``https://HOST/OWNER/NAME``; None where there is none.

    >>> repository_of({"Source": "https://github.com/pypa/setuptools", "Issues": "https://github.com/pypa/x/issues"})
    'https://github.com/pypa/setuptools'
    """
    by_label = {label.lower(): url for label, url in urls.items()}
    ordered = [by_label[label] for label in _BEST_LABELS if label in by_label]
    for url in (*ordered, *urls.values()):
        if match := _REPOSITORY.fullmatch(url.strip()):
            return f"https://{match[1]}/{match[2]}/{match[3]}"
    return None


def avoiding_constraint(culprit: Culprit) -> str | None:
    """The constraint that keeps a package out of the bad releases: ``setuptools<82``. None where there is none.

    >>> avoiding_constraint(Culprit("package", "setuptools", "81.0.0", "82.0.0"))
    'setuptools<82.0.0'
    """
    if culprit.kind != "package" or "+" in culprit.name or culprit.good is None:
        return None
    if culprit.bad is None:
        return f"{culprit.name}=={culprit.good}"
    try:
        newer = Version(culprit.bad) > Version(culprit.good)
    except InvalidVersion:
        return f"{culprit.name}=={culprit.good}"
    return f"{culprit.name}<{culprit.bad}" if newer else f"{culprit.name}>={culprit.good}"
