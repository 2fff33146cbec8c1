"""Whether the user's inputs can be read at all: seen before anything is resolved, and without holding an array."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from tfjs_compat.artifact.tensors import MAX_BYTES
from tfjs_compat.errors import RequestError
from tfjs_compat.system.files import open_regular, require_usable

_BLOCK = 1 << 20
_READABLE = "biufcUS"
"""What NumPy calls the kinds of values that an environment's Python and TensorFlow.js have: booleans, integers, floats,
complex numbers, texts. Not objects, dates, records."""


def require_inputs(path: Path | None) -> None:
    """See that a file of inputs is a .npz whose arrays can be read: a zip archive of .npy files, whole.

    None: there is no such file to look at. Raises RequestError that names the array.
    """
    if path is None:
        return
    what = f"--inputs {path}"
    require_usable(what, path)
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            _require_arrays(what, archive)
    except FileNotFoundError:
        raise RequestError(f"{what}: there is no such file") from None
    except zipfile.BadZipFile as error:
        hint = f"hint: numpy.savez({path.stem!r}, INPUT=array) writes one"
        raise RequestError(f"{what}: not a .npz file, or damaged: {error}\n{hint}") from None
    except OSError as error:
        raise RequestError(f"{what}: cannot be read: {error.strerror or error}") from None


def _require_arrays(what: str, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    strange = next((entry.filename for entry in entries if not entry.filename.endswith(".npy")), None)
    if strange is not None or not entries:
        holds = f"it holds {strange!r}" if strange is not None else "it holds no arrays"
        raise RequestError(f"{what}: not a .npz file: {holds}\nhint: numpy.savez(FILE, INPUT=array) writes one")
    if (size := sum(entry.file_size for entry in entries)) > MAX_BYTES:
        raise RequestError(f"{what}: its arrays have {size} bytes; more than {MAX_BYTES} are not compared")
    for entry in entries:
        place = f"{what}: array {entry.filename.removesuffix('.npy')!r}"
        try:
            _require_array(place, archive, entry)
        except (ValueError, EOFError, SyntaxError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
            raise RequestError(f"{place}: damaged: {error}") from None


def _require_array(place: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Raises RequestError; and what zipfile and NumPy raise for what is damaged, encrypted or of another format."""
    with archive.open(entry) as stored:
        version = np.lib.format.read_magic(stored)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f".npy format {version}")  # which is for records
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stored)
        if dtype.hasobject:
            hint = "hint: save strings as dtype='U', numbers as float32 or int32"
            raise RequestError(f"{place}: it holds Python objects, which are not read\n{hint}")
        if dtype.kind not in _READABLE:
            raise RequestError(f"{place}: no model takes the dtype {dtype}\nhint: save numbers, strings or booleans")
        if any(size < 0 for size in shape):
            raise ValueError(f"shape {shape}")
        needed, held = math.prod(shape) * dtype.itemsize, 0
        while block := stored.read(_BLOCK):  # to its end, where its checksum is compared
            held += len(block)
        if held != needed:
            raise ValueError(f"shape {shape} of {dtype} takes {needed} bytes, there are {held}")
