"""What is a save, and when it is over."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from tfjs_compat.system.saves import Cancellation, changed, look, wait_for_save


def later(seconds: float, *steps: object) -> threading.Thread:
    def work() -> None:
        for step in steps:
            time.sleep(seconds)
            step()  # type: ignore[operator]

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_look_sees_content_names_and_absence(tmp_path: Path) -> None:
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("1")
    paths = [tmp_path, file, other]
    before = look(paths)
    assert changed(before, look(paths)) == ()
    file.write_text("2")
    assert changed(before, look(paths)) == (str(file),)
    other.write_text("new")
    assert set(changed(before, look(paths))) == {str(tmp_path), str(file), str(other)}


def test_a_replaced_file_of_equal_size_and_time_differs(tmp_path: Path) -> None:
    file, beside = tmp_path / "a", tmp_path / "b"
    file.write_text("1")
    before = look([file])
    beside.write_text("2")
    os.utime(beside, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    beside.replace(file)
    assert changed(before, look([file])) == (str(file),)


def test_links_and_modes_are_no_saves(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    before = look([file])
    (tmp_path / "b").hardlink_to(file)
    file.chmod(0o600)
    assert changed(before, look([file])) == ()


def test_a_save_in_steps_is_one(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    before = look([file])
    steps = [file.unlink, lambda: file.write_text("2"), lambda: file.write_text("23"), lambda: file.write_text("234")]
    thread = later(0.01, *steps)
    saved, now = wait_for_save(lambda: [file], before, threading.Event())
    thread.join()
    assert saved == (str(file),)
    assert now == look([file])


def test_a_file_that_stays_away_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    before = look([file])
    file.unlink()
    saved, now = wait_for_save(lambda: [file], before, threading.Event())
    assert (saved, now) == ((str(file),), {str(file): None})


def test_waiting_ends_with_the_command(tmp_path: Path) -> None:
    stop = threading.Event()
    thread = later(0.05, stop.set)
    assert wait_for_save(lambda: [tmp_path], look([tmp_path]), stop)[0] == ()
    thread.join()


def test_files_that_come_later_are_looked_at(tmp_path: Path) -> None:
    before = look(tmp_path.glob("*.py"))
    thread = later(0.02, lambda: (tmp_path / "new.py").write_text(""))
    saved, _ = wait_for_save(lambda: tmp_path.glob("*.py"), before, threading.Event())
    thread.join()
    assert saved == (str(tmp_path / "new.py"),)


def test_a_save_cancels_what_runs_and_so_does_a_stop(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    with Cancellation(lambda: [file], look([file]), threading.Event()) as cancellation:
        assert not cancellation.event.wait(0.1)
        file.write_text("22")
        assert cancellation.event.wait(10)
    assert cancellation.saved
    stop = threading.Event()
    with Cancellation(lambda: [file], look([file]), stop) as cancellation:
        stop.set()
        assert cancellation.event.wait(10)
    assert not cancellation.saved
