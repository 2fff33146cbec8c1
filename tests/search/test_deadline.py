"""When a search is to end: by the user, by the time, and by neither."""

from __future__ import annotations

import threading
import time

from tfjs_compat.search.deadline import Deadline


def test_the_user_ends_it_at_once() -> None:
    user = threading.Event()
    with Deadline(user, time.monotonic() + 100) as deadline:
        assert not deadline.stop.is_set()
        user.set()
        assert deadline.stop.wait(10)
        assert not deadline.passed


def test_whoever_waits_is_woken_when_the_time_is_up() -> None:
    with Deadline(threading.Event(), time.monotonic() + 0.05) as deadline:
        assert deadline.stop.wait(10)
        assert deadline.passed


def test_an_expired_deadline_ends_work_before_it_begins() -> None:
    with Deadline(threading.Event(), time.monotonic() - 1) as deadline:
        assert deadline.stop.is_set()
        assert deadline.passed


def test_a_user_who_stopped_first_is_no_time_limit() -> None:
    user = threading.Event()
    user.set()
    with Deadline(user, time.monotonic() - 1) as deadline:
        assert deadline.stop.is_set()
        assert not deadline.passed


def test_a_stop_of_the_work_is_not_the_users() -> None:
    user = threading.Event()
    with Deadline(user) as deadline:
        deadline.stop.set()
    assert not user.is_set()
    assert not deadline.passed


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with Deadline(threading.Event()):
        pass
    assert threading.active_count() == before
