"""Building environments: once, whole or not at all, with wheels that nobody collects meanwhile. No network."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import RUNNING as PYTHON
from support.environments import folders, ids, put_environment

from tfjs_compat.environments import environment as environments
from tfjs_compat.environments.build import build
from tfjs_compat.environments.collect import collect_environments, collect_wheels
from tfjs_compat.environments.environment import Environment, NotInstallable
from tfjs_compat.environments.install import Installer
from tfjs_compat.environments.registry import find
from tfjs_compat.environments.wheels import claim, stored_wheels
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.index import uv
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def lock(id: str = "a" * 16) -> Lock:
    return Lock(id, PYTHON.build, {"tensorflow": "2.15.0"}, False, "# nothing to install\n")


def installer(*answers: uv.UvResult | BaseException) -> Installer:
    """Installs nothing: gives or raises the answers of uv, call by call, then is content."""
    left = list(answers)

    def call(*_: object, **__: object) -> tuple[uv.UvResult, str]:
        answer = left.pop(0) if left else uv.UvResult(True, "")
        if isinstance(answer, BaseException):
            raise answer
        return answer, ""

    return Installer(call=call)


def build_flat(store: Store, *answers: uv.UvResult | BaseException) -> Environment | NotInstallable:
    return build(lock(), PYTHON, Context(store), layout="flat", installer=installer(*answers))


BUILT_TWICE = AssertionError("built twice")


def test_a_build_makes_an_environment_once(store: Store) -> None:
    made = build_flat(store)
    assert isinstance(made, Environment)
    ran = subprocess.run([str(made.executable), "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True)
    assert Path(ran.stdout.strip()) == made.root / "venv"
    assert (made.root / "lock.txt").read_text() == lock().text
    assert environments.is_built(lock().id, store, "flat")
    assert build_flat(store, BUILT_TWICE) == made


def test_the_callers_virtualenv_settings_change_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIRTUALENV_SYSTEM_SITE_PACKAGES", "true")
    (tmp_path / "virtualenv").mkdir()
    (tmp_path / "virtualenv" / "virtualenv.ini").write_text("[virtualenv]\nprompt = mine\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = build_flat(store)
    assert isinstance(made, Environment)
    settings = (made.root / "venv" / "pyvenv.cfg").read_text()
    assert "include-system-site-packages = false" in settings
    assert "mine" not in settings


@pytest.mark.parametrize(
    "fault", [MachineryError("uv was stopped"), Interrupted(), KeyboardInterrupt(), RuntimeError("a bug")]
)
def test_a_build_that_is_broken_off_leaves_nothing(store: Store, fault: BaseException) -> None:
    with pytest.raises(type(fault)):
        build_flat(store, fault)
    assert folders(store) == []
    assert isinstance(build_flat(store), Environment)


@pytest.mark.parametrize(
    "text",
    [
        "error: Failed to install: x.whl\n  Caused by: No space left on device (os error 28)",
        "error: Failed to fetch: `https://i/x`\n  Caused by: error sending request for url",
        "error: something that nobody foresaw",
    ],
)
def test_faults_of_disk_and_network_are_not_the_locks(store: Store, text: str) -> None:
    with pytest.raises(MachineryError):
        build_flat(store, uv.UvResult(False, text))
    assert folders(store) == []


def test_a_package_that_does_not_build_is_the_locks_fault(store: Store) -> None:
    text = "  × Failed to build `sklearn==0.0.post12`\n  ╰─▶ it failed\n      ValueError: use scikit-learn"
    refused = build_flat(store, uv.UvResult(False, text))
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
from tfjs_compat.environments.install import Installer
from tfjs_compat.index import uv
from tfjs_compat.locks.lock import Lock
from tfjs_compat.index.interpreters import Interpreter, PythonBuild
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
def call(*_, **__):
    print("filling", flush=True)
    time.sleep(float(sys.argv[3]))
    return uv.UvResult(True, ""), ""
build(
    Lock("a" * 16, PythonBuild("3", "x"), {}, False, "#"), Interpreter("3", "x", sys.argv[2]),
    Context(Store(Path(sys.argv[1]))), layout="flat", installer=Installer(call=call),
)
"""

FLAT = "a" * 16 + "-flat"


def start_build(store: Store, seconds: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", BUILDER, str(store.root), PYTHON.executable, str(seconds)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"filling\n"
    return child


def test_a_build_that_is_killed_is_not_taken_for_one(store: Store) -> None:
    child = start_build(store, 300)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert folders(store) == [FLAT]
    assert not environments.is_built("a" * 16, store, "flat")
    assert ids(store) == []
    with pytest.raises(RequestError):
        find("a", store)
    (store.root / "environments" / FLAT / "half").write_text("")
    made = build_flat(store)
    assert isinstance(made, Environment)
    assert not (made.root / "half").exists()
    assert ids(store) == [FLAT]


def test_of_two_runs_that_build_the_second_takes_it(store: Store) -> None:
    child = start_build(store, 1.0)
    assert isinstance(build_flat(store, BUILT_TWICE), Environment)
    child.communicate(timeout=20)
    assert child.returncode == 0


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
    (folder / "x-1.dist-info").mkdir()
    (folder / "x-1.dist-info" / "RECORD").write_text("x.py,,\nx-1.dist-info/RECORD,,\n")
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
    unused = store.folder("wheels", "y-1-0123456789ab")
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
    put_environment(store, "a" * 16, days=90)
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
