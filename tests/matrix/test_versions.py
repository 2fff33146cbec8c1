import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from support.samples import release

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.versions import check_syntax, choose_versions, is_range

TENSORFLOW = (
    release("2.14.1", "2023-11-15"),
    release("2.15.0", "2023-11-15"),
    release("2.15.1", "2024-03-08"),
    release("2.16.0rc0", "2024-02-16"),
    release("2.16.1", "2024-03-08"),
    release("2.16.2", "2024-06-28"),
    release("2.17.0", "2024-07-11", yanked=True),
    release("2.18.0rc1", "2024-10-01"),
)


def chosen(text: str, as_of: str | None = None) -> list[str]:
    return [choice.version for choice in choose_versions("tensorflow", text, TENSORFLOW, as_of)]


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("2.16.1", ["2.16.1"]),
        ("2.17.0", ["2.17.0"]),  # yanked, but named
        ("2.16.0rc0", ["2.16.0rc0"]),
        (" 2.15.0 ", ["2.15.0"]),
        (">=2.15,<2.17", ["2.15.1", "2.16.2"]),
        ("2.16.*", ["2.16.2"]),
        ("<2.15", ["2.14.1"]),
        (">=2.15.1,!=2.16.2", ["2.15.1", "2.16.1"]),
        ("~=2.15.0", ["2.15.1"]),
        ("==2.15.0", ["2.15.0"]),
        (">=2.16", ["2.16.2"]),  # neither the yanked 2.17.0 nor the candidate 2.18.0rc1
        (">=2.18.0rc0", ["2.18.0rc1"]),
        ("newest", ["2.16.2"]),
    ],
)
def test_what_a_version_means(text: str, versions: list[str]) -> None:
    assert chosen(text) == versions


@pytest.mark.parametrize(
    ("text", "as_of", "versions"),
    [
        (">=2.15", "2024-04-10", ["2.15.1", "2.16.1"]),
        (">=2.15", "2024-03-08", ["2.15.1", "2.16.1"]),
        (">=2.15", "2024-03-07", ["2.15.0"]),
        ("newest", "2023-12-01", ["2.15.0"]),
        ("2.16.2", "2024-04-10", ["2.16.2"]),  # exact: that it cannot be had then is an answer
    ],
)
def test_a_range_ends_at_the_date(text: str, as_of: str, versions: list[str]) -> None:
    assert chosen(text, as_of) == versions


def test_releases_without_a_date_existed_always() -> None:
    assert [choice.version for choice in choose_versions("x", ">1", [release("1.5")], "2020-01-01")] == ["1.5"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2.16", "tensorflow: there is no release '2.16'\nhint: did you mean '2.16.2'? '2.16.*' means the latest"),
        ("2.16.9", "the last of that minor are 2.16.0rc0, 2.16.1, 2.16.2"),
        ("2.99", "there is no release '2.99'\nhint: the newest is 2.16.2"),
        ("9", "there is no release '9'\nhint: the newest is 2.16.2"),
        ("1.0", "there is no release '1.0'\nhint: the oldest is 2.14.1, the newest 2.16.2"),
        (">=3", "no release is in '>=3'\nhint: the newest is 2.16.2"),
        ("2.17.*", "no release is in '2.17.*'"),
    ],
)
def test_what_does_not_exist_is_said_with_what_is_near(text: str, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        chosen(text)
    assert said in str(raised.value)


def test_the_hint_is_the_nearest_version_by_number() -> None:
    known = [release(version) for version in ("2.9.0", "2.9.3", "2.16.2", "2.18.0", "2.19.0rc0", "2.21.0")]
    with pytest.raises(RequestError) as raised:
        choose_versions("x", "2.17.0", known)
    assert str(raised.value) == (
        "x: there is no release '2.17.0'\nhint: the nearest are 2.16.2 and 2.18.0, the newest is 2.21.0"
    )
    with pytest.raises(RequestError, match=r"there is no release '2.99.0'\nhint: the newest is 2\.21\.0$"):
        choose_versions("x", "2.99.0", known)


def test_nothing_published_by_the_date_is_said_with_the_date() -> None:
    with pytest.raises(RequestError, match=r"no release published by 2020-01-01 is in '>=2\.15'"):
        chosen(">=2.15", "2020-01-01")
    with pytest.raises(RequestError, match="the index lists no stable release"):
        choose_versions("x", "newest", [])


@pytest.mark.parametrize("text", ["2.16.1", "2.16.0rc0", ">=2.15,<2.18", "2.16.*", "newest", "~=2.15.0", "2.16.1, <3"])
def test_right_versions(text: str) -> None:
    assert check_syntax(text) is None


@pytest.mark.parametrize(
    "text", ["", "latest", "two", "2.x", ">=", ">=two", "===two", "=2.16", "*", "newest,<3", ">2.*"]
)
def test_wrong_versions(text: str) -> None:
    assert "is neither a version" in (check_syntax(text) or "")


parts = st.integers(0, 3)
version_texts = st.builds("{}.{}.{}{}".format, parts, parts, parts, st.sampled_from(["", "", "rc0", ".post1"]))
ranges = st.one_of(
    st.builds(">={},<{}".format, version_texts, version_texts),
    st.builds("{}{}".format, st.sampled_from([">=", "<=", ">", "<", "!=", "=="]), version_texts),
    st.builds("{}.{}.*".format, parts, parts),
)
histories = st.lists(
    st.builds(release, version_texts, st.none() | st.dates().map(str), st.just("cp311"), st.booleans()),
    unique_by=lambda release: Version(release.version),
)


@given(text=ranges, history=histories, as_of=st.none() | st.dates().map(str))
def test_a_range_gives_exactly_the_latest_patch_of_each_minor(text, history, as_of) -> None:
    wanted = SpecifierSet(f"=={text}" if text[0].isdigit() else text)
    allowed = [
        Version(release.version)
        for release in history
        if wanted.contains(release.version, prereleases=True)
        and not release.yanked
        and (as_of is None or release.uploaded is None or release.uploaded <= as_of)
        and ("rc" in text or not Version(release.version).is_prerelease)
    ]
    expected = sorted(
        max(version for version in allowed if version.release[:2] == minor)
        for minor in {version.release[:2] for version in allowed}
    )
    try:
        found = [Version(choice.version) for choice in choose_versions("x", text, history, as_of)]
    except RequestError:
        found = []
    assert found == expected


@given(text=st.text("0123456789.<>=!~*, rcabpost-", max_size=12), history=histories)
def test_a_checked_text_raises_at_most_a_request_error(text, history) -> None:
    if check_syntax(text) is not None:
        return
    found = []
    with contextlib.suppress(RequestError):
        found = choose_versions("x", text, history)
    assert {release.version for release in found} <= {release.version for release in history}
    assert is_range(text) or len(found) <= 1
