"""Which Python a request means, and which suits a TensorFlow release."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import interpreters

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.index.interpreters import Interpreter, PythonBuild, choose, choose_for

FOUND = interpreters("3.13.0", "3.12.1", "3.11.7", "3.11.2", "3.10.13", "3.1.5")
VERSIONS = [f"3.{minor}.{patch}" for minor in range(8, 16) for patch in (0, 7)]


@pytest.mark.parametrize(
    ("request_", "version"),
    [
        ("3.11", "3.11.7"),
        ("3.11.2", "3.11.2"),
        ("3.12", "3.12.1"),
        ("3.1", "3.1.5"),
        ("/pythons/3.10.13/bin/python", "3.10.13"),
    ],
)
def test_a_request_means_the_newest_that_fits(request_: str, version: str) -> None:
    assert choose(request_, FOUND).version == version


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ("3.9", MachineryError, "no Python 3.9 on this machine; found: 3.13.0, 3.12.1, 3.11.7"),
        ("3.11.9", MachineryError, "\nhint: `uv python install 3.11.9` adds one"),
        ("3.99", RequestError, "there is no Python 3.99; found: 3.13.0, 3.12.1, 3.11.7"),
        ("3.99.1", RequestError, "there is no Python 3.99.1"),
        ("2.7", RequestError, "Python 2.7 is too old: the environments need 3.8 or newer; found: 3.13.0"),
        ("3.6", RequestError, "Python 3.6 is too old: the environments need 3.8 or newer; found: 3.13.0"),
        ("3.x", RequestError, "'3.x' is not a Python version"),
        ("python3.11", RequestError, "found: 3.13.0"),
        ("/nowhere/python", RequestError, "is not a Python version"),
    ],
)
def test_a_missing_python_is_named_with_those_found(request_: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        choose(request_, FOUND)
    assert message in str(raised.value)


def test_a_python_newer_than_this_tool_is_taken() -> None:
    assert choose("3.99", interpreters("3.99.1", "3.11.7")).version == "3.99.1"
    with pytest.raises(MachineryError, match=r"no Python 3\.98 on this machine"):
        choose("3.98", interpreters("3.99.1"))


def test_none_found_is_said() -> None:
    with pytest.raises(MachineryError, match="found: none"):
        choose("3.11", ())


@pytest.mark.parametrize(
    ("tags", "version"),
    [
        (["cp39", "cp310", "cp311"], "3.11.7"),
        (["cp310"], "3.10.13"),
        (["cp312", "cp313"], "3.12.1"),
        (["cp313"], "3.13.0"),
        (["cp38", "cp39"], None),
        (["py3"], None),
        ([], None),
    ],
)
def test_the_best_served_of_those_with_wheels(tags: list[str], version: str | None) -> None:
    chosen = choose_for(tags, FOUND)
    assert (chosen.version if chosen else None) == version


@given(
    tags=st.sets(st.sampled_from([f"cp3{minor}" for minor in range(8, 16)])),
    versions=st.sets(st.sampled_from(VERSIONS)),
)
def test_the_choice_fits_and_is_newest_of_its_minor(tags: set[str], versions: set[str]) -> None:
    found = interpreters(*versions)
    chosen = choose_for(tags, found)
    fitting = [python for python in found if "cp" + python.minor.replace(".", "") in tags]
    assert (chosen is None) == (not fitting)
    if chosen is not None:
        assert chosen == next(python for python in fitting if python.minor == chosen.minor)


def test_the_tag_is_what_wheels_depend_on() -> None:
    python = Interpreter("3.11.7", "linux-x86_64", "/somewhere")
    assert (python.minor, python.tag) == ("3.11", "cpython-3.11.7-linux-x86_64")
    assert PythonBuild.of_tag(python.tag) == python.build


@given(version=st.sampled_from(VERSIONS), platform=st.from_regex(r"[a-z0-9]+-[A-Za-z0-9_-]+", fullmatch=True))
def test_a_tag_names_one_build(version: str, platform: str) -> None:
    build = PythonBuild(version, platform)
    assert PythonBuild.of_tag(build.tag) == build


@pytest.mark.parametrize("tag", ["", "cpython", "cpython-3.11.7", "pypy-3.11.7-linux-x86_64", "cpython-x-linux"])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="is not a tag"):
        PythonBuild.of_tag(tag)
