"""The environments of the store: what counts as built, is listed, found, measured and removed. No network."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tfjs_compat.environments import disk_usage as usage
from tfjs_compat.environments import environment as environments
from tfjs_compat.environments.build import build
from tfjs_compat.environments.collect import collect_environments, collect_wheels
from tfjs_compat.environments.environment import Environment, NotInstallable, describe
from tfjs_compat.environments.registry import find, list_environments, remove
from tfjs_compat.environments.wheels import claim, stored_wheels
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.index import uv
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store

PYTHON = Interpreter("{}.{}.{}".format(*sys.version_info[:3]), "linux-x86_64", os.path.realpath(sys.executable))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def lock(id: str = "a" * 16) -> Lock:
    return Lock(id, PYTHON.build, {"tensorflow": "2.15.0"}, False, "# nothing to install\n")


def put(store: Store, id: str, *, days: float = 0.0, base: str = sys.executable) -> Environment:
    """An environment that was last used some days ago."""
    root = store.folder("environments") / id
    made = Environment(id, root, PYTHON.build, base, {"tensorflow": "2.15.0"}, time.time())
    made.bin.mkdir(parents=True)
    made.executable.write_text("")
    describe(made)
    used = time.time() - days * 86400
    os.utime(root / "environment.json", (used, used))
    return made


def folders(store: Store) -> list[str]:
    return sorted(path.name for path in store.folder("environments").iterdir())


def ids(store: Store) -> list[str]:
    return [environment.id for environment in list_environments(store)]


# ----------------------------------------------------------------------------------------------------------- building


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], uv.UvResult]]:
    """What the installer does, call by call, in place of uv; an empty list installs nothing and is content."""
    answers: list[Callable[[], uv.UvResult]] = []

    def call(*_: object, **__: object) -> tuple[uv.UvResult, str]:
        return (answers.pop(0)() if answers else uv.UvResult(True, "")), ""

    monkeypatch.setattr(uv, "call", call)
    return answers


def raising(error: BaseException) -> Callable[[], uv.UvResult]:
    def answer() -> uv.UvResult:
        raise error

    return answer


def test_a_build_makes_an_environment_once(store: Store, installs: list[Callable[[], uv.UvResult]]) -> None:
    made = build(lock(), PYTHON, Context(store), layout="flat")
    assert isinstance(made, Environment)
    ran = subprocess.run([str(made.executable), "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True)
    assert Path(ran.stdout.strip()) == made.root / "venv"
    assert (made.root / "lock.txt").read_text() == lock().text
    assert environments.is_built(lock().id, store, "flat")
    installs.append(raising(AssertionError("built twice")))
    assert build(lock(), PYTHON, Context(store), layout="flat") == made


def test_the_callers_virtualenv_settings_change_nothing(
    store: Store, installs: list[Callable[[], uv.UvResult]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIRTUALENV_SYSTEM_SITE_PACKAGES", "true")
    (tmp_path / "virtualenv").mkdir()
    (tmp_path / "virtualenv" / "virtualenv.ini").write_text("[virtualenv]\nprompt = mine\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = build(lock(), PYTHON, Context(store), layout="flat")
    assert isinstance(made, Environment)
    settings = (made.root / "venv" / "pyvenv.cfg").read_text()
    assert "include-system-site-packages = false" in settings
    assert "mine" not in settings


@pytest.mark.parametrize(
    "fault", [MachineryError("uv was stopped"), Interrupted(), KeyboardInterrupt(), RuntimeError("a bug")]
)
def test_a_build_that_is_broken_off_leaves_nothing(
    store: Store, installs: list[Callable[[], uv.UvResult]], fault: BaseException
) -> None:
    installs.append(raising(fault))
    with pytest.raises(type(fault)):
        build(lock(), PYTHON, Context(store), layout="flat")
    assert folders(store) == []
    assert isinstance(build(lock(), PYTHON, Context(store), layout="flat"), Environment)


@pytest.mark.parametrize(
    "text",
    [
        "error: Failed to install: x.whl\n  Caused by: No space left on device (os error 28)",
        "error: Failed to fetch: `https://i/x`\n  Caused by: error sending request for url",
        "error: something that nobody foresaw",
    ],
)
def test_faults_of_disk_and_network_are_not_the_locks(
    store: Store, installs: list[Callable[[], uv.UvResult]], text: str
) -> None:
    installs.append(lambda: uv.UvResult(False, text))
    with pytest.raises(MachineryError):
        build(lock(), PYTHON, Context(store), layout="flat")
    assert folders(store) == []


def test_a_package_that_does_not_build_is_the_locks_fault(
    store: Store, installs: list[Callable[[], uv.UvResult]]
) -> None:
    text = "  × Failed to build `sklearn==0.0.post12`\n  ╰─▶ it failed\n      ValueError: use scikit-learn"
    installs.append(lambda: uv.UvResult(False, text))
    refused = build(lock(), PYTHON, Context(store), layout="flat")
    assert isinstance(refused, NotInstallable)
    assert refused.message == "Failed to build `sklearn==0.0.post12`: ValueError: use scikit-learn"
    assert refused.text == text
    assert folders(store) == []


def test_an_interpreter_that_is_not_there(store: Store) -> None:
    with pytest.raises(MachineryError, match="no virtualenv"):
        build(lock(), Interpreter("3.11.7", "linux-x86_64", "/nowhere/python"), Context(store))
    assert folders(store) == []


BUILDER = """
import sys, time
from pathlib import Path
from tfjs_compat.environments.build import build
from tfjs_compat.environments.collect import collect_environments, collect_wheels
from tfjs_compat.index import uv
from tfjs_compat.locks.lock import Lock
from tfjs_compat.index.interpreters import Interpreter, PythonBuild
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
def call(*_, **__):
    print("filling", flush=True)
    time.sleep(float(sys.argv[3]))
    return uv.UvResult(True, ""), ""
uv.call = call
build(
    Lock("a" * 16, PythonBuild("3", "x"), {}, False, "#"), Interpreter("3", "x", sys.argv[2]),
    Context(Store(Path(sys.argv[1]))), layout="flat",
)
"""

FLAT = "a" * 16 + "-flat"


def start_build(store: Store, seconds: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", BUILDER, str(store.root), PYTHON.executable, str(seconds)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"filling\n"
    return child


def test_a_build_that_is_killed_is_not_taken_for_one(store: Store, installs: list[Callable[[], uv.UvResult]]) -> None:
    child = start_build(store, 300)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert folders(store) == [FLAT]
    assert not environments.is_built("a" * 16, store, "flat")
    assert ids(store) == []
    with pytest.raises(RequestError):
        find("a", store)
    (store.root / "environments" / FLAT / "half").write_text("")
    made = build(lock(), PYTHON, Context(store), layout="flat")
    assert isinstance(made, Environment)
    assert not (made.root / "half").exists()
    assert ids(store) == [FLAT]


def test_of_two_runs_that_build_the_second_takes_it(store: Store, installs: list[Callable[[], uv.UvResult]]) -> None:
    child = start_build(store, 1.0)
    installs.append(raising(AssertionError("built twice")))
    assert isinstance(build(lock(), PYTHON, Context(store), layout="flat"), Environment)
    child.communicate(timeout=20)
    assert child.returncode == 0
    assert len(installs) == 1


def test_collection_waits_for_a_build(store: Store) -> None:
    child = start_build(store, 1.0)
    assert collect_environments(store, time.time() - 30 * 86400) == []
    child.communicate(timeout=20)
    assert ids(store) == [FLAT]


def linked_lock(store: Store) -> tuple[Lock, Path]:
    """A lock of one distribution that is unpacked already, and its folder."""
    lock = Lock("b" * 16, PYTHON.build, {"x": "1"}, False, "x==1 --hash=sha256:0\n")
    (wheel,) = stored_wheels(lock, PYTHON)
    folder = store.folder("wheels", wheel.key)
    (folder / "x.py").write_text("")
    return lock, folder


class HookedStore(Store):
    """Calls ``hook`` before the lock for collecting is taken the second time: a build has linked everything by then."""

    def __init__(self, root: Path, hook: Callable[[], object]) -> None:
        super().__init__(root)
        self._hook, self._count = hook, 0

    def locked(self, *name: str, stop: threading.Event | None = None) -> contextlib.AbstractContextManager[None]:
        if name == ("collecting",):
            self._count += 1
            if self._count == 2:
                self._hook()
        return super().locked(*name, stop=stop)


def test_a_build_whose_wheels_were_deleted_meanwhile_fails(store: Store) -> None:
    lock, wheel = linked_lock(store)
    hooked = HookedStore(store.root, lambda: shutil.rmtree(wheel))
    with pytest.raises(MachineryError, match="were removed while it was built; run again"):
        build(lock, PYTHON, Context(hooked), layout="linked")
    assert ids(store) == []
    linked_lock(store)
    assert isinstance(build(lock, PYTHON, Context(store), layout="linked"), Environment)


def test_wheels_that_a_build_links_are_not_collected(store: Store) -> None:
    lock, wheel = linked_lock(store)
    unused = store.folder("wheels", "y-1-0")
    collected: list[str] = []
    hooked = HookedStore(store.root, lambda: collected.extend(collect_wheels(store)))
    built = build(lock, PYTHON, Context(hooked), layout="linked")
    assert isinstance(built, Environment)
    assert built.trees == (wheel.name,)
    assert collected == [unused.name]


def test_wheels_of_a_build_that_was_killed_are_collected(store: Store) -> None:
    lock, wheel = linked_lock(store)

    def die() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        build(lock, PYTHON, Context(HookedStore(store.root, die)), layout="linked")
    assert collect_wheels(store) == [wheel.name]
    linked_lock(store)
    claim([wheel.name], store.folder("environments", lock.id), Context(store))
    assert collect_wheels(store) == []
    assert collect_environments(store, time.time() - 60) == [lock.id]
    assert collect_wheels(store) == [wheel.name]


def test_an_environment_that_was_just_handed_out_stays(store: Store) -> None:
    put(store, "a" * 16, days=90)
    assert isinstance(build(lock(), PYTHON, Context(store), layout="linked"), Environment)
    assert collect_environments(store, time.time() - 60) == []


def test_who_waits_for_another_runs_build_can_be_stopped(store: Store) -> None:
    child = start_build(store, 300)
    stop = threading.Event()
    stop.set()
    try:
        with pytest.raises(Interrupted):
            build(lock(), PYTHON, Context(store, stop), layout="flat")
    finally:
        child.kill()
        child.communicate()


# ------------------------------------------------------------------------------------------------------ what is whole


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": 1}', b"\xff\xfe"])
def test_a_damaged_environment_is_none(store: Store, content: bytes) -> None:
    made = put(store, "a" * 16)
    assert environments.is_built(made.id, store)
    (made.root / "environment.json").write_bytes(content)
    assert not environments.is_built(made.id, store)
    assert ids(store) == []


def test_an_environment_without_its_interpreter_is_none(store: Store, tmp_path: Path) -> None:
    base = tmp_path / "python"
    base.write_text("")
    put(store, "a" * 16, base=str(base))
    bare = put(store, "b" * 16)
    assert ids(store) == ["a" * 16, "b" * 16]
    base.unlink()
    bare.executable.unlink()
    assert ids(store) == []
    assert sorted(collect_environments(store, time.time() - 30 * 86400)) == ["a" * 16, "b" * 16]
    assert folders(store) == []


def test_a_store_may_be_moved(store: Store, tmp_path: Path) -> None:
    put(store, "a" * 16)
    store.root.rename(tmp_path / "moved")
    (moved,) = list_environments(Store(tmp_path / "moved"))
    assert moved.root == tmp_path / "moved" / "environments" / ("a" * 16)


def test_the_most_recently_used_comes_last(store: Store) -> None:
    for id, days in (("a" * 16, 1), ("b" * 16, 3), ("c" * 16, 2)):
        put(store, id, days=days)
    assert ids(store) == ["b" * 16, "c" * 16, "a" * 16]
    with environments.in_use(find("c", store)):
        pass
    assert ids(store) == ["b" * 16, "a" * 16, "c" * 16]


# ------------------------------------------------------------------------------------------------------ find, remove


def test_find_by_the_beginning_of_an_id(store: Store) -> None:
    for id in ("abc1" * 4, "abd2" * 4, "ffff" * 4):
        put(store, id)
    assert find("f", store).id == "ffff" * 4
    assert find("abc", store).id == "abc1" * 4
    with pytest.raises(RequestError, match="several environments start with 'ab'"):
        find("ab", store)
    with pytest.raises(RequestError, match="no environment starts with 'abc1abc1abc1abcx'; did you mean 'abc1"):
        find("abc1abc1abc1abcx", store)
    with pytest.raises(RequestError, match="no environment starts with 'z'; there are none"):
        find("z", Store(store.root / "empty"))


def test_remove(store: Store) -> None:
    made, other = put(store, "a" * 16), put(store, "b" * 16)
    remove(made, store)
    assert folders(store) == [other.id]


USER = """
import sys, time
from pathlib import Path
from tfjs_compat.environments.environment import in_use
from tfjs_compat.environments.wheels import claim, stored_wheels
from tfjs_compat.environments.registry import find
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
with in_use(find("a", Store(Path(sys.argv[1])))):
    print("used", flush=True)
    time.sleep(300)
"""


def test_what_another_run_uses_stays(store: Store) -> None:
    made = put(store, "a" * 16, days=90)
    user = subprocess.Popen([sys.executable, "-c", USER, str(store.root)], stdout=subprocess.PIPE)
    try:
        assert user.stdout is not None
        assert user.stdout.readline() == b"used\n"
        with pytest.raises(RequestError, match=f"environment {made.id} is in use by process {user.pid}"):
            remove(made, store)
        assert collect_environments(store, time.time() - 30 * 86400) == []
        assert made.root.exists()
    finally:
        user.kill()
        user.communicate()
    remove(made, store)
    assert folders(store) == []


def test_what_this_process_uses_stays(store: Store) -> None:
    made = put(store, "a" * 16)
    with environments.in_use(made), pytest.raises(RequestError, match=f"in use by process {os.getpid()}"):
        remove(made, store)
    remove(made, store)
    assert folders(store) == []


def test_the_mark_of_a_killed_run_keeps_nothing(store: Store) -> None:
    made = put(store, "a" * 16)
    (made.root / f"used-by-{os.getpid()}-1").touch()
    remove(made, store)
    assert folders(store) == []


def test_unused_and_half_built_environments_are_collected(store: Store) -> None:
    put(store, "a" * 16, days=40)
    put(store, "b" * 16, days=20)
    (store.folder("environments", "c" * 16) / "venv").mkdir()
    assert collect_environments(store, time.time() - 30 * 86400) == ["a" * 16, "c" * 16]
    assert folders(store) == ["b" * 16]
    assert collect_environments(store, time.time()) == ["b" * 16]


# -------------------------------------------------------------------------------------------------------------- sizes


def test_shared_files_count_once(store: Store, tmp_path: Path) -> None:
    one, two = put(store, "a" * 16), put(store, "b" * 16)
    (tmp_path / "cache").write_bytes(b"x" * 1_000_000)
    os.link(tmp_path / "cache", one.root / "shared")
    os.link(tmp_path / "cache", one.root / "shared-again")
    os.link(tmp_path / "cache", two.root / "shared")
    (two.root / "own").write_bytes(b"x" * 300_000)
    (two.root / "link").symlink_to(tmp_path)
    rows, total = usage.sizes([one, two], store)
    assert 1_000_000 <= rows[one.id].whole < 1_010_000
    assert rows[one.id].own < 10_000
    assert 1_300_000 <= rows[two.id].whole < 1_310_000
    assert 300_000 <= rows[two.id].own < 310_000
    assert 1_300_000 <= total < 1_320_000
