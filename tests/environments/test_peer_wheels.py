"""Wheels from peers: whole and as their RECORD says, or from the index."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from tfjs_compat.environments.peer_wheels import BATCH_BYTES, Wheel, fill
from tfjs_compat.environments.peers import Offer, Part, Sent, offers, send
from tfjs_compat.environments.records import Row, damage, digest_of, write_rows
from tfjs_compat.errors import Interrupted
from tfjs_compat.system.store import Store

KEY = "big-one-1.0-0123456789ab"
CONTENT = {
    "big_one/__init__.py": b"x = 1\n",
    "big_one/large.so": b"0123456789abcdef" * (BATCH_BYTES // 16) + b"end",
    "big_one/empty.txt": b"",
    "bin/tool": b"#!/some/python\n",
}


def put(store: Store, key: str = KEY, files: Mapping[str, bytes] = CONTENT, info: str = "big_one-1.0") -> Path:
    """A wheel as it is in a store once it was unpacked, checked and compiled."""
    tree = store.folder("wheels") / key
    whole = {**files, f"{info}.dist-info/METADATA": b"", f"{info}.dist-info/tfjs-compat-sealed": b""}
    for path, content in whole.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    if "bin/tool" in whole:
        (tree / "bin/tool").chmod(0o755)
    record = tree / f"{info}.dist-info" / "RECORD"
    rows = [Row(path, digest_of(tree / path), len(content)) for path, content in whole.items()]
    write_rows(record, [*rows, Row(f"{info}.dist-info/RECORD")])
    return tree


@dataclasses.dataclass
class Known:
    """Peers of this process, by name; ``change`` is what becomes of what one sends."""

    stores: dict[str, Store]
    me: str = "a"
    change: Callable[[str, Sequence[Part], Sequence[Sent]], Sequence[Sent]] = lambda _peer, _parts, sent: sent
    says: list[Mapping[str, Mapping[str, Offer]]] = dataclasses.field(default_factory=list)

    def ask(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, Offer]]:
        if self.says:
            return self.says.pop(0)
        return {peer: offers(keys, store, self.me) for peer, store in self.stores.items()}

    def read(self, peer: str, key: str, parts: Sequence[Part]) -> Sequence[Sent]:
        return self.change(peer, parts, send(key, parts, self.stores[peer], self.me))


@dataclasses.dataclass
class House:
    folder: Path
    from_index: list[str] = dataclasses.field(default_factory=list)
    came: list[Path] = dataclasses.field(default_factory=list)

    def fill(self, peers: Known, stop: threading.Event | None = None) -> None:
        wheel = Wheel("big-one", "1.0", KEY, self.folder / KEY)
        fill([wheel], peers, self.from_index.extend, self.came.append, stop or threading.Event())


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "filling").mkdir()
    return House(tmp_path / "filling")


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(tmp_path / "other")


def test_a_wheel_comes_whole_from_a_peer(house: House, other: Store, tmp_path: Path) -> None:
    tree = put(other)
    house.fill(Known({"b": other, "c": Store(tmp_path / "empty")}))
    assert house.from_index == []
    assert house.came == [house.folder / KEY]
    for path in (path for path in tree.rglob("*") if path.is_file()):
        came = house.folder / KEY / path.relative_to(tree)
        assert came.read_bytes() == path.read_bytes()
        assert came.stat().st_mode & 0o111 == path.stat().st_mode & 0o111
    assert damage(house.folder / KEY) == []


def test_what_nobody_has_is_fetched(house: House, other: Store) -> None:
    house.fill(Known({"b": other}))
    assert (house.from_index, house.came) == ([KEY], [])


def changed(_peer: str, parts: Sequence[Part], sent: Sequence[Sent]) -> Sequence[Sent]:
    return [msgspec.structs.replace(one, data=one.data.replace(b"end", b"END")) for one in sent] if parts else sent


def shortened(_peer: str, parts: Sequence[Part], sent: Sequence[Sent]) -> Sequence[Sent]:
    return [msgspec.structs.replace(one, data=one.data[:-1]) for one in sent] if parts else sent


def fewer(_peer: str, parts: Sequence[Part], sent: Sequence[Sent]) -> Sequence[Sent]:
    return sent[1:] if parts else sent


def dies(_peer: str, parts: Sequence[Part], sent: Sequence[Sent]) -> Sequence[Sent]:
    if any(part.start for part in parts):
        raise OSError("connection lost")
    return sent


def another_record(_peer: str, parts: Sequence[Part], sent: Sequence[Sent]) -> Sequence[Sent]:
    return sent if parts else [msgspec.structs.replace(sent[0], data=sent[0].data.replace(b",6\n", b",7\n"))]


def leads_out(_peer: str, parts: Sequence[Part], sent: Sequence[Sent]) -> Sequence[Sent]:
    row = b"../../outside.txt,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"
    return sent if parts else [msgspec.structs.replace(sent[0], data=row + sent[0].data)]


def no_record(_peer: str, parts: Sequence[Part], sent: Sequence[Sent]) -> Sequence[Sent]:
    return sent if parts else [msgspec.structs.replace(sent[0], data=b"\xff\x00")]


BAD = (changed, shortened, fewer, dies, another_record, no_record)


@pytest.mark.parametrize("change", BAD)
def test_what_a_bad_peer_sends_is_fetched(house: House, other: Store, change: Callable[..., Sequence[Sent]]) -> None:
    put(other)
    house.fill(Known({"b": other}, change=change))
    assert (house.from_index, house.came) == ([KEY], [])
    assert not (house.folder / KEY).exists()


@pytest.mark.parametrize("change", BAD)
def test_after_a_bad_peer_comes_a_good_one(
    house: House, other: Store, tmp_path: Path, change: Callable[..., Sequence[Sent]]
) -> None:
    put(other)
    put(good := Store(tmp_path / "good"))
    peers = Known({"b": other, "c": good}, change=lambda peer, *rest: change(peer, *rest) if peer == "b" else rest[-1])
    house.fill(peers)
    assert house.from_index == []
    assert damage(house.folder / KEY) == []


def test_nothing_is_written_elsewhere(house: House, other: Store, tmp_path: Path) -> None:
    put(other)
    house.fill(Known({"b": other}, change=leads_out))
    assert not list(tmp_path.rglob("outside.txt"))


@pytest.mark.parametrize("info", ["other-1.0", "big_one-1.1"])
def test_another_distribution_is_refused(house: House, other: Store, info: str) -> None:
    put(other, info=info)
    house.fill(Known({"b": other}))
    assert house.from_index == [KEY]


def test_a_damaged_store_is_refused(house: House, other: Store) -> None:
    (put(other) / "big_one" / "__init__.py").write_text("x = 2\n")
    house.fill(Known({"b": other}))
    assert house.from_index == [KEY]


def test_peers_that_disagree_are_refused(house: House, other: Store, tmp_path: Path) -> None:
    put(other)
    put(liar := Store(tmp_path / "liar"), files={**CONTENT, "big_one/__init__.py": b"x = 2\n"})
    house.fill(Known({"b": other, "c": liar}))
    assert house.from_index == [KEY]


def test_bytecode_and_scripts_may_differ(house: House, other: Store, tmp_path: Path) -> None:
    put(other)
    bytecode = {"big_one/__pycache__/__init__.cpython-311.pyc": b"made elsewhere", "bin/tool": b"#!/other/python\n"}
    put(third := Store(tmp_path / "third"), files={**CONTENT, **bytecode})
    house.fill(Known({"b": other, "c": third}))
    assert house.from_index == []


def test_of_those_that_lack_it_one_fetches(house: House, other: Store) -> None:
    put(other)
    # First a peer is at it, then it has it.
    house.fill(Known({"b": other}, says=[{"b": {KEY: Offer("fetches")}}]))
    assert (house.from_index, len(house.came)) == ([], 1)


def test_a_peer_that_is_gone_is_not_waited_for(house: House, other: Store) -> None:
    house.fill(Known({}, says=[{"b": {KEY: Offer("fetches")}}, {"b": {KEY: Offer("fetches")}}]))
    assert house.from_index == [KEY]


def test_of_two_that_want_it_the_first_by_name_fetches(house: House) -> None:
    house.fill(Known({}, me="a", says=[{"b": {KEY: Offer("wants")}}, {"b": {KEY: Offer("wants")}}]))
    assert house.from_index == [KEY]
    peers = Known({}, me="c", says=[{"b": {KEY: Offer("wants")}}])
    house.fill(peers)
    assert peers.says == []
    assert house.from_index == [KEY, KEY]


def test_a_stop_ends_it(house: House, other: Store) -> None:
    put(other)
    stop = threading.Event()

    def stops(_peer: str, _parts: Sequence[Part], sent: Sequence[Sent]) -> Sequence[Sent]:
        stop.set()
        return sent

    with pytest.raises(Interrupted):
        house.fill(Known({"b": other}, change=stops), stop)
    assert not (house.folder / KEY).exists()
    assert house.from_index == []


def test_a_peer_reads_nothing_but_wheels(other: Store) -> None:
    put(other)
    (other.root / "secret").write_text("s")
    for key, path in [(KEY, "../../secret"), ("../wheels/" + KEY, "big_one/__init__.py"), (KEY, "/etc/passwd")]:
        with pytest.raises((ValueError, OSError)):
            send(key, [Part(path, 0, 10)], other, "me")
