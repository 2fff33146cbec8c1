"""Every damage that an index's answers can take, with the real uv: a fault of the network, and no answer is kept."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.environments import RUNNING
from support.faulty_index import Fault, FaultyIndex
from support.runs import add_module
from support.samples import combination

from tfjs_compat.environments.build import build
from tfjs_compat.environments.environment import Environment
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.releases import fetch_releases
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.locks.resolver import ResolveRequest, kept_lock, request_of, resolve
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "5")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    return Context(Store(tmp_path / "store"))


@contextlib.contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, index: FaultyIndex) -> Iterator[FaultyIndex]:
    """An index whose newest numpy and jax are needed, and that has an older numpy without jax."""
    with index:
        add_module(index, "tensorflow", "2.15.0", "x = 1\n" * 500, "numpy>=1")
        add_module(index, "tensorflowjs", "4.17.0", "x = 1\n" * 500)
        add_module(index, "numpy", "1.24.0", "x = 1\n" * 500)
        add_module(index, "numpy", "1.26.4", "x = 1\n" * 500, "jax")
        add_module(index, "jax", "0.4.0", "x = 1\n" * 500)
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        yield index


def request(**axes: object) -> ResolveRequest:
    return request_of(combination(python=RUNNING.version, tensorflow="2.15.0", **axes), [RUNNING], source_builds=False)


DATED = request(as_of="2024-03-10")
RIGHT = {"tensorflow": "2.15.0", "tensorflowjs": "4.17.0", "numpy": "1.26.4", "jax": "0.4.0"}

NO_ANSWER = [
    # What uv itself says of these is "No solution found", an older version of another package, or a fault.
    *(Fault("html", "page", name) for name in ("tensorflow", "jax")),
    *(Fault("html-links", "page", name) for name in ("tensorflow", "jax")),
    *(Fault("redirect", "page", name) for name in ("tensorflow", "numpy", "jax")),
    *(Fault("status", "page", "jax", status=status) for status in (401, 403, 429, 500)),
    *(Fault(damage, "page", "jax") for damage in ("cut", "shorten", "half-page", "empty", "reset")),
    *(Fault(damage, "page", "jax", times=times) for damage in ("odd-pythons", "odd-names") for times in (None, 4, 2)),
    *(Fault(damage, "metadata", "jax") for damage in ("cut", "shorten", "flip", "html", "empty", "status")),
]
WITHOUT_METADATA = [
    *(Fault(damage, "wheel", "tensorflow") for damage in ("cut", "shorten", "html", "empty", "redirect", "status")),
    *(Fault(damage, "wheel", "jax") for damage in ("cut", "shorten", "html", "half-page", "reset")),
]
CORE = {
    ("html", "page"),
    ("html-links", "page"),
    ("redirect", "page"),
    ("half-page", "page"),
    ("odd-pythons", "page"),
    ("flip", "metadata"),
    ("cut", "wheel"),
}


def name_of(fault: object) -> str:
    assert isinstance(fault, Fault)
    return f"{fault.damage}-{fault.part}-{fault.package}" + (f"-{fault.status}" if fault.damage == "status" else "")


def marked(faults: list[Fault]) -> list[object]:
    return [
        pytest.param(
            fault, marks=[pytest.mark.full] if (fault.damage, fault.part) not in CORE else [], id=name_of(fault)
        )
        for fault in faults
    ]


def no_answer_is_kept(context: Context, index: FaultyIndex) -> None:
    with pytest.raises(MachineryError) as raised:
        resolve(DATED, context)
    assert "bug" not in str(raised.value)
    assert kept_lock(DATED, context.store) is None
    # And when the fault is over, the next run has the right answer, whatever uv kept of it.
    index.damages = []
    answer = resolve(DATED, context)
    assert isinstance(answer, Lock)
    assert answer.packages == RIGHT


@pytest.mark.parametrize("fault", marked(NO_ANSWER))
def test_a_fault_is_no_answer(context: Context, monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    with serving(monkeypatch, FaultyIndex(fault)) as index:
        no_answer_is_kept(context, index)


@pytest.mark.parametrize("fault", marked(WITHOUT_METADATA))
@pytest.mark.parametrize("ranges", [False, pytest.param(True, marks=pytest.mark.full)], ids=["whole", "ranges"])
def test_a_damaged_wheel_is_no_answer(
    context: Context, monkeypatch: pytest.MonkeyPatch, fault: Fault, ranges: bool
) -> None:
    with serving(monkeypatch, FaultyIndex(fault, core_metadata=False, ranges=ranges)) as index:
        no_answer_is_kept(context, index)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("html", "page", "jax", times=1),
        Fault("cut", "wheel", "numpy", times=1),
        Fault("odd-pythons", "page", "jax", times=1),
        pytest.param(Fault("html", "page", "tensorflow", times=1), marks=pytest.mark.full),
        pytest.param(Fault("shorten", "wheel", "jax", times=1), marks=pytest.mark.full),
        pytest.param(Fault("delay", "page", "jax"), marks=pytest.mark.full),
        pytest.param(Fault("delay", "wheel", "jax"), marks=pytest.mark.full),
    ],
    ids=name_of,
)
def test_a_fault_that_passes_changes_no_answer(context: Context, monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    with serving(monkeypatch, FaultyIndex(fault, core_metadata=fault.part != "wheel")):
        answer = resolve(DATED, context)
        assert isinstance(answer, Lock)
        assert answer.packages == RIGHT


def test_a_conflict_in_good_form_is_believed(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, FaultyIndex()):
        answer = resolve(request(constraints=("numpy>=2",)), context)
        assert isinstance(answer, Unresolved)
        assert "numpy" in answer.packages


DENIED = Fault("status", "page", "jax", status=404)


@pytest.mark.parametrize("whole", [True, False], ids=["lock", "conflict"])
def test_what_rests_on_a_denied_package_is_not_kept(
    context: Context, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    """A firewall answers 404 as an index does that has no such package."""
    asked = DATED if whole else request(as_of="2024-03-10", constraints=("numpy>=1.26",))
    with serving(monkeypatch, FaultyIndex(DENIED)) as index:
        answer = resolve(asked, context)
        if isinstance(answer, Lock):
            assert answer.packages["numpy"] == "1.24.0"
        else:
            assert f"The package index {index.url} says that it has no package jax (404 Not Found)." in answer.message
            assert "jax" in answer.packages
        assert isinstance(answer, Lock) == whole
        assert kept_lock(asked, context.store) is None
        index.damages = []
        answer = resolve(asked, context)
        assert isinstance(answer, Lock)
        assert answer.packages == RIGHT
        assert kept_lock(asked, context.store) == answer


@pytest.mark.parametrize("status", [404, 410])
def test_an_index_that_denies_what_it_had_is_at_fault(
    context: Context, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with serving(monkeypatch, FaultyIndex()) as index:
        lock = resolve(DATED, context)
        assert isinstance(lock, Lock)
        index.damages = [Fault("status", "page", "jax", status=status)]
        for asked in (request(), request(constraints=("numpy>=1.26",))):
            with pytest.raises(MachineryError) as raised:
                resolve(asked, context, fresh=True)
            if status == 404:
                assert f"has no package jax (404 Not Found), and it had jax 0.4.0 before (lock {lock.id})" in str(
                    raised.value
                )
            assert kept_lock(asked, context.store) is None


def test_what_another_index_had_is_no_fault(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, FaultyIndex()):
        assert isinstance(resolve(DATED, context), Lock)
    with serving(monkeypatch, FaultyIndex(DENIED)):
        assert isinstance(resolve(request(constraints=("numpy>=1.26",)), context), Unresolved)


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_wheel_that_is_broken_for_everybody_is_an_answer(
    context: Context, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    with serving(monkeypatch, FaultyIndex(core_metadata=False, form="html" if form == "html" else "json")) as index:
        (name,) = index.files["jax"]
        index.files["jax"][name] = b"no zip at all"
        answer = resolve(request(), context)
        assert isinstance(answer, Lock)
        assert answer.packages["numpy"] == "1.24.0"


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault(damage, "wheel", "jax") for damage in ("cut", "flip", "html")),
        *(
            pytest.param(Fault(damage, "wheel", "jax"), marks=pytest.mark.full)
            for damage in ("shorten", "empty", "reset", "redirect", "status", "half-page")
        ),
    ],
    ids=name_of,
)
def test_a_damaged_wheel_is_no_environment(context: Context, monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    with serving(monkeypatch, FaultyIndex(fault)) as index:
        lock = resolve(DATED, context)
        assert isinstance(lock, Lock)
        with pytest.raises(MachineryError) as raised:
            build(lock, RUNNING, context)
        if fault.damage in ("flip", "html", "shorten", "empty"):
            assert "cannot be reached" not in str(raised.value)
        assert list((context.store.root / "environments").iterdir()) == []
        index.damages = []
        assert isinstance(build(lock, RUNNING, context), Environment)


def test_a_wheel_of_a_form_that_is_unknown_is_named_first(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, FaultyIndex()) as index:
        (name,) = index.files["jax"]
        index.files["jax"][name] = with_wheel_version(index.files["jax"][name], "99.0")
        lock = resolve(DATED, context)
        assert isinstance(lock, Lock)
        with pytest.raises(MachineryError, match=rf"^uv could not install lock {lock.id}: Failed to install: jax-0\.4"):
            build(lock, RUNNING, context)
        assert list((context.store.root / "environments").iterdir()) == []
        # The index gets a whole one in its place, as it does where an upload is made again: the next run takes it.
        index.files["jax"][name] = with_wheel_version(index.files["jax"][name], "1.0")
        right = resolve(DATED, context)
        assert isinstance(right, Lock)
        assert right.id != lock.id
        assert isinstance(build(right, RUNNING, context), Environment)


def with_wheel_version(wheel: bytes, version: str) -> bytes:
    """A wheel whose form is said to be another, which installers refuse."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as before, zipfile.ZipFile(made, "w") as after:
        for member in before.infolist():
            content = before.read(member)
            if member.filename.endswith("/WHEEL"):
                content = re.sub(rb"Wheel-Version: [\d.]+", b"Wheel-Version: " + version.encode(), content)
            after.writestr(member, content)
    return made.getvalue()


def test_a_lock_with_a_wrong_hash_is_forgotten(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, FaultyIndex(Fault("wrong-hash", "page", "jax"), core_metadata=False)) as index:
        lock = resolve(DATED, context)
        assert isinstance(lock, Lock)
        with pytest.raises(MachineryError, match="sent something else than it lists: Hash mismatch"):
            build(lock, RUNNING, context)
        assert kept_lock(DATED, context.store) is None
        index.damages = []
        right = resolve(DATED, context)
        assert isinstance(right, Lock)
        assert right.id != lock.id
        assert isinstance(build(right, RUNNING, context), Environment)


@pytest.mark.parametrize("damage", ["html", "html-links", "other-page", "redirect", "cut", "half-page", "empty"])
@pytest.mark.parametrize("form", ["html", "json"])
def test_what_is_no_page_has_no_releases(
    context: Context, monkeypatch: pytest.MonkeyPatch, damage: str, form: str
) -> None:
    fault = Fault(damage, "page", "tensorflow")  # type: ignore[arg-type]
    with serving(monkeypatch, FaultyIndex(fault, form="html" if form == "html" else "json")) as index:
        with pytest.raises(MachineryError, match="the package index http"):
            fetch_releases("tensorflow", context.store)
        index.damages = []
        assert [release.version for release in fetch_releases("tensorflow", context.store)] == ["2.15.0"]
