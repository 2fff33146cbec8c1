import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjs_compat.artifact import reading as module
from tfjs_compat.artifact.reading import FINDINGS, ReadResult, read

KERNEL = {"name": "dense/kernel", "shape": [2, 3], "dtype": "float32"}
BIAS = {"name": "dense/bias", "shape": [3], "dtype": "float32"}
SHARD = "group1-shard1of1.bin"


def layers_document() -> dict:
    dense = {"name": "dense", "units": 3, "use_bias": True, "activation": "linear", "batch_input_shape": [None, 2]}
    config = {"name": "m", "layers": [{"class_name": "Dense", "config": dense}]}
    return {
        "format": "layers-model",
        "modelTopology": {"model_config": {"class_name": "Sequential", "config": config}},
        "weightsManifest": [{"paths": [SHARD], "weights": [KERNEL, BIAS]}],
    }


def write(folder: Path, document: object, shards: dict[str, bytes] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(document if isinstance(document, str) else json.dumps(document))
    for name, data in (shards if shards is not None else {SHARD: bytes(36)}).items():
        (folder / name).write_bytes(data)
    return folder


def ids(reading: ReadResult) -> set[str]:
    return {finding.id for finding in reading.findings}


def errors(reading: ReadResult) -> set[str]:
    return {finding.id for finding in reading.findings if finding.severity == "error"}


def manifest(paths: object, weights: object) -> dict:
    return {**layers_document(), "weightsManifest": [{"paths": paths, "weights": weights}]}


def test_a_sound_artifact_has_nothing_to_report(tmp_path: Path) -> None:
    data = struct.pack("<9f", *range(9))
    reading = read(write(tmp_path, layers_document(), {SHARD: data}))
    assert reading.findings == ()
    artifact = reading.artifact
    assert artifact is not None
    assert artifact.format == "layers"
    assert [(w.name, w.shape, w.offset, w.bytes) for w in artifact.weights] == [
        ("dense/kernel", (2, 3), 0, 24),
        ("dense/bias", (3,), 24, 12),
    ]
    assert artifact.data(artifact.weights[1]) == data[24:]


def test_bytes_are_read_across_shards(tmp_path: Path) -> None:
    data = struct.pack("<9f", *range(9))
    document = manifest(["a.bin", "b.bin", "c.bin"], [KERNEL, BIAS])
    reading = read(write(tmp_path, document, {"a.bin": data[:5], "b.bin": b"", "c.bin": data[5:]}))
    assert reading.findings == ()
    assert reading.artifact is not None
    assert [reading.artifact.data(weight) for weight in reading.artifact.weights] == [data[:24], data[24:]]


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("", "artifact-empty"),
        ("  \n", "artifact-empty"),
        ('{"modelTopology": {', "artifact-not-json"),
        ("<html></html>", "artifact-not-json"),
        ('{"modelTopology": NaN}', "artifact-not-json"),
        ('{"a": ' + "9" * 5000 + "}", "artifact-not-json"),
        ("[" * 200_000, "artifact-too-deep"),
        ("[" * 700 + "]" * 700, "artifact-too-deep"),
        ('{"a":' * 700 + "1" + "}" * 700, "artifact-too-deep"),
        ("[]", "artifact-wrong-type"),
        ("null", "artifact-wrong-type"),
        ("{}", "artifact-no-topology"),
        ('{"modelTopology": null, "weightsManifest": []}', "artifact-no-topology"),
        ('{"modelTopology": [], "weightsManifest": []}', "artifact-wrong-type"),
        ('{"modelTopology": {}, "weightsManifest": []}', "artifact-topology-unknown"),
    ],
)
def test_a_broken_model_json_is_refused_with_the_reason(tmp_path: Path, text: str, id: str) -> None:
    reading = read(write(tmp_path, text))
    assert id in errors(reading)
    assert reading.artifact is None


def test_a_cut_off_file_is_called_so(tmp_path: Path) -> None:
    whole = json.dumps(layers_document())
    reading = read(write(tmp_path, whole[: len(whole) // 2]))
    assert "cut off" in reading.findings[0].message


def test_no_folder_no_file_and_a_folder_for_a_file(tmp_path: Path) -> None:
    assert errors(read(tmp_path / "nowhere")) == {"artifact-missing"}
    assert errors(read(tmp_path)) == {"artifact-missing"}
    (tmp_path / "model.json").mkdir()
    assert errors(read(tmp_path)) == {"artifact-missing"}


def test_broken_utf8_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, layers_document())
    raw = (tmp_path / "model.json").read_bytes().replace(b'"units"', b'"unit\xff"')
    (tmp_path / "model.json").write_bytes(raw)
    reading = read(tmp_path)
    assert ids(reading) == {"artifact-not-utf8"}
    assert reading.artifact is not None


@pytest.mark.parametrize(
    "name",
    [
        "../secret.bin",
        "sub/../../secret.bin",
        "..",
        "/etc/hostname",
        "..\\secret.bin",
        "C:\\secret.bin",
        "c:secret.bin",
        "file:///etc/hostname",
        "https://example.org/a.bin",
        "%2e%2e/secret.bin",
        ".%2E/secret.bin",
        "a%2f..%2f..%2fsecret.bin",
        "",
        "a\x00b",
        " ../secret.bin",
        "\ud800.bin",
        "link.bin",
        "linked/secret.bin",
    ],
)
def test_a_path_that_leads_out_is_refused_and_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(36))
    folder = write(tmp_path / "model", manifest([name], [KERNEL, BIAS]), {})
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "linked").symlink_to(tmp_path)
    opened = record_opened(monkeypatch)
    reading = read(folder)
    assert "artifact-path-outside" in errors(reading)
    assert next(f for f in reading.findings if f.id == "artifact-path-outside").path == "$.weightsManifest[0].paths[0]"
    assert reading.artifact is not None
    assert all(reading.artifact.data(weight) is None for weight in reading.artifact.weights)
    assert all(path.is_relative_to(folder) for path in opened)


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    folder = write(tmp_path, layers_document(), {"real.bin": bytes(36)})
    (folder / SHARD).symlink_to("real.bin")
    assert read(folder).findings == ()


def test_model_json_itself_must_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text(json.dumps(layers_document()))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").symlink_to(tmp_path / "elsewhere.json")
    assert errors(read(tmp_path / "model")) == {"artifact-path-outside"}


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    folder = write(tmp_path, layers_document(), {})
    os.mkfifo(folder / SHARD)
    assert "artifact-shard-not-a-file" in errors(read(folder))
    (folder / "model.json").unlink()
    os.mkfifo(folder / "model.json")
    assert errors(read(folder)) == {"artifact-missing"}


def test_shards(tmp_path: Path) -> None:
    assert errors(read(write(tmp_path / "missing", layers_document(), {}))) == {"artifact-shard-missing"}
    assert errors(read(write(tmp_path / "short", layers_document(), {SHARD: bytes(35)}))) == {"artifact-shard-short"}
    assert errors(read(write(tmp_path / "empty", layers_document(), {SHARD: b""}))) == {"artifact-shard-short"}
    long = read(write(tmp_path / "long", layers_document(), {SHARD: bytes(37)}))
    assert (ids(long), errors(long)) == ({"artifact-shard-long"}, set())


def test_bytes_too_many_shift_the_weights_of_the_next_group(tmp_path: Path) -> None:
    document = layers_document()
    document["weightsManifest"] = [{"paths": ["a"], "weights": [KERNEL]}, {"paths": ["b"], "weights": [BIAS]}]
    assert read(write(tmp_path, document, {"a": bytes(24), "b": bytes(12)})).findings == ()
    assert errors(read(write(tmp_path, document, {"a": bytes(28), "b": bytes(12)}))) == {"artifact-shard-long"}


@pytest.mark.parametrize(
    ("weight", "held", "found"),
    [
        ({"name": "w", "shape": [4], "dtype": "int32"}, 16, set()),
        ({"name": "w", "shape": [4], "dtype": "bool"}, 4, set()),
        ({"name": "w", "shape": [4], "dtype": "complex64"}, 32, set()),
        ({"name": "w", "shape": [], "dtype": "float32"}, 4, set()),
        ({"name": "w", "shape": [4.0], "dtype": "float32"}, 16, set()),
        ({"name": "w", "shape": [0, 3], "dtype": "float32"}, 0, set()),
        ({"name": "w", "shape": [4], "dtype": "float64"}, 32, {"artifact-weight-dtype"}),
        ({"name": "w", "shape": [4], "dtype": "float16"}, 8, {"artifact-weight-dtype"}),
        ({"name": "w", "shape": [-1], "dtype": "float32"}, 4, {"artifact-weight-shape"}),
        ({"name": "w", "shape": [1.5], "dtype": "float32"}, 4, {"artifact-weight-shape"}),
        ({"name": "w", "shape": [True], "dtype": "float32"}, 4, {"artifact-weight-shape"}),
        ({"name": "w", "shape": None, "dtype": "float32"}, 4, {"artifact-weight-shape"}),
        ({"name": "w", "shape": [10**200], "dtype": "float32"}, 4, {"artifact-shard-short"}),
        ({"name": 3, "shape": [1], "dtype": "float32"}, 4, {"artifact-wrong-type"}),
        ({"shape": [1]}, 4, {"artifact-wrong-type"}),
        ("w", 4, {"artifact-wrong-type"}),
        ({"name": "w", "shape": [4], "dtype": "float32", "quantization": {"dtype": "float16"}}, 8, set()),
        (
            {"name": "w", "shape": [4], "dtype": "int32", "quantization": {"dtype": "float16"}},
            8,
            {"artifact-quantization"},
        ),
        (
            {"name": "w", "shape": [4], "dtype": "float32", "quantization": {"dtype": "uint8", "min": 0, "scale": 1}},
            4,
            set(),
        ),
        (
            {"name": "w", "shape": [4], "dtype": "float32", "quantization": {"dtype": "uint16", "min": 0, "scale": 1}},
            7,
            {"artifact-shard-short"},
        ),
        (
            {"name": "w", "shape": [4], "dtype": "float32", "quantization": {"dtype": "uint8"}},
            4,
            {"artifact-quantization"},
        ),
        *(
            (
                {"name": "w", "shape": [4], "dtype": "float32", "quantization": {"dtype": "uint8", **numbers}},
                4,
                {"artifact-quantization"},
            )
            for numbers in ({"min": None, "scale": 1}, {"min": 0, "scale": "x"}, {"min": True, "scale": 10**400})
        ),
        ({"name": "w", "shape": [4], "dtype": "float32", "quantization": None}, 16, {"artifact-quantization"}),
        (
            {"name": "w", "shape": [4], "dtype": "float32", "quantization": {"dtype": "int4"}},
            2,
            {"artifact-quantization"},
        ),
    ],
)
def test_what_a_weight_may_be(tmp_path: Path, weight: object, held: int, found: set[str]) -> None:
    assert errors(read(write(tmp_path, manifest([SHARD], [weight]), {SHARD: bytes(held)}))) == found


def test_a_product_too_long_to_print_is_no_crash(tmp_path: Path) -> None:
    weight = {"name": "w", "shape": [10**200] * 40, "dtype": "float32"}
    reading = read(write(tmp_path, manifest([SHARD], [weight]), {SHARD: b""}))
    assert errors(reading) == {"artifact-shard-short"}


def test_string_weights_end_where_their_bytes_say(tmp_path: Path) -> None:
    def pack(*texts: bytes) -> bytes:
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)

    words = {"name": "words", "shape": [2], "dtype": "string"}
    data = pack(b"ab", "é".encode())
    document = manifest([SHARD], [words, BIAS])
    reading = read(write(tmp_path / "a", document, {SHARD: data + bytes(12)}))
    assert reading.findings == ()
    assert reading.artifact is not None
    assert reading.artifact.data(reading.artifact.weights[0]) == data
    assert reading.artifact.weights[1].offset == len(data)
    for name, broken in {
        "b": data[:-1],
        "c": data[:5],
        "d": b"",
        "e": struct.pack("<I", 2**32 - 1) + bytes(20),
    }.items():
        assert errors(read(write(tmp_path / name, document, {SHARD: broken}))) == {"artifact-shard-short"}
    huge = manifest([SHARD], [{**words, "shape": [2**21]}])
    assert errors(read(write(tmp_path / "f", huge, {SHARD: bytes(64)}))) == {"artifact-shard-short"}


def test_duplicated_names(tmp_path: Path) -> None:
    document = manifest([SHARD], [BIAS, BIAS])
    first, second = struct.pack("<3f", 1, 2, 3), struct.pack("<3f", 1, 2, 4)
    assert errors(read(write(tmp_path / "a", document, {SHARD: first + second}))) == {"artifact-duplicate-weight"}
    same = read(write(tmp_path / "b", document, {SHARD: first + first}))
    assert (ids(same), errors(same)) == ({"artifact-duplicate-weight"}, set())


def test_one_file_in_two_places(tmp_path: Path) -> None:
    document = layers_document()
    document["weightsManifest"] = [{"paths": ["a"], "weights": [BIAS]}, {"paths": ["./a"], "weights": []}]
    reading = read(write(tmp_path, document, {"a": bytes(12)}))
    assert "artifact-shard-shared" in ids(reading)
    assert errors(reading) == set()


@pytest.mark.parametrize(
    ("declared", "graph", "found"),
    [
        ("layers-model", False, set()),
        ("graph-model", True, set()),
        (None, True, set()),
        ("graph-model", False, {"artifact-format-mismatch"}),
        ("layers-model", True, {"artifact-format-mismatch"}),
        (["layers-model"], False, {"artifact-wrong-type"}),
        ("saved-model", False, set()),
    ],
)
def test_format_and_topology_must_fit(tmp_path: Path, declared: object, graph: bool, found: set[str]) -> None:
    document = {**layers_document(), "format": declared}
    if graph:
        document["modelTopology"] = {"node": [], "versions": {}}
    reading = read(write(tmp_path, document))
    assert errors(reading) == found
    assert reading.artifact is not None
    assert ("artifact-format-unknown" in ids(reading)) == (declared == "saved-model")


def test_no_manifest_is_a_finding(tmp_path: Path) -> None:
    document = layers_document()
    del document["weightsManifest"]
    reading = read(write(tmp_path, document))
    assert (ids(reading), errors(reading)) == ({"artifact-no-manifest"}, set())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), json_values, st.sampled_from(["replace", "truncate", "byte", "shard"]), st.data())
def test_no_mutation_makes_it_raise(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: object, kind: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("mutated")
    document = layers_document()
    if kind == "replace":
        document = replaced(document, at, value)
    write(folder, document)
    raw = (folder / "model.json").read_bytes()
    if kind == "truncate":
        (folder / "model.json").write_bytes(raw[: at % len(raw)])
    elif kind == "byte":
        position = at % len(raw)
        byte = data.draw(st.integers(0, 255))
        (folder / "model.json").write_bytes(raw[:position] + bytes([byte]) + raw[position + 1 :])
    elif kind == "shard":
        (folder / SHARD).write_bytes(bytes(at % 36))
    reading = read(folder)
    assert all(finding.id in FINDINGS for finding in reading.findings)
    assert all(finding.message.encode() for finding in reading.findings)
    assert reading.artifact is not None or errors(reading)
    if kind == "shard":
        assert errors(reading) == {"artifact-shard-short"}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "a", "link", "%2e%2e", "secret.bin", "", "\\", "shard.bin"]), max_size=5))
def test_nothing_outside_is_ever_opened(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    top = tmp_path_factory.mktemp("top")
    (top / "secret.bin").write_bytes(bytes(12))
    folder = write(top / "model", manifest(["/".join(parts)], [BIAS]), {"shard.bin": bytes(12)})
    (folder / "a").mkdir()
    (folder / "link").symlink_to(top)
    with pytest.MonkeyPatch.context() as patch:
        opened = record_opened(patch)
        reading = read(folder)
        held = reading.artifact.data(reading.artifact.weights[0]) if reading.artifact is not None else None
    assert all(path.is_relative_to(folder) for path in opened)
    assert (held is not None) == (not errors(reading))


def record_opened(patch: pytest.MonkeyPatch) -> list[Path]:
    """The real paths of the files that the module opens from now on."""
    opened: list[Path] = []
    real = os.open

    def spy(path: str | Path, *rest: object) -> int:
        opened.append(Path(path).resolve())
        return real(path, *rest)  # type: ignore[arg-type]

    patch.setattr(module.os, "open", spy)
    return opened


def replaced(document: object, at: int, value: object) -> dict:
    """The document with its n-th value, counted through all of it, replaced."""
    places: list[tuple[object, object]] = []

    def visit(item: object) -> None:
        pairs = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        for key, inner in pairs:
            places.append((item, key))
            visit(inner)

    copy = json.loads(json.dumps(document))
    visit(copy)
    holder, key = places[at % len(places)]
    holder[key] = value  # type: ignore[index]
    return copy


@pytest.mark.parametrize("groups", [1, 10_001])
def test_more_shards_than_any_model_has_are_not_looked_up(tmp_path: Path, groups: int) -> None:
    document = layers_document()
    group = {"paths": [f"shard{number}" for number in range(10_001 // groups)], "weights": []}
    document["weightsManifest"] = [group] * groups
    reading = read(write(tmp_path, document))
    assert "artifact-too-many-shards" in errors(reading)
    assert reading.artifact is not None
    assert not reading.artifact.complete


@pytest.mark.parametrize(("size", "times", "too_large"), [(64 << 20, 64, False), (64 << 20, 65, True)])
def test_files_that_hold_more_than_can_be_loaded_are_not(
    tmp_path: Path, size: int, times: int, too_large: bool
) -> None:
    """As often as they are named: TensorFlow.js would read a file thousands of times."""
    document = layers_document()
    folder = write(tmp_path, document)
    with (folder / "big").open("wb") as file:
        file.truncate(size)
    document["weightsManifest"] = [{"paths": ["big"] * times, "weights": []}]
    (folder / "model.json").write_text(json.dumps(document))
    assert ("artifact-weights-too-large" in errors(read(folder))) is too_large


def test_a_description_larger_than_any_is_not_parsed(tmp_path: Path) -> None:
    write(tmp_path, layers_document())
    with (tmp_path / "model.json").open("ab") as file:
        file.truncate(module.MAX_JSON_BYTES + 1)
    assert ids(read(tmp_path)) == {"artifact-too-large"}


def test_sizes_that_are_infinite_in_javascript_are_no_sizes(tmp_path: Path) -> None:
    weight = {"name": "w", "shape": [10**4000, 2], "dtype": "float32"}
    assert errors(read(write(tmp_path, manifest([SHARD], [weight]), {SHARD: b""}))) == {"artifact-weight-shape"}


def test_values_are_found_across_many_files(tmp_path: Path) -> None:
    files = {f"part{number}": bytes([number % 256]) * (number % 3) for number in range(3000)}
    weights = [{"name": f"w{at}", "shape": [7], "dtype": "bool"} for at in range(sum(map(len, files.values())) // 7)]
    whole = b"".join(files.values())
    reading = read(write(tmp_path, manifest(list(files), weights), files))
    assert reading.artifact is not None
    for at, weight in enumerate(reading.artifact.weights):
        assert reading.artifact.data(weight) == whole[7 * at : 7 * at + 7]


def test_strings_in_a_file_of_holes_are_not_looked_for(tmp_path: Path) -> None:
    weights = [{"name": "s", "shape": [700_000_000], "dtype": "string"}]
    folder = write(tmp_path, manifest([SHARD], weights), {SHARD: b""})
    os.truncate(folder / SHARD, 3 << 30)
    assert errors(read(folder)) == {"artifact-too-many-strings"}


@pytest.mark.parametrize("groups", [1, 3])
def test_all_strings_together_are_counted(tmp_path: Path, groups: int) -> None:
    weights = [{"name": f"s{number}", "shape": [700_000], "dtype": "string"} for number in range(3)]
    folder = write(tmp_path, layers_document())
    document = json.loads((folder / "model.json").read_text())
    document["weightsManifest"] = [{"paths": ["text"] * len(each), "weights": each} for each in parts(weights, groups)]
    (folder / "model.json").write_text(json.dumps(document))
    (folder / "text").write_bytes(bytes(700_000 * 4))
    assert "artifact-too-many-strings" in errors(read(folder))


def parts(items: list[Any], count: int) -> list[list[Any]]:
    size = len(items) // count
    return [items[at : at + size] for at in range(0, len(items), size)]


def test_strings_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    texts = [b"a" * 100_000, b"", b"b" * 70_000]
    data = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    weights = [{"name": "s", "shape": [3], "dtype": "string"}, {"name": "w", "shape": [1], "dtype": "bool"}]
    reading = read(write(tmp_path, manifest([SHARD], weights), {SHARD: data + b"x"}))
    assert reading.artifact is not None
    assert not reading.findings
    assert [reading.artifact.data(weight) for weight in reading.artifact.weights] == [data, b"x"]


def test_a_weight_that_cannot_be_quantized_is_named(tmp_path: Path) -> None:
    weight = {"name": "anchors", "shape": [2], "dtype": "float32"}
    quantized = {**weight, "quantization": {"dtype": "uint16", "min": float("-inf"), "scale": 1.0}}
    document = {"modelTopology": {"node": []}, "weightsManifest": [{"paths": [], "weights": [weight, quantized]}]}
    (tmp_path / "model.json").write_text(json.dumps(document))
    (finding,) = read(tmp_path).findings
    assert finding.id == "quantization-not-finite"
    assert "anchors" in finding.message
