"""A record alone allows a model nothing: only what this user allowed in its output folder counts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tfjs_compat.engine.grants import grant, granted
from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.system.store import Store

NONE = Permissions()
CLAIMED = Permissions(network=True, write=("/data", "/"), trust=("*",))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_what_a_run_allowed_there_counts(tmp_path: Path, store: Store) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "out")
    grant(CLAIMED, tmp_path / "out", store)
    assert granted(CLAIMED, tmp_path / "out", NONE, store) == CLAIMED
    assert granted(CLAIMED, tmp_path / "link", NONE, store) == CLAIMED


def test_a_record_that_claims_nothing_needs_nothing(tmp_path: Path, store: Store) -> None:
    assert granted(NONE, tmp_path, Permissions(network=True), store) == NONE
    grant(NONE, tmp_path, store)
    assert not (store.root / "granted").exists()


def test_of_a_stranger_s_record_the_options_are_named(tmp_path: Path, store: Store) -> None:
    grant(CLAIMED, tmp_path / "another", store)
    grant(msgspec.structs.replace(CLAIMED, trust=()), tmp_path / "out", store)
    with pytest.raises(RequestError) as raised:
        granted(CLAIMED, tmp_path / "out", NONE, store)
    assert str(raised.value).endswith("\nhint: --allow-network --allow-write /data --allow-write / --trust-model")
    with pytest.raises(RequestError, match=r"hint: --allow-write / --trust-model$"):
        granted(CLAIMED, tmp_path / "out", Permissions(network=True, write=("/data",)), store)


def test_what_is_asked_again_is_enough(tmp_path: Path, store: Store) -> None:
    assert granted(CLAIMED, tmp_path / "out", CLAIMED, store) == NONE


def test_no_option_lifts_the_confinement(tmp_path: Path, store: Store) -> None:
    with pytest.raises(RequestError, match="hint: `tfjs-compat run` with its matrix, if you trust it"):
        granted(Permissions(confined=False), tmp_path, Permissions(network=True, trust=("*",)), store)
