from __future__ import annotations

import hashlib
import sys

import pytest
from support.samples import DATA, SmallIndex, combination

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.address import index_url
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.conflicts import explain
from tfjs_compat.locks.lock import Lock, Unresolved, make_lock
from tfjs_compat.locks.resolver import ResolveRequest, kept_lock, request_of, resolve
from tfjs_compat.system.store import Store

PYTHON = Interpreter("3.11.7", "linux-x86_64", "/pythons/3.11.7/bin/python")
PINS = (DATA / "lock.txt").read_text("utf-8")
TEXTS = {path.stem: path.read_text("utf-8") for path in (DATA / "resolver").glob("*.txt")}

TFDF = ("tensorflow", "tensorflow-decision-forests", "tensorflowjs")
EXPLAINED: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "tf2.20.0-tfjs4.22.0-py311": (
        TFDF,
        [
            "Because tensorflow-decision-forests==1.10.0 depends on tensorflow==2.17.0 and tensorflowjs>=4.22.0",
            "tensorflow==2.18.0 tensorflow==2.19.0 And because you require tensorflow==2.20.0 and tensorflowjs==4.22.0",
        ],
    ),
    "tf2.18.1-tfjs4.22.0-py311": ((*TFDF, "tf-keras"), ["And because you require tensorflow==2.18.1 and tensorflowjs"]),
    "tf2.20.0-tfjs4.22.0-py312": (
        TFDF,
        ["tensorflow-decision-forests>=1.12.0 depends on tensorflow==2.19.0", "You require CPython 3.12 (`cp312`)"],
    ),
    "tf2.20.0-tfjs4.22.0-py313": (TFDF[1:], ["tensorflow-decision-forests>=1.5.0 cannot be used", "(`cp313`)"]),
    "tf2.16.1-tfjs4.17.0-py312": (TFDF, ["only found wheels for `tensorflow-decision-forests` (v1.11.0)"]),
    "tf2.15.0-tfjs4.17.0-py312": (("tensorflow",), ["has no wheels with a matching Python ABI tag (e.g., `cp312`)"]),
    "tf2.15.0-tfjs4.17.0-windows": (TFDF[1:], ["on the following platforms: `manylinux_2_17_x86_64`"]),
    "tf2.15.0-tfjs4.17.0-linux-arm": (TFDF[1:], ["on the following platforms: `manylinux_2_17_x86_64`"]),
    "tf2.12.1-tfjs4.17.0-py311": (("tensorflow", "tensorflowjs"), ["tensorflowjs==4.17.0 depends on tensorflow>=2.13"]),
    "tf2.12.1-tfjs3.21.0-py311": (
        ("protobuf", "tensorflow", "tensorflowjs"),
        ["tensorflowjs==3.21.0 depends on protobuf>=3.9.2,<3.20 and tensorflow==2.12.1 depends on one of"],
    ),
    "tf2.13.1-tfjs4.0.0-py311": (("protobuf", "tensorflow", "tensorflowjs"), ["depends on protobuf>=3.9.2,<3.20"]),
    "tf2.99-tfjs4.22.0-py311": (("tensorflow",), ["there is no version of tensorflow==2.99"]),
    "keras3-tf2.15.0-py311": (
        ("keras", "tensorflow"),
        ["tensorflow==2.15.0 depends on keras>=2.15.0,<2.16", "you require keras==3.2.1"],
    ),
    "keras2-tf2.16.1-py311": (
        ("keras", "tensorflow"),
        ["tensorflow==2.16.1 depends on keras>=3.0.0", "you require keras==2.15.0"],
    ),
    "numpy2-tf2.16.1-py311": (("numpy", "tensorflow"), ["you require numpy>=2"]),
    "legacy-keras-mismatch-py311": (("tensorflow", "tf-keras"), ["tf-keras==2.16.0 depends on tensorflow>=2.16,<2.17"]),
    "constraint-tfdf-py311": (TFDF, ["tensorflow-decision-forests==1.8.1 depends on tensorflow>=2.15.0,<2.16.dev0"]),
    "asof-before-release-py311": (
        ("tensorflow",),
        ["only include packages uploaded before 2024-01-10", "v2.16.1, was published at 2024-03-09T00:23:14.541Z."],
    ),
    "asof-converter-py311": (("tensorflowjs",), ["v4.22.0, was published at 2024-10-21T21:35:41.663Z."]),
    "asof-constraint-py311": (
        ("setuptools", "tensorflow"),
        ["only setuptools<=69.2.0 is available", "`setuptools` was filtered by `exclude-newer`"],
    ),
    "extra-unknown-package-py311": (
        ("no-such-package-tfjs-compat",),
        ["no-such-package-tfjs-compat was not found in the package registry"],
    ),
}


def test_every_recorded_text_is_looked_at() -> None:
    assert set(EXPLAINED) == set(TEXTS)


@pytest.mark.parametrize("name", EXPLAINED)
def test_an_explanation_names_the_packages_and_says_why_in_short(name: str) -> None:
    packages, said = EXPLAINED[name]
    told = explain(TEXTS[name])
    assert told.packages == packages
    for part in said:
        assert part in told.message
    assert told.message.startswith("Because ")
    assert "unsatisfiable" in told.message
    assert "Consider using" not in told.message
    assert "No solution found" not in told.message
    assert len(told.message) < 1200
    assert "\n" not in told.message
    assert told.text == TEXTS[name].strip()


def test_a_source_build_that_fails_names_its_package() -> None:
    said = "error: Failed to build `uvloop==0.22.1`\n  cause: RuntimeError: uvloop does not support Windows\n"
    told = explain(said, ("tensorflowjs==4.22.0",))
    assert "uvloop" in told.packages
    assert "uvloop does not support Windows" in told.message


def test_a_text_without_end_is_clipped() -> None:
    told = explain("No solution found\n cause: Because " + "a==1 depends on b<2 and " * 500)
    assert len(told.message) < 1000
    assert told.message.endswith("…")


def test_a_lock_tells_its_packages_and_is_installable_as_it_is() -> None:
    lock = make_lock(PINS, PYTHON, source_builds=False)
    assert lock.packages == {
        "keras": "2.15.0",
        "setuptools": "69.2.0",
        "tensorflow": "2.15.0",
        "tensorflowjs": "4.17.0",
        "tf-keras": "2.15.1",
    }
    head, policy, *body = lock.text.splitlines()
    assert head == f"# lock {lock.id} for cpython-3.11.7-linux-x86_64; wheels only"
    assert policy == "--only-binary :all:"
    assert "\n".join(body) == PINS.strip()
    assert lock.resolved() == {
        "python": "3.11.7",
        "tensorflow": "2.15.0",
        "tensorflowjs": "4.17.0",
        "keras": "2.15.0",
        "tf-keras": "2.15.1",
        "setuptools": "69.2.0",
    }


def test_markers_and_extras_of_a_pin_are_no_part_of_its_version() -> None:
    pins = (
        "jax==0.4.30 ; python_full_version < '3.12' \\\n    --hash=sha256:aa\nzope.event==5.0\\\n    --hash=sha256:bb\n"
    )
    assert make_lock(pins, PYTHON, source_builds=True).packages == {"jax": "0.4.30", "zope.event": "5.0"}


def test_the_id_is_that_of_the_content() -> None:
    lock = make_lock(PINS, PYTHON, source_builds=False)
    again = make_lock("\n" + PINS + "\n\n", PYTHON, source_builds=False)
    assert lock == again
    other_python = Interpreter("3.11.2", PYTHON.platform, PYTHON.executable)
    elsewhere = Interpreter(PYTHON.version, PYTHON.platform, "/usr/bin/python3")
    assert make_lock(PINS, elsewhere, source_builds=False).id == lock.id
    different = {
        make_lock(PINS, other_python, source_builds=False).id,
        make_lock(PINS, PYTHON, source_builds=True).id,
        make_lock(PINS.replace("69.2.0", "69.3.0"), PYTHON, source_builds=False).id,
        make_lock(PINS.replace("sha256:2dcc6", "sha256:2dcc7"), PYTHON, source_builds=False).id,
    }
    assert len(different | {lock.id}) == 5
    assert "--only-binary" not in make_lock(PINS, PYTHON, source_builds=True).text


@pytest.mark.parametrize(
    ("axes", "requirements"),
    [
        ({}, ("tensorflow==2.16.1", "tensorflowjs==4.17.0")),
        ({"keras": "3.2.1"}, ("tensorflow==2.16.1", "tensorflowjs==4.17.0", "keras==3.2.1")),
        ({"extra": ("pandas", "scipy>=1")}, ("tensorflow==2.16.1", "tensorflowjs==4.17.0", "pandas", "scipy>=1")),
    ],
)
def test_what_a_combination_asks_of_the_resolver(axes: dict[str, object], requirements: tuple[str, ...]) -> None:
    request = request_of(combination(**axes), PYTHON, source_builds=False)
    assert request.requirements == requirements


def test_what_decides_no_lock_is_not_in_the_request() -> None:
    plain = request_of(combination(), PYTHON, source_builds=False)
    assert (
        request_of(combination(process_env="legacy-keras", tfjs_runtime="4.22.0"), PYTHON, source_builds=False) == plain
    )
    for axes in ({"as_of": "2024-04-10"}, {"constraints": ("a<1",)}, {"overrides": ("a<1",)}):
        assert request_of(combination(**axes), PYTHON, source_builds=False) != plain
    assert request_of(combination(), PYTHON, source_builds=True) != plain


# From here on with the real uv, against an index of our own.

HERE = Interpreter("{}.{}.{}".format(*sys.version_info[:3]), "linux-x86_64", sys.executable)


def asked(**axes: object) -> ResolveRequest:
    return request_of(combination(**axes), HERE, source_builds=False)


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


def test_a_request_is_resolved_with_hashes_and_kept(fitting: SmallIndex, store: Store) -> None:
    lock = resolve(asked(), store)
    assert isinstance(lock, Lock)
    assert lock.packages == {"tensorflow": "2.16.1", "tensorflowjs": "4.17.0", "keras": "3.3.3"}
    for content in (fitting.files["keras"]["keras-3.3.3-py3-none-any.whl"],):
        assert f"--hash=sha256:{hashlib.sha256(content).hexdigest()}" in lock.text
    assert index_url() not in lock.text
    fitting.status = 503
    assert resolve(asked(), store) == lock
    assert kept_lock(asked(), store) == lock
    assert kept_lock(asked(keras="3.2.1"), store) is None


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
    lock = resolve(asked(**axes), store)
    assert isinstance(lock, Lock)
    assert lock.packages["keras"] == keras


def test_what_cannot_be_is_an_answer_and_kept(fitting: SmallIndex, store: Store) -> None:
    fitting.add("keras", "2.15.0")
    answer = resolve(asked(keras="2.15.0"), store)
    assert isinstance(answer, Unresolved)
    assert answer.packages == ("keras", "tensorflow")
    fitting.status = 503
    assert resolve(asked(keras="2.15.0"), store) == answer


def test_before_its_release_there_is_nothing(fitting: SmallIndex, store: Store) -> None:
    answer = resolve(asked(as_of="2024-02-29"), store)
    assert isinstance(answer, Unresolved)
    assert "filtered by `exclude-newer`" in answer.message


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "could not be queried due to a lack of valid authentication credentials (401 Unauthorized)"),
        (403, "returned a 403 Forbidden error"),
        (404, "has no package tensorflow"),
        (429, "cannot be reached: cause: HTTP status client error (429 Too Many Requests)"),
        (503, "cannot be reached: cause: HTTP status server error (503"),
    ],
)
def test_an_index_that_refuses_is_the_machinery_and_nothing_is_kept(
    fitting: SmallIndex, store: Store, status: int, said: str
) -> None:
    fitting.status = status
    with pytest.raises(MachineryError) as raised:
        resolve(asked(), store)
    assert str(raised.value).startswith(f"the package index {fitting.url} ")
    assert said in str(raised.value)
    fitting.status = 200
    assert isinstance(resolve(asked(), store), Lock)


def test_a_package_that_the_index_does_not_have_is_an_answer(fitting: SmallIndex, store: Store) -> None:
    answer = resolve(asked(extra=("no-such-package",)), store)
    assert isinstance(answer, Unresolved)
    assert "no-such-package" in answer.packages


def test_an_index_without_upload_times_cannot_be_asked_of_a_date(fitting: SmallIndex, store: Store) -> None:
    fitting.timed = False
    assert isinstance(resolve(asked(), store), Lock)
    with pytest.raises(MachineryError, match="gives no upload times, so nothing can be resolved as of 2024-04-10"):
        resolve(asked(as_of="2024-04-10"), store)


def test_without_the_network_nothing_is_said_of_a_combination(
    fitting: SmallIndex, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(MachineryError, match=r"the network is disabled \(UV_OFFLINE\)"):
        resolve(asked(), store)
