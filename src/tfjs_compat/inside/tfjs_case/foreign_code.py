"""Python code that a model's file brings and that loading it would run, found by reading the file only.

Each container is read exactly as Keras reads it: what Keras would understand otherwise than is read here is refused.
What a description names is judged in ``named_code``. Python >= 3.8; imports nothing of tfjs_compat.
"""

import os
import re
import zipfile

from tfjs_case.named_code import decoded, in_description

_MOST_JSON = 256 << 20
_OBJECT_DTYPE = re.compile(rb"'descr':\s*'[|<>=]?O")
_HDF5 = b"\x89HDF\r\n\x1a\n"
# Files of a SavedModel with descriptions of layers, and the fields that lead to them: by keras/protobuf/
# saved_metadata.proto, and before TensorFlow 2.5 by saved_model.proto, meta_graph.proto, saved_object_graph.proto.
_METADATA = (("keras_metadata.pb", (1, 5)), ("saved_model.pb", (2, 7, 1, 4, 3)))


class UntrustedCode(Exception):
    """A model's file brings Python code, and nobody said that it is trusted."""


def refuse(model, kind):
    """Raise UntrustedCode where loading a file (``kind``: as in a job) would run code that it brings."""
    for what in found_in(model, kind):
        raise UntrustedCode("%s: %s; loading it would run that code" % (os.path.basename(model), what))


def found_in(path, kind):
    """What of a file is code, a clause each: ``the layer 'double' (Lambda) is Python code``."""
    if kind in ("h5", "keras"):
        # Keras goes by the end of the name and by what the file is; one may be both.
        in_archive = _in_archive(path) if zipfile.is_zipfile(path) else []
        return in_archive or (in_description(_config_of_h5(path)) if _is_hdf5(path) else [])
    if kind == "saved-model":
        return _in_saved_model(path)
    return []


def _is_hdf5(path):
    """Whether HDF5's signature is at one of the places where its library looks: 0, 512, 1024, 2048, ... bytes."""
    size, at = os.path.getsize(path), 0
    with open(path, "rb") as file:
        while at + len(_HDF5) <= size:
            file.seek(at)
            if file.read(len(_HDF5)) == _HDF5:
                return True
            at = 2 * at or 512
    return False


def _config_of_h5(path):
    import h5py

    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config")
    if isinstance(config, bytes):
        try:
            config = config.decode("utf-8")
        except UnicodeDecodeError:
            return None
    return decoded(config) if isinstance(config, str) else None


def _in_archive(path):
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename
            if name.endswith((".pkl", ".pickle", ".dill")):
                return ["%s is a pickle" % name]
            if name.endswith(".npy") and _OBJECT_DTYPE.search(_start(archive, member)):
                return ["%s holds pickled objects" % name]
            if name.endswith(".npz"):
                with archive.open(member) as file, zipfile.ZipFile(file) as inner:
                    if any(_OBJECT_DTYPE.search(_start(inner, array)) for array in inner.infolist()):
                        return ["%s holds pickled objects" % name]
        if "config.json" not in archive.namelist():
            return []
        config = archive.getinfo("config.json")
        if config.file_size > _MOST_JSON:
            return ["config.json is too large to be looked through"]
        # As bytes, like Keras: those may be UTF-8, with a mark of it or not, UTF-16 or UTF-32.
        return in_description(decoded(archive.read(config)))


def _start(archive, member):
    with archive.open(member) as file:
        return file.read(1 << 12)


def _in_saved_model(folder):
    """The layers that Keras makes again from the text beside the graph; the graph itself holds no Python."""
    for name, fields in _METADATA:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                messages = [memoryview(file.read())]
        except OSError:
            continue
        for number in fields:
            messages = [part for message in messages for part in _parts(message, number)]
        for text in messages:
            found = in_description(decoded(bytes(text).decode("utf-8", "replace")))
            if found:
                return found
    return []


def _parts(message, number):
    """The texts and messages in a field of a protobuf message, as far as it is whole (protobuf.dev, Encoding)."""
    at, parts = 0, []
    try:
        while at < len(message):
            tag, at = _varint(message, at)
            if tag & 7 == 2:
                length, at = _varint(message, at)
                if tag >> 3 == number:
                    parts.append(message[at : at + length])
                at += length
            elif tag & 7 == 0:
                _, at = _varint(message, at)
            elif tag & 7 not in (3, 4):
                # The marks around a group have no length: what is in it is looked at as if it stood outside.
                at += {1: 8, 5: 4}[tag & 7]
    except (IndexError, KeyError):
        pass
    return parts


def _varint(message, at):
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
