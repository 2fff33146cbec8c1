"""What is resolved for a combination, and what uv's answers mean."""

from __future__ import annotations

import datetime
import hashlib
import os
import sys
import time
from pathlib import Path

import pytest
from support.samples import SmallIndex, combination, interpreters

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.address import index_url
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.locks.resolver import ResolveRequest, kept_lock, request_of, resolve
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store

FOUND = interpreters("3.12.1", "3.11.7")


@pytest.mark.parametrize(
    ("axes", "requirements"),
    [
        ({}, ("tensorflow==2.16.1", "tensorflowjs==4.17.0")),
        ({"keras": "3.2.1"}, ("tensorflow==2.16.1", "tensorflowjs==4.17.0", "keras==3.2.1")),
        ({"extra": ("pandas", "scipy>=1")}, ("tensorflow==2.16.1", "tensorflowjs==4.17.0", "pandas", "scipy>=1")),
    ],
)
def test_what_is_resolved_for_a_combination(axes: dict[str, object], requirements: tuple[str, ...]) -> None:
    request = request_of(combination(**axes), FOUND, source_builds=False)
    assert request.requirements == requirements


def test_what_decides_no_lock_is_not_in_the_request() -> None:
    plain = request_of(combination(), FOUND, source_builds=False)
    assert (
        request_of(combination(process_env="legacy-keras", tfjs_runtime="4.22.0"), FOUND, source_builds=False) == plain
    )
    for axes in ({"as_of": "2024-04-10"}, {"constraints": ("a<1",)}, {"overrides": ("a<1",)}):
        assert request_of(combination(**axes), FOUND, source_builds=False) != plain
    assert request_of(combination(), FOUND, source_builds=True) != plain


# From here on with the real uv, against an index of our own.

HERE = Interpreter("{}.{}.{}".format(*sys.version_info[:3]), "linux-x86_64", sys.executable)


def request(**axes: object) -> ResolveRequest:
    return request_of(combination(python=HERE.version, **axes), [HERE], source_builds=False)


@pytest.fixture
def store(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return Store(tmp_path / "store")


@pytest.fixture
def fitting(small_index: SmallIndex) -> SmallIndex:
    small_index.add("tensorflow", "2.16.1", "keras>=3")
    small_index.add("tensorflowjs", "4.17.0", "tensorflow>=2.13")
    small_index.add("keras", "3.2.1")
    small_index.add("keras", "3.3.3")
    return small_index


def test_an_answer_has_hashes_and_is_kept(fitting: SmallIndex, store: Store) -> None:
    lock = resolve(request(), Context(store))
    assert isinstance(lock, Lock)
    assert lock.packages == {"tensorflow": "2.16.1", "tensorflowjs": "4.17.0", "keras": "3.3.3"}
    for content in (fitting.files["keras"]["keras-3.3.3-py3-none-any.whl"],):
        assert f"--hash=sha256:{hashlib.sha256(content).hexdigest()}" in lock.text
    assert index_url() not in lock.text
    fitting.status = 503
    assert resolve(request(), Context(store)) == lock
    assert kept_lock(request(), store) == lock
    assert kept_lock(request(keras="3.2.1"), store) is None


@pytest.mark.parametrize(
    ("axes", "keras"),
    [
        ({"keras": "3.2.1"}, "3.2.1"),
        ({"constraints": ("keras<3.3",)}, "3.2.1"),
        ({"overrides": ("keras==3.2.1",)}, "3.2.1"),
        ({"extra": ("keras!=3.3.3",)}, "3.2.1"),
        ({"as_of": "2024-03-01"}, "3.3.3"),
    ],
)
def test_each_axis_of_a_request_counts(fitting: SmallIndex, store: Store, axes: dict[str, object], keras: str) -> None:
    lock = resolve(request(**axes), Context(store))
    assert isinstance(lock, Lock)
    assert lock.packages["keras"] == keras


def test_a_conflict_is_an_answer_and_kept(fitting: SmallIndex, store: Store) -> None:
    fitting.add("keras", "2.15.0")
    answer = resolve(request(keras="2.15.0"), Context(store))
    assert isinstance(answer, Unresolved)
    assert answer.packages == ("keras", "tensorflow")
    fitting.status = 503
    assert resolve(request(keras="2.15.0"), Context(store)) == answer


def test_before_its_release_there_is_nothing(fitting: SmallIndex, store: Store) -> None:
    answer = resolve(request(as_of="2024-02-29"), Context(store))
    assert isinstance(answer, Unresolved)
    assert answer.packages == ("tensorflow",)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "could not be queried due to a lack of valid authentication credentials (401 Unauthorized)"),
        (403, "403 Forbidden"),
        (404, "has no package tensorflow"),
        (429, "HTTP status client error (429 Too Many Requests)"),
        (503, "HTTP status server error (503"),
    ],
)
def test_an_index_that_refuses_is_a_machinery_fault(
    fitting: SmallIndex, store: Store, status: int, message: str
) -> None:
    fitting.status = status
    with pytest.raises(MachineryError) as raised:
        resolve(request(), Context(store))
    assert str(raised.value).startswith(f"the package index {fitting.url} ")
    assert message in str(raised.value)
    fitting.status = 200
    assert isinstance(resolve(request(), Context(store)), Lock)


def kept_file(store: Store) -> Path:
    (path,) = store.folder("resolved").iterdir()
    return path


def test_a_lock_from_the_future_is_not_todays(fitting: SmallIndex, store: Store) -> None:
    resolve(request(), Context(store))
    assert kept_lock(request(), store) is not None
    for hours, holds in ((-2.0, False), (-0.5, True), (0.5, False), (48.0, False)):
        when = time.time() + hours * 3600
        os.utime(kept_file(store), (when, when))
        assert (kept_lock(request(), store) is not None) is holds


def test_an_answer_for_a_day_that_is_not_over_is_not_kept_for_good(fitting: SmallIndex, store: Store) -> None:
    today = datetime.datetime.now(datetime.timezone.utc).date()
    for days, for_good in ((0, False), (1, True)):
        dated = request(as_of=(today - datetime.timedelta(days)).isoformat())
        resolve(dated, Context(store))
        os.utime(kept_file(store), (0, 0))
        assert (kept_lock(dated, store) is not None) is for_good
        kept_file(store).unlink()


def test_a_package_that_there_is_not_is_an_answer(fitting: SmallIndex, store: Store) -> None:
    answer = resolve(request(extra=("no-such-package",)), Context(store))
    assert isinstance(answer, Unresolved)
    assert "no-such-package" in answer.packages


def test_an_index_without_upload_times_knows_no_dates(fitting: SmallIndex, store: Store) -> None:
    fitting.timed = False
    assert isinstance(resolve(request(), Context(store)), Lock)
    with pytest.raises(MachineryError, match="gives no upload times, so nothing can be resolved as of 2024-04-10"):
        resolve(request(as_of="2024-04-10"), Context(store))


def test_without_the_network_there_is_no_answer(
    fitting: SmallIndex, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(MachineryError, match=r"the network is disabled \(UV_OFFLINE\)"):
        resolve(request(), Context(store))
