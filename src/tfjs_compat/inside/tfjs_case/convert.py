"""Stages serialize and convert, a pair of functions for each route."""

import os
import re
import shutil
import signal
import subprocess

from tfjs_case import ranges, saved_models, signatures

_OUTSIDE_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MODEL_H5, MODEL_KERAS, SAVED_MODEL, ARTIFACT = "model.h5", "model.keras", "saved_model", "artifact"


class NotAKerasModel(TypeError):
    """A layers route was asked to save what has no layers."""


class ConverterFailed(Exception):
    """The converter's command line ended with an error that it did not explain by an exception."""


def serialize(tf, job, built):
    """Write the model in the form that the route converts, into the current folder."""
    form = job["route"]["serialize"]
    source, model = job["model"], built.model
    if form == "saved-model":
        if source["kind"] == "saved-model":
            shutil.copytree(source["path"], SAVED_MODEL)
        elif built.function is not None:
            tf.saved_model.save(model, SAVED_MODEL, signatures=built.function)
        elif signatures.is_keras_3(model):
            _export(tf, built)
        else:
            saved_models.save(tf, model, SAVED_MODEL)
    elif built.function is not None:
        raise NotAKerasModel("a %s is no Keras model: only the graph route converts it" % type(model).__name__)
    elif source["kind"] == form and job["route"]["command"] and not job.get("rewrite"):
        shutil.copy(source["path"], "model." + form)
    else:
        model.save("model." + form)


def exported_by(tf, built):
    """How a model of Keras 3 is exported where its own ``export`` mistakes its inputs: ``(specs, text)``.

    The tensors that it takes, and its call of ``inputs`` in Python. None where ``model.export`` does.
    """
    model, called = built.model, built.called
    if built.function is not None or not signatures.is_keras_3(model) or ranges.model_inputs(model):
        return None
    # Keras forgets even the shapes where it could not follow the call with symbolic tensors (Layer._maybe_build).
    knows = getattr(model, "_build_shapes_dict", None)
    if not built.inputs and (called is None or (called.is_plain and knows)):
        return None
    specs = signatures.signature(tf, {"model": {}}, built, built.inputs).specs
    text = "model(*inputs, training=False)"
    return specs, called.text if called is not None and len(called.leaves) == len(specs) else text


def _export(tf, built):
    """As ``model.export``; with the signature of its call where that takes every input for float32."""
    model, by = built.model, exported_by(tf, built)
    if by is None:
        model.export(SAVED_MODEL)
        return
    # What model.export does (keras.export.ExportArchive).
    import keras

    specs, _ = by
    tensors = [tf.TensorSpec(spec.shape, spec.dtype, spec.name) for spec in specs]
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", lambda *inputs: _called(built, inputs), input_signature=tensors)
    archive.write_out(SAVED_MODEL)


def _called(built, inputs):
    called = built.called
    if called is None or len(called.leaves) != len(inputs):
        return built.model(*inputs, training=False)
    args, keywords = called.packed(inputs)
    return built.model(*args, **keywords, training=False)


def convert(tfjs, job, built):
    """Convert what ``serialize`` wrote into the folder ``artifact``."""
    route = job["route"]
    if route["command"]:
        program = [job["python"], "-c", ENTRY] if job["converter"] is None else [job["converter"]]
        command(program, route["command"] + route["flags"] + ["model." + route["serialize"], ARTIFACT], ARTIFACT)
    elif route["format"] == "graph":
        options = dict(job["options"])
        if job["model"]["kind"] == "saved-model" and built.signature != "serving_default":
            options["signature_def"] = built.signature
        tfjs.converters.convert_tf_saved_model(SAVED_MODEL, ARTIFACT, **options)
    else:
        tfjs.converters.save_keras_model(built.model, ARTIFACT, **job["options"])


def command(program, arguments, artifact):
    """Run the converter's command line, which is to write the folder ``artifact``; what it raises is raised here."""
    done = subprocess.run(
        program + arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    printed = done.stdout.decode("utf-8", "replace")
    print(printed, flush=True)
    if -done.returncode in _OUTSIDE_SIGNALS:
        # Nothing that the converter does to itself: this case ends as it did.
        os.kill(os.getpid(), -done.returncode)
    if done.returncode == 0 and os.path.exists(os.path.join(artifact, "model.json")):
        return
    raised = list(_PRINTED.finditer(printed))
    if "Traceback (most recent call last)" in printed and raised:
        raise _as_printed(raised[-1].group(1), raised[-1].group(2).strip())
    end = printed.strip().splitlines()[-1:] or ["it printed nothing"]
    what = "with exit code %d" % done.returncode if done.returncode else "without writing a model.json"
    raise ConverterFailed("tensorflowjs_converter ended %s: %s" % (what, end[0]))


def _as_printed(kind, message):
    """An exception of the type that a traceback names, so that it is recorded as if it had been raised here."""
    module, _, name = kind.rpartition(".")
    return type(name, (Exception,), {"__module__": module or "builtins"})(message)


_PRINTED = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception)): ?(.*(?:\n(?! |\w+Error).+)*)", re.MULTILINE)
ENTRY = "import sys; from tensorflowjs.converters.converter import pip_main; sys.exit(pip_main())"
