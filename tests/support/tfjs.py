"""A TensorFlow.js that does what a test wants, and who of the children is who."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from pathlib import Path

import msgspec
import psutil

from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.bundle import Bundle, kept_bundle

VERSION = "0.0.1"
STARTS = """
module.exports = {
  setBackend: async () => true, ready: async () => true, getBackend: () => 'cpu', version: { tfjs: '0.0.1' },
};
"""
HANGS = STARTS + "module.exports.loadLayersModel = () => new Promise(() => setInterval(() => {}, 1000));"


def keep_script(store: Store, script: str) -> Bundle:
    """Put a bundle of VERSION into a store, with the names that a model of one dense layer needs."""
    folder = store.folder("tfjs", VERSION)
    (folder / "tf.min.js").write_text(script)
    digest = hashlib.sha256(script.encode()).hexdigest()
    content = {"version": VERSION, "sha256": digest, "integrity": "sha512-x"}
    (folder / "bundle.json").write_text(json.dumps(content))
    classes = frozenset({"Functional", "Model", "InputLayer", "Dense", "linear"})
    known = Vocabulary(tfjs=VERSION, classes=classes, ops=frozenset({"Const"}))
    (folder / f"vocabulary-{digest[:16]}.json").write_bytes(msgspec.json.encode(known))
    bundle = kept_bundle(VERSION, store)
    assert bundle is not None
    return bundle


def children(*words: str) -> list[psutil.Process]:
    """The descendants of this process whose command line has all of these words."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if process.status() != psutil.STATUS_ZOMBIE and all(any(word in part for part in line) for word in words):
                found.append(process)
    return found


def wait_for_event(record: Path, text: str, seconds: float = 30.0) -> None:
    """Wait until a record has a line with this text."""
    until = time.monotonic() + seconds
    while not record.exists() or text not in record.read_text():
        assert time.monotonic() < until, f"no {text!r} in {record}"
        time.sleep(0.02)
