from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.models import Kind, content_of, find_model, zoo_models

HDF5 = b"\x89HDF\r\n\x1a\n" + b"\0" * 100
BUILDER = "import json\ndef build_model(): ...\ndef _helper(): ...\nclass Net: ...\nother = lambda: None\n"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A project with a model of every kind, and things that only look like one."""
    (tmp_path / "model.h5").write_bytes(HDF5)
    (tmp_path / "h5.keras").write_bytes(HDF5)
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("metadata.json", "{}")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    whole = (tmp_path / "model.keras").read_bytes()
    directory = whole.index(b"PK\x01\x02")
    (tmp_path / "damaged.keras").write_bytes(whole[:directory] + b"PK\x07\x07" + whole[directory + 4 :])
    (tmp_path / "cut.keras").write_bytes(whole[:40])
    (tmp_path / "empty.keras").write_bytes(b"")
    (tmp_path / "words.h5").write_text("not a model at all")
    for name in ("saved", "text", "variables-only", "web"):
        (tmp_path / name).mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\x08\x01")
    (tmp_path / "saved" / "variables").mkdir()
    (tmp_path / "saved" / "variables" / "variables.index").write_bytes(b"x")
    (tmp_path / "text" / "saved_model.pbtxt").write_text("x")
    (tmp_path / "web" / "model.json").write_text("{}")
    (tmp_path / "models.py").write_text(BUILDER)
    (tmp_path / "star.py").write_text("from elsewhere import *\n")
    (tmp_path / "broken.py").write_text("def build(:\n")
    (tmp_path / "nul.py").write_bytes(b"def build(): ...\n\0")
    (tmp_path / "src" / "package" / "sub").mkdir(parents=True)
    (tmp_path / "src" / "package" / "__init__.py").write_text("def top(): ...\n")
    (tmp_path / "src" / "package" / "sub" / "nets.py").write_text(BUILDER)
    return tmp_path


@pytest.mark.parametrize(
    ("ref", "kind", "name", "path"),
    [
        ("model.h5", Kind.H5, "model.h5", "model.h5"),
        ("h5.keras", Kind.H5, "h5.keras", "h5.keras"),  # by its content: what load_model goes by
        ("model.keras", Kind.KERAS, "model.keras", "model.keras"),
        ("saved", Kind.SAVED_MODEL, "saved", "saved"),
        ("saved/", Kind.SAVED_MODEL, "saved", "saved"),
        ("text", Kind.SAVED_MODEL, "text", "text"),
        ("./saved/../model.h5", Kind.H5, "model.h5", "model.h5"),
    ],
)
def test_a_model_file_is_known_by_its_content(base: Path, ref: str, kind: Kind, name: str, path: str) -> None:
    found = find_model(ref, base)
    assert (found.ref, found.kind, found.name, found.path) == (ref, kind, name, str(base / path))
    assert (found.module, found.function) == ("", "")


def test_a_signature_of_a_saved_model_is_a_model_of_its_own(base: Path) -> None:
    found, plain = find_model("saved:encode", base), find_model("saved", base)
    assert (found.kind, found.name, found.function, found.path) == (
        Kind.SAVED_MODEL,
        "saved:encode",
        "encode",
        plain.path,
    )
    assert (found.key, plain.key) == ("saved:encode", "saved")
    assert find_model("./saved/:encode", base).key == found.key


@pytest.mark.parametrize(
    ("ref", "module", "function", "path", "search"),
    [
        ("models.py:build_model", "models", "build_model", "models.py", "."),
        ("models.py:Net", "models", "Net", "models.py", "."),
        ("models.py:other", "models", "other", "models.py", "."),
        ("star.py:anything", "star", "anything", "star.py", "."),
        ("models:build_model", "models", "build_model", "models.py", "."),
        ("package:top", "package", "top", "src/package/__init__.py", "src"),
        ("package.sub.nets:build_model", "package.sub.nets", "build_model", "src/package/sub/nets.py", "src"),
        ("src/package/sub/nets.py:build_model", "nets", "build_model", "src/package/sub/nets.py", "src/package/sub"),
    ],
)
def test_a_builder_in_a_file_or_a_package(
    base: Path, ref: str, module: str, function: str, path: str, search: str
) -> None:
    found = find_model(ref, base)
    assert (found.kind, found.module, found.function) == (Kind.BUILDER, module, function)
    assert (found.path, found.search) == (str(base / path), (str((base / search).resolve()),))


def test_every_zoo_example_is_found_and_described(tmp_path: Path) -> None:
    assert {"seed", "mlp", "cnn", "lstm"} <= set(zoo_models())
    for name, what in zoo_models().items():
        assert what
        found = find_model(f"zoo:{name}", tmp_path)
        assert (found.kind, found.name, found.function) == (Kind.BUILDER, name, name)
        assert Path(found.path).is_file()


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("modle.h5", "there is no modle.h5 in {base}\nhint: did you mean 'model.h5'?"),
        ("xyz", "there is no xyz in {base}\nhint: use one of: broken.py"),
        ("nowhere/model.h5", "there is no model.h5 in {base}/nowhere\nhint: give a .keras or .h5 file, a folder,"),
        ("modls.py:build_model", "there is no modls.py in {base}\nhint: did you mean 'models.py'?"),
        ("empty.keras", "the file is empty"),
        ("words.h5", "by its content neither a .keras archive nor an HDF5 file"),
        ("cut.keras", "neither a .keras archive nor an HDF5 file"),
        ("other.keras", "the zip archive is no .keras file: it holds no config.json"),
        ("damaged.keras", "the zip archive is damaged: "),
        ("variables-only", "the folder is no SavedModel: it holds no saved_model.pb"),
        ("web", "it holds no saved_model.pb\nhint: `tfjs-compat check web` checks a TensorFlow.js model"),
        ("saved/saved_model.pb", "a part of a SavedModel, which is a folder\nhint: give '{base}/saved'"),
        ("models.py", "a Python file without the name of a builder\nhint: write 'models.py:build_model'"),
        ("models.py:build_modle", "models.py has no 'build_modle'\nhint: did you mean 'build_model'?"),
        ("models.py:x", "models.py has no 'x'\nhint: use one of: build_model"),
        ("models.py:", "models.py has no ''"),
        ("broken.py:build", "broken.py line 1 is not valid Python: "),
        ("nul.py:build", "nul.py"),
        ("package.nets:build_model", "there is no module package.nets in {base} or {base}/src"),
        ("package.sub.nets:build", "nets.py has no 'build'\nhint: did you mean 'build_model'?"),
        ("zoo:sead", "no such example\nhint: did you mean 'seed'?"),
        ("zoo:", "no such example\nhint: use one of: "),
        ("", "the folder is no SavedModel"),
        ("x" * 5000, "File name too long"),
        ("nul\0.h5", ""),
        ("web.py:build", "there is no web.py"),
    ],
)
def test_a_wrong_model_is_refused_with_a_suggestion(base: Path, ref: str, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        find_model(ref, base)
    assert str(raised.value).startswith(f"model '{ref}': ")
    assert said.format(base=base) in str(raised.value)


def test_a_folder_that_is_called_like_a_file(base: Path) -> None:
    (base / "folder.py").mkdir()
    with pytest.raises(RequestError, match=r"folder\.py is not a file"):
        find_model("folder.py:build", base)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read")
def test_a_file_that_cannot_be_read(base: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        find_model("/proc/self/mem", base)


def test_the_digest_is_that_of_the_content(base: Path) -> None:
    def digests() -> dict[str, str]:
        refs = ["model.h5", "saved", "models.py:build_model", "package.sub.nets:build_model", "zoo:seed"]
        return {ref: find_model(ref, base).digest for ref in refs}

    before = digests()
    assert digests() == before
    os.utime(base / "model.h5", (0, 0))
    assert digests() == before
    for changed, touched in {
        "model.h5": "model.h5",
        "saved/variables/variables.index": "saved",
        "star.py": "models.py:build_model",  # a builder imports what stands beside it
        "src/package/__init__.py": "package.sub.nets:build_model",
    }.items():
        with (base / changed).open("ab") as file:
            file.write(b"\n")
        after = digests()
        assert {ref for ref in after if after[ref] != before[ref]} == {touched}
        before = after
    assert len(set(before.values())) == len(before)


def test_a_name_decides_with_the_content_of_a_file(base: Path) -> None:
    (base / "model.weights").write_bytes(HDF5)
    assert find_model("model.weights", base).digest != find_model("model.h5", base).digest


NAMES = st.binary(min_size=1, max_size=20).filter(lambda name: not set(name) & {0, ord("/")}).map(os.fsdecode)


@pytest.mark.skipif(os.name == "nt", reason="links, pipes and names of bytes")
def test_what_stands_beside_a_builder_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def build(): ...\n")
    plain = find_model("train.py:build", tmp_path).digest
    (tmp_path / "dangling.py").symlink_to("nowhere")
    (tmp_path / "circle.py").symlink_to("circle.py")
    (tmp_path / "folder.py").mkdir()
    assert find_model("train.py:build", tmp_path).digest == plain
    (tmp_path / os.fsdecode(b"\xff.py")).write_bytes(b"x = '\xff'")
    assert find_model("train.py:build", tmp_path).digest != plain


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices")
@pytest.mark.parametrize("ref", ["f.h5", "f.keras", "f.py:build", "saved", "train.py:build"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_a_pipe_or_device_is_refused(base: Path, ref: str, make: Callable[[Path], object]) -> None:
    (base / "train.py").write_text("def build(): ...\n")
    place = {"saved": base / "saved" / "variables" / "x", "train.py:build": base / "beside.py"}
    make(place.get(ref, base / ref.partition(":")[0]))
    with pytest.raises(RequestError, match=f"model '{ref}': .*(not a regular file|is not a file|not a file)"):
        find_model(ref, base)


@pytest.mark.parametrize("source", ["x = " + "-" * 100_000 + "1", "x = a" + ".b" * 50_000, "x = " + "(" * 9000])
def test_a_builder_that_is_nested_too_deeply_is_refused(tmp_path: Path, source: str) -> None:
    (tmp_path / "deep.py").write_text(source + "\ndef build(): ...\n")
    with pytest.raises(RequestError, match=r"deep\.py.* is not valid Python: "):
        find_model("deep.py:build", tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="names of bytes")
@given(name=NAMES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_model_of_any_name_is_found_or_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.exists():
        return
    path.write_bytes(HDF5)
    with contextlib.suppress(RequestError):
        # Whatever is found can be written into a job.
        msgspec.json.encode(find_model(name, tmp_path))
    path.unlink()


def saved_model(folder: Path) -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"x")
    (folder / "variables" / "variables.index").write_bytes(b"1")
    return folder


def test_what_a_link_to_a_file_leads_to_counts(tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    model = saved_model(tmp_path / "m")
    blob.write_bytes(b"1")
    (model / "variables" / "variables.index").unlink()
    (model / "variables" / "variables.index").symlink_to(blob)
    before = find_model("m", tmp_path)
    blob.write_bytes(b"2")
    after = find_model("m", tmp_path)
    assert before.digest != after.digest
    assert "variables/variables.index" in content_of(after)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
@pytest.mark.parametrize("file", ["/proc/self/environ", "/proc/kmsg", "/dev/null", "/dev/zero"])
def test_a_link_to_what_is_no_file_is_refused(tmp_path: Path, file: str) -> None:
    """A copy of the tool's own variables would tell the model its tokens."""
    model = saved_model(tmp_path / "m")
    (tmp_path / "between").symlink_to(file)
    (model / "variables" / "more").symlink_to(tmp_path / "between")
    with pytest.raises(RequestError, match=r"variables/more is a (link to /|pipe or a device)"):
        find_model("m", tmp_path)


@pytest.mark.parametrize("where", [".", "..", "../variables/..", "/", "../../elsewhere"])
def test_a_link_to_a_folder_is_refused(tmp_path: Path, where: str) -> None:
    """A stranger's may be one to any folder of the user, which the tool would copy."""
    saved_model(tmp_path / "elsewhere")
    model = saved_model(tmp_path / "m")
    (model / "variables" / "more").symlink_to(where)
    with pytest.raises(RequestError, match=r"variables/more is a link to a folder\nhint: put the folder itself there"):
        find_model("m", tmp_path)
