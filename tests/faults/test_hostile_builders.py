"""A model harms its own case only: a builder for each kind of harm, in a fork server and in a process of its own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from support.children import wait_for
from support.hostile_builders import HOSTILE, source
from support.trials import NAP, UNCONFINED, Trials, works

from tfjs_compat.diagnosis.diagnose import verdict_of
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.system.context import Context
from tfjs_compat.system.limits import Limits
from tfjs_compat.system.store import Store
from tfjs_compat.trials.confinement import missing_confinement

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers fork where that was measured to be sound")

NAMES = list(HOSTILE)
FILLERS = ("writes files for ever", "writes a file for ever", "writes a deleted file for ever")


@pytest.fixture(scope="session")
def can_confine(tmp_path_factory: pytest.TempPathFactory) -> bool:
    return not missing_confinement(Context(Store(tmp_path_factory.mktemp("store"))))


class House:
    """An environment with the hostile builders, and a folder of the user beside it."""

    def __init__(self, root: Path) -> None:
        self.outside = root / "of the user"
        self.outside.mkdir()
        (self.outside / "precious").write_text("precious")
        (root / "work").mkdir()
        self.trials = Trials(root / "work", source(str(self.outside)))
        self.trials.limits = Limits(seconds=10, memory=600 << 20, processes=100, disk=100 << 20)
        self.before = self._state()

    def _state(self) -> dict[str, object]:
        found = {path.name: path.lstat() for path in [self.outside, *self.outside.rglob("*")]}
        return {name: (status.st_mode, status.st_size, status.st_mtime_ns) for name, status in found.items()}

    def run(self, name: str) -> Outcome:
        return self.trials(f"harm_{NAMES.index(name)}")

    def assert_nothing_else_was_harmed(self) -> None:
        assert self._state() == self.before
        assert (self.outside / "precious").read_text() == "precious"
        assert wait_for(lambda: NAP not in str(self.trials.left()))
        folder = self.trials.case_folder
        assert folder.is_dir()
        assert not folder.is_symlink()
        # What is read and written there afterwards are files and folders.
        assert all(path.is_file() or path.is_dir() for path in folder.rglob("*") if not path.is_symlink())
        assert not [path for path in folder.rglob("*") if path.is_symlink()]
        assert works(self.trials("good"))


@contextlib.contextmanager
def open_house(root: Path) -> Iterator[House]:
    house = House(root)
    yield house
    if house.trials.session is not None:
        house.trials.session.close()
    assert house.trials.left() == []


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One environment and one server for all kinds, one after the other."""
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield house


def shared_memory() -> str:
    """The keys of all shared memory of System V on this machine."""
    rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return " ".join(f"{int(row[0]) & 0xFFFFFFFF:08x}" for row in rows)


def ends_as_it_has_to(name: str, outcome: Outcome) -> bool:
    assert verdict_of(outcome) is not Verdict.ERROR, outcome.machinery
    wanted = HOSTILE[name].end
    return wanted == "any" or (outcome.failure is None) == (wanted == "works")


@pytest.mark.parametrize("name", NAMES)
def test_a_confined_builder_harms_its_own_case_only(shared_house: House, can_confine: bool, name: str) -> None:
    harms_its_own_case_only(shared_house, can_confine, name)


def harms_its_own_case_only(house: House, can_confine: bool, name: str) -> None:
    if not can_confine:
        pytest.skip("this system cannot confine a case")
    outcome = house.run(name)
    assert ends_as_it_has_to(name, outcome), outcome
    assert "07c0ffee" not in shared_memory()
    if name in FILLERS:
        assert "over its disk limit" in str(outcome.failure)
    house.trials.kept(outcome)
    house.assert_nothing_else_was_harmed()
    assert size_on_disk(house.trials.folder / "store" / "outcomes") < 8 << 20


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_a_confined_builder_in_a_process_of_its_own(house: House, can_confine: bool, name: str) -> None:
    house.trials.isolation = "process"
    harms_its_own_case_only(house, can_confine, name)


@pytest.mark.full
@pytest.mark.parametrize("isolation", ["fork", "process"])
@pytest.mark.parametrize("name", [name for name in NAMES if not HOSTILE[name].confined_only])
def test_what_needs_no_confinement(house: House, isolation: Literal["fork", "process"], name: str) -> None:
    house.trials.isolation = isolation
    house.trials.permissions = UNCONFINED
    outcome = house.run(name)
    assert ends_as_it_has_to(name, outcome), outcome
    house.assert_nothing_else_was_harmed()


@pytest.mark.full
def test_what_the_killed_guard_of_an_unconfined_case_leaves_is_ended(house: House) -> None:
    house.trials.isolation = "process"
    house.trials.permissions = UNCONFINED
    house.run("leaves a daemon that kills the guard")
    assert wait_for(lambda: NAP not in str(house.trials.left()))


def test_a_folder_that_is_allowed_can_be_written_to(house: House) -> None:
    house.trials.permissions = Permissions(write=(str(house.trials.seen), str(house.outside)))
    outcome = house.run("writes outside")
    assert works(outcome)
    assert (house.outside / "new").exists()


def test_a_folder_around_the_case_can_be_allowed(house: House) -> None:
    around = str(house.trials.folder)
    house.trials.permissions = Permissions(write=(around, str(house.trials.seen), around))
    assert works(house.trials("good"))
    assert works(house.run("leaves names that no terminal shows"))


def test_a_refused_write_says_so(house: House, can_confine: bool) -> None:
    if not can_confine:
        pytest.skip("this system cannot confine a case")
    outcome = house.run("writes outside")
    assert outcome.failure is not None
    assert outcome.failure.chain[0].type == "WriteNotAllowed"
    assert outcome.failure.message.endswith(f"which it is not allowed to: {house.outside}/new")


def size_on_disk(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))
