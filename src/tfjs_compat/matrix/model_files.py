"""What a model's files say of it before anything is run: which Keras model a SavedModel holds, what else a file is."""

from __future__ import annotations

from pathlib import Path

_READ = 1 << 28


def holds_keras_model(saved_model: Path) -> bool:
    """Whether the folder of a SavedModel may hold a Keras model: False only where it certainly holds functions alone.

    Keras marks its objects (``_tf_keras_model`` and others, keras 2.13 ``saving/legacy/saved_model/constants.py``), and
    since 2.5 writes keras_metadata.pb.
    """
    if (saved_model / "keras_metadata.pb").is_file():
        return True
    try:
        with (saved_model / "saved_model.pb").open("rb") as file:
            start = file.read(_READ)
    except OSError:
        return True
    return len(start) == _READ or b"_tf_keras_" in start


def other_format(path: Path, start: bytes, members: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """What a file is that no model of Keras is, with the way to go on; None where it is nothing that is known here.

    ``start``: its first bytes, at least 8 of them; ``members``: the names in it, if it is a zip archive.
    """
    if path.suffix in (".pb", ".pbtxt") or (start[:1] == b"\x0a" and start[2:3] == b"\x0a"):
        return (
            "it looks like a frozen graph (a GraphDef of TensorFlow 1)",
            "wrap it: import it by tf.compat.v1.wrap_function, prune it to its inputs and outputs, and save that with "
            "tf.saved_model.save(module, folder, signatures=FUNCTION)",
        )
    if start[4:8] == b"TFL3":
        return "it is a model of TensorFlow Lite", "give the model that it was converted from; nothing turns it back"
    if path.suffix == ".onnx":
        return "it is a model of ONNX", "onnx2tf or onnx-tf writes a SavedModel of it, to be given as its folder"
    if any(name.endswith("data.pkl") for name in members) or path.suffix in (".pt", ".pth"):
        return "it is a model of PyTorch", "export it to ONNX, and that to a SavedModel, to be given as its folder"
    if path.name.endswith((".weights.h5", ".ckpt", ".index")) or ".data-0" in path.name:
        return "it holds weights and no model", "write a builder that makes the model and loads them"
    return None
