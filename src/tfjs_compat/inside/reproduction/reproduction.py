"""Runs the stages of a reproduction, and says whether the failure of reproduction.json shows.

A bundle holds it in ``harness``, beside ``tfjs_case`` and the JavaScript programs. Exit code 0: the failure showed; 1:
it did not, or another one did; 2: something is missing. Python >= 3.8; imports nothing of tfjs_compat.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import traceback

from tfjs_case.record import Record, describe

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(HERE, "work")
WEB_MODEL = "web_model"
REPRODUCED, NOT_REPRODUCED, MISSING = 0, 1, 2
_COMPARED = 300

_ABSOLUTE = re.compile(r"(?:…|[A-Za-z]:)?(?:[\\/][\w.@+~-]+)+[\\/]?")
_VARIES = re.compile(r"0x[0-9a-fA-F]+|(?<=[A-Za-z0-9])_\d+\b|\d{5,}")
_state = {}


def begin():
    """Empty the folder ``work`` and go there: everything that is written from here on is in it."""
    with open(os.path.join(HERE, "reproduction.json"), encoding="utf-8") as file:
        _state.update(json.load(file))
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    os.chdir(WORK)
    _state["record"] = Record(os.path.join(WORK, "record.jsonl"))
    stand_ins = os.path.join(HERE, "stand_ins")
    if os.path.isdir(stand_ins):
        sys.path.append(stand_ins)
        # For what the converter's command line starts.
        os.environ["PYTHONPATH"] = stand_ins


def file(*parts):
    """The path of a file of the bundle."""
    return os.path.join(HERE, *parts)


@contextlib.contextmanager
def stage(name):
    """Run one stage. What fails in it ends the reproduction."""
    print("== %s" % name, flush=True)
    try:
        with _state["record"].stage(name):
            yield
            if name == "convert" and not os.path.exists(os.path.join(WEB_MODEL, "model.json")):
                from tfjs_case.convert import ConverterFailed

                raise ConverterFailed("the converter ended without writing a model.json")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _state["record"].failure(error)
        traceback.print_exc()
        outer = describe(error)[0]
        _end(name, ("%s: %s" % (outer["type"], outer["message"])).strip().rstrip(":"))


def build(tf, path, function, search):
    """What a function of a Python file of the bundle gives, as ``.model``. ``search``: where its imports are."""
    module = os.path.splitext(os.path.relpath(file(path), file(search)))[0].replace(os.sep, ".")
    model = {"kind": "builder", "path": file(path), "module": module, "function": function, "search": [file(search)]}
    return _built(tf, model)


def load_saved_model(tf, path, signature=""):
    """A SavedModel as it is. ``signature``: the one to convert; the usual one where it is empty."""
    return _built(tf, {"kind": "saved-model", "path": path, "function": signature})


def _built(tf, model):
    from tfjs_case import build, tensors

    given = None
    if _state["inputs_given"] and os.path.isdir(file("inputs")):
        given = dict(tensors.read(file("inputs"))[0][0])
    job = {"model": model, "route": {"format": _state["format"]}, "inputs_file": None, "inputs": given}
    # Who runs a bundle runs code of it anyway.
    job["trusted"] = True
    return build.build(tf, job)


def rewritten(model):
    """The model of layers that TensorFlow.js has, which computes the same."""
    from tfjs_case.rewrites import walk

    return walk.rewritten(model, _state["format"]).model


def export(tf, built):
    """Write ``saved_model`` by the function that the model is called by, or with the inputs that were given."""
    from tfjs_case import convert

    convert.serialize(tf, {"route": {"serialize": "saved-model"}, "model": {"kind": "builder"}}, built)


def signature(built):
    """The option that names the signature to convert, where it is not the usual one."""
    return {} if built.signature in (None, "serving_default") else {"signature_def": built.signature}


def tensorflowjs_converter(*arguments):
    """Run the converter's command line in a process of its own; what it raises is raised here."""
    from tfjs_case import convert

    convert.command([sys.executable, "-c", convert.ENTRY], list(arguments), WEB_MODEL)


def predict(tf, model):
    """Python's predictions on the inputs of the bundle, for TensorFlow.js to compare with."""
    from tfjs_case import build, signatures, tensors

    built = model if isinstance(model, build.Built) else build.Built(model)
    batches, _, _ = tensors.read(file("inputs"))
    _, noise, random = tensors.read(file("expected"))
    logits_noise = tensors.logits_noise(file("expected"))
    own = signatures.signature(tf, {"model": {}}, built, built.inputs)
    # By their order: Keras counts names of layers up.
    batches = [[(spec.name, array) for spec, (_, array) in zip(own.specs, batch)] for batch in batches]
    tensors.write("inputs", batches)
    predicted = [own.predict_with_logits(batch) for batch in batches]
    logits = [{name: each for name, each in found.items() if name in logits_noise} for _, found in predicted]
    tensors.write("expected", [outputs for outputs, _ in predicted], noise, random, logits, logits_noise)


def load_in_tensorflowjs(folder=WORK):
    """Load and run in TensorFlow.js what ``folder`` holds: web_model and, to compare, inputs and expected. Ends it."""
    print("== TensorFlow.js", flush=True)
    node, npm = shutil.which("node"), shutil.which("npm")
    installed = os.path.isdir(file("node_modules", "@tensorflow", "tfjs"))
    if node is None or (npm is None and not installed):
        print("Node.js and npm are needed for this half: https://nodejs.org\nthen run this script again")
        _leave(MISSING)
    if not installed:
        print("npm install: TensorFlow.js of package.json, some hundred megabytes", flush=True)
        if subprocess.call([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=HERE) != 0:
            _leave(MISSING)
    subprocess.call([node, file("predict.mjs"), folder])
    try:
        with open(os.path.join(WORK, "tfjs.json"), encoding="utf-8") as seen:
            shown = json.load(seen)
    except (OSError, ValueError):
        shown = {"stage": "load", "message": "TensorFlow.js ended without saying how"}
    _end(shown["stage"], shown["message"])


def finish():
    """End a reproduction whose stages all passed."""
    _state["record"].write("done")
    _end(None, "")


def _end(name, message):
    wanted = _state["shown"]
    print()
    if name == wanted["stage"] and _comparable(message) == _comparable(wanted["message"]):
        print("reproduced: fails at %s: %s" % (name, message[:500]))
        _leave(REPRODUCED)
    print("NOT reproduced. Expected: fails at %s: %s" % (wanted["stage"], wanted["message"][:500]))
    print("This run: " + ("fails at %s: %s" % (name, message[:500]) if name else "nothing failed"))
    _leave(NOT_REPRODUCED)


def _comparable(message):
    """The beginning of a message without what differs from run to run: paths, addresses, counters."""
    if message.startswith("predictions differ"):
        # By how much depends on the processor.
        return "predictions differ"
    return " ".join(_VARIES.sub("", _ABSOLUTE.sub("", message)).split())[:_COMPARED]


def _leave(code):
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    # Threads and exit handlers of what was imported must not keep it alive.
    os._exit(code)
