"""What the failure, the catalogue and the versions make suspect, before anything is tried."""

from __future__ import annotations

import pytest

from tfjs_compat.environments.distributions import Distribution
from tfjs_compat.search.culprit.changes import Change
from tfjs_compat.search.culprit.dependencies import EndPackages
from tfjs_compat.search.culprit.suspicion import (
    Evidence,
    import_chain,
    release_weights,
    step_weight,
    traceback_modules,
    weights_of,
)

LOG = """noise
Traceback (most recent call last):
  File "/w/worker.py", line 35, in import_packages
    import tensorflowjs as tfjs
  File "/e/venv/lib/python3.11/site-packages/tensorflowjs/__init__.py", line 21, in <module>
    from tensorflowjs import converters
  File "C:\\e\\Lib\\site-packages\\tensorflowjs\\converters\\converter.py", line 37, in <module>
    import tensorflow_hub as hub
  File "/e/venv/lib/python3.11/site-packages/tensorflow_hub/__init__.py", line 85, in <module>
    from pkg_resources import parse_version
ModuleNotFoundError: No module named 'pkg_resources'
"""


def end(**packages: tuple[str, ...]) -> EndPackages:
    """An end by name: (version, modules…); ``_`` is a dash."""
    made = {
        name.replace("_", "-"): Distribution(name.replace("_", "-"), version, (), "", frozenset(modules))
        for name, (version, *modules) in packages.items()
    }
    return EndPackages(made, "3.11.7")


GOOD = end(
    setuptools=("69.0", "setuptools", "pkg_resources"),
    tensorflow_hub=("0.16.0", "tensorflow_hub"),
    tensorflowjs=("4.17.0", "tensorflowjs"),
    zipp=("3.0", "zipp"),
)
BAD = end(
    setuptools=("84.0", "setuptools"),
    tensorflow_hub=("0.16.1", "tensorflow_hub"),
    tensorflowjs=("4.17.0", "tensorflowjs"),
    zipp=("4.0", "zipp"),
)
CHANGES = [
    Change("package", name, GOOD.distributions[name].version, BAD.distributions[name].version)
    for name in ("setuptools", "tensorflow-hub", "zipp")
]


def test_modules_of_the_last_traceback() -> None:
    assert traceback_modules(LOG) == ("tensorflowjs", "tensorflowjs.converters.converter", "tensorflow_hub")
    assert traceback_modules("no traceback") == ()


def test_the_chain_names_distributions_and_the_missing_module() -> None:
    evidence = Evidence((), "ModuleNotFoundError: No module named 'pkg_resources'", traceback_modules(LOG))
    assert import_chain(evidence, BAD) == ("tensorflowjs", "tensorflow-hub", "pkg_resources")


def test_a_package_that_lost_the_missing_module_is_the_most_suspect_without_any_catalogue() -> None:
    evidence = Evidence((), "ModuleNotFoundError: No module named 'pkg_resources'", traceback_modules(LOG))
    setuptools, hub, zipp = weights_of(CHANGES, evidence, GOOD, BAD)
    assert setuptools > hub > zipp >= 1


def test_a_package_that_the_known_issue_names_is_suspect() -> None:
    setuptools, hub, zipp = weights_of(CHANGES, Evidence(("pkg-resources-gone",), ""), GOOD, BAD)
    assert setuptools > 10 * zipp
    assert hub > zipp  # what is certain to show it names both


@pytest.mark.parametrize(
    ("before", "after", "weight"),
    [("1.2.3", "2.0", 4.0), ("1.2", "1.3.0", 2.0), ("1.2.3", "1.2.4", 1.0), ("2.0", "1.9", 4.0), (None, "1", 4.0)],
)
def test_larger_steps_break_more(before: str | None, after: str, weight: float) -> None:
    assert step_weight(before, after) == weight


def test_a_bound_of_the_catalogue_is_the_likeliest_place() -> None:
    versions = ["79.0", "80.0", "80.1", "81.0", "82.0"]
    weights = release_weights("setuptools", versions, Evidence(("pkg-resources-gone",), ""))
    assert [weight > 100 for weight in weights] == [False, False, True, True]
    assert release_weights("zipp", versions, Evidence(("pkg-resources-gone",), "")) == [4.0, 2.0, 4.0, 4.0]
