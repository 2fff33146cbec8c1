import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import interpreters

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.index.interpreters import Interpreter, choose, choose_for, find_interpreters
from tfjs_compat.system.store import Store

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
def test_a_request_means_the_newest_interpreter_that_fits(request_: str, version: str) -> None:
    assert choose(request_, FOUND).version == version


@pytest.mark.parametrize(
    ("request_", "error", "said"),
    [
        ("3.9", MachineryError, "no Python 3.9 on this machine; found: 3.13.0, 3.12.1, 3.11.7"),
        ("3.11.9", MachineryError, "uv python install 3.11.9"),
        ("3.99", RequestError, "there is no Python 3.99; found: 3.13.0, 3.12.1, 3.11.7"),
        ("3.99.1", RequestError, "there is no Python 3.99.1"),
        ("3.6", RequestError, "Python 3.6 is too old: the environments need 3.8 or newer; found: 3.13.0"),
        ("2.7", RequestError, "'2.7' is not a Python version"),
        ("3.x", RequestError, "'3.x' is not a Python version"),
        ("python3.11", RequestError, "found: 3.13.0"),
        ("/nowhere/python", RequestError, "is not a Python version"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(request_: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as raised:
        choose(request_, FOUND)
    assert said in str(raised.value)


def test_a_python_newer_than_this_tool_is_taken_where_it_is() -> None:
    assert choose("3.99", interpreters("3.99.1", "3.11.7")).version == "3.99.1"
    with pytest.raises(MachineryError, match=r"no Python 3\.98 on this machine"):
        choose("3.98", interpreters("3.99.1"))


def test_none_found_is_said_too() -> None:
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
def test_of_the_interpreters_that_have_wheels_the_best_served_is_taken(tags: list[str], version: str | None) -> None:
    chosen = choose_for(tags, FOUND)
    assert (chosen.version if chosen else None) == version


@given(
    tags=st.sets(st.sampled_from([f"cp3{minor}" for minor in range(8, 16)])),
    versions=st.sets(st.sampled_from(VERSIONS)),
)
def test_the_choice_fits_a_wheel_and_is_the_newest_of_its_minor(tags: set[str], versions: set[str]) -> None:
    found = interpreters(*versions)
    chosen = choose_for(tags, found)
    fitting = [one for one in found if "cp" + one.minor.replace(".", "") in tags]
    assert (chosen is None) == (not fitting)
    if chosen is not None:
        assert chosen == next(one for one in fitting if one.minor == chosen.minor)


def test_the_tag_is_what_wheels_depend_on() -> None:
    one = Interpreter("3.11.7", "linux-x86_64", "/somewhere")
    assert (one.minor, one.tag) == ("3.11", "cpython-3.11.7-linux-x86_64")


def test_the_running_interpreter_is_found(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import platform
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_interpreters(Store(tmp_path / "store"))
    assert [one.version for one in found] == [platform.python_version()]
    assert Path(found[0].executable).exists()
