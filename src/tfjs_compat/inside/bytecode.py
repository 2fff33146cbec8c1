"""Compile the modules of folders, or look whether their bytecode can be loaded, by the Python that will import them.

``python -I -S -B bytecode.py compile|check RESULTS FOLDER...``. Each result is a JSON object on a line of the file
RESULTS: {"folder", "path", "source", "digest", "size"} of what was compiled, {"folder", "path"} of what cannot be
loaded.
Python itself does not notice that a full disk took a part of what it writes (importlib's ``_write_atomic`` does not
look at what ``write`` returns, up to 3.13), so that every file is read again here.
Python >= 3.8; imports nothing of tfjs_compat.
"""

import base64
import hashlib
import importlib.machinery
import importlib.util
import json
import marshal
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from importlib import _bootstrap_external as external

# Nobody imports them in a case, and they are a quarter of all modules.
LEFT_OUT = ("tests", "__pycache__")
AT_ONCE = 64
HEADER = 16


def sources(folder):
    """The modules below a folder, as paths."""
    for place, names, files in os.walk(folder):
        names[:] = [name for name in names if name not in LEFT_OUT]
        for name in files:
            if name.endswith(".py"):
                yield os.path.join(place, name)


def compile_one(item):
    """Write the bytecode of a module; None for a module that is no Python of this version."""
    folder, source = item
    with open(source, "rb") as file:
        text = file.read()
    try:
        code = compile(text, source, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    # Loaded without a look at the source's time: a store may be copied.
    content = bytes(external._code_to_hash_pyc(code, importlib.util.source_hash(text), False))
    target = importlib.util.cache_from_source(source)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    temporary = target + ".writing"
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
    with open(temporary, "rb") as file:
        if file.read() != content:
            raise OSError(28, "what was written is not there: no space left on device", target)
    os.replace(temporary, target)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return {
        "folder": folder,
        "path": os.path.relpath(target, folder),
        "source": os.path.relpath(source, folder),
        "digest": "sha256=" + digest,
        "size": len(content),
    }


def cannot_be_loaded(item):
    """A file of bytecode that an import of its module would fail at; None where it is whole or of another Python."""
    folder, path = item
    with open(path, "rb") as file:
        content = file.read()
    if content[:4] not in (importlib.util.MAGIC_NUMBER, b"", importlib.util.MAGIC_NUMBER[: len(content)]):
        return None
    try:
        marshal.loads(content[HEADER:])
    except Exception:
        return {"folder": folder, "path": os.path.relpath(path, folder)}
    return None


def compiled(folder):
    """The files of bytecode below a folder that this Python would read."""
    ending = "." + sys.implementation.cache_tag + ".pyc"
    for place, _, files in os.walk(folder):
        for name in files:
            if os.path.basename(place) == "__pycache__" and name.endswith(ending):
                yield os.path.join(place, name)


def main():
    command, results = sys.argv[1:3]
    warnings.simplefilter("ignore")
    find, work = (sources, compile_one) if command == "compile" else (compiled, cannot_be_loaded)
    items = [(folder, path) for folder in sys.argv[3:] for path in find(folder)]
    count = min(4, os.cpu_count() or 1, 1 + len(items) // AT_ONCE)
    with open(results, "w", encoding="utf-8") as file:
        if count == 1:
            write(file, map(work, items))
        else:
            with ProcessPoolExecutor(count) as executor:
                write(file, executor.map(work, items, chunksize=AT_ONCE // 4))


def write(file, results):
    for result in results:
        if result is not None:
            file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit("%s: %s" % (error.filename, error.strerror))
