"""Cases in an environment's Python: import, build, serialize, convert.

``python -I worker.py JOB.json`` runs one case. ``python -I worker.py --serve FD RECORD`` imports once, then forks a
child for each job that comes over the Unix socket FD, so that a case costs its own work only and still has its own
process. ``--confine FOLDER`` prints what a case can be kept from here. A job is a JSON object written by trials/job.py;
what happens goes to the job's record, line by line.
Python >= 3.8; imports nothing of tfjs_compat.
"""

import array
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
import time
import traceback

sys.path.append(os.path.dirname(os.path.abspath(__file__)))

from tfjs_case import autograph_cache, confine, descendants, opened
from tfjs_case.record import Record, describe

STAGES = ("import", "build", "serialize", "convert")
FAILED = 70


def import_packages(record):
    """Stage import. The modules, for the stages after it."""
    with record.stage("import"), _without_collecting():
        import tensorflow as tf
        import tensorflowjs as tfjs

        tf.keras.Model  # noqa: B018 (resolved lazily: which Keras this is, and whether it is there, shows here)
        keras = sys.modules.get(tf.keras.Model.__module__.split(".")[0])
        record.write("facts", keras=getattr(tf.keras, "__version__", getattr(keras, "__version__", None)))
    from tfjs_case import build, convert, counterparts, keras_source, reference, rewriting, tensors  # noqa: F401 (a server's children find them loaded)

    return tf, tfjs


@contextlib.contextmanager
def _without_collecting():
    """Importing makes a million objects that stay: looking through them for garbage again and again takes a fifth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def enter(job, record):
    """Go into the case's folder, confined to it if the job says so; what its code opens is recorded from here on."""
    if job["file_size"] is not None:
        limit_files(job["file_size"])
    if job["confine"] is not None:
        record.confined = sorted(confine.confine(**job["confine"]))
        record.write("confined", in_force=record.confined)
    record.opened = opened.Opened(
        job["known"], job["watch"], network="network" not in record.confined, modules=job["model"]["search"]
    )
    os.chdir(job["folder"])


def limit_files(size):
    """Let a file that is to grow beyond so many bytes end whoever writes it, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        # Python ignores the signal, and says EFBIG as if the disk were at fault.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def run_case(job, record, tf, tfjs):
    """The stages after import, up to the job's last one."""
    from tfjs_case import build, convert, keras_source, rewriting

    stages = STAGES[: STAGES.index(job["until"]) + 1]
    if "build" not in stages:
        return
    record.opened.wrap_libraries()
    with record.stage("build"):
        built = build.build(tf, job)
        # A script that says "import keras" gets Keras 3 whatever tf.keras is.
        alone = built.module is not None and keras_source.is_keras_alone(job["model"]["search"], built.module)
        record.write("facts", keras=build.keras_of(built.model), alone=alone)
        record.write("rewritable", rewrites=rewriting.fitting(built, job["route"]["format"]))
    # Wherever a builder went to find its files: what is written from here on belongs into the case's folder.
    os.chdir(job["folder"])
    if "serialize" not in stages:
        return
    taken = take_sample(tf, job, built, record) if job["sample"] else None
    with record.stage("serialize"):
        if job["rewrite"]:
            built, facts = rewriting.rewritten(tf, job, built, taken)
            record.write("rewritten", rewriting=facts)
        convert.serialize(tf, job, built)
    if "convert" not in stages:
        return
    # What the converter opens and starts is not the model's.
    record.write_opened("opened")
    with record.stage("convert"), _saying_what_is_lacking(tf, built, record):
        convert.convert(tfjs, job, built)
        if not os.path.exists(os.path.join("artifact", "model.json")):
            raise convert.ConverterFailed("the converter ended without writing a model.json")


@contextlib.contextmanager
def _saying_what_is_lacking(tf, built, record):
    """Where a graph is not converted: write which of its operations no release of TensorFlow.js has."""
    from tfjs_case import convert, counterparts

    try:
        yield
    except Exception:
        with contextlib.suppress(Exception):
            if os.path.isdir(convert.SAVED_MODEL):
                record.write("lacking", **counterparts.lacking(tf, built, convert.SAVED_MODEL))
        raise


def take_sample(tf, job, built, record):
    """The model's own predictions, written with their inputs; where there are none the record says why (None)."""
    from tfjs_case import given, reference, tensors

    started = time.monotonic()
    try:
        taken = reference.take(tf, job, built)
        tensors.write("inputs", [inputs for inputs, _ in taken.batches])
        outputs = [outputs for _, outputs in taken.batches]
        tensors.write("expected", outputs, taken.noise, taken.random, taken.logits, taken.logits_noise)
        record.write("sample", seconds=round(time.monotonic() - started, 4), reference=taken.facts)
        return taken
    except given.WrongInputs as error:
        record.write("wrong-inputs", inputs=error.facts)
        if job["inputs_file"]:
            # The request is wrong: what comes of the model without them was not asked.
            raise
        return None
    except Exception as error:
        record.write("no-sample", chain=describe(error))
        return None


def conclude(record, work):
    """Run ``work`` and end the process: with 0 and "done" in the record, or with FAILED and the failure in it."""
    try:
        work()
    except BaseException as error:
        record.write_opened("opened")
        record.failure(error)
        traceback.print_exc()
        _flush()
        # Not sys.exit: threads and exit handlers of what was imported must not keep a failed case alive.
        os._exit(FAILED)
    record.write_opened("opened")
    record.write("done")
    _flush()
    os._exit(0)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def serve(connection, record):
    """Import, say so, then run each job in a fork until the socket closes. One job at a time."""
    # Of the packages every file is known, and what is opened beside them is not: settings of the user's.
    record.opened = opened.Opened([os.environ["HOME"], *sys.path, *opened.LIBRARIES], modules=[os.getcwd()])
    try:
        tf, tfjs = import_packages(record)
        record.opened.forget_processes()
        record.write_opened("opened-at-import")
    except BaseException as error:
        record.failure(error)
        traceback.print_exc()
        _flush()
        os._exit(FAILED)
    descendants.become_subreaper()
    _keep_loaded()
    child_ended = _wake_on_child_end()
    _send(connection, {"ready": os.getpid()})
    warmer = autograph_cache.Warmer()
    while True:
        request, descriptors = _receive(connection)
        if request is None:
            os._exit(0)
        if "job" not in request:
            # The case that was to be killed had ended.
            continue
        _flush()
        pid = os.fork()
        if pid == 0:
            try:
                connection.close()
                _become(request, descriptors[0], child_ended)
                with open(request["job"], encoding="utf-8") as file:
                    job = json.load(file)
                record.close()
                own = Record(job["record"])
                enter(job, own)
            except BaseException:
                # Nothing of the case has begun, and the server's own end is not the child's.
                _flush()
                # At once: whoever reads it looks for its last line.
                os.write(2, traceback.format_exc().encode("utf-8", "replace"))
                os._exit(FAILED)

            def work(job=job, own=own, request=request):
                try:
                    run_case(job, own, tf, tfjs)
                finally:
                    autograph_cache.export(request["env"]["HOME"])

            conclude(own, work)
        for descriptor in descriptors:
            os.close(descriptor)
        _send(connection, {"begun": True})
        code = _wait(pid, connection, child_ended[0])
        nothing_left = descendants.kill_descendants()
        places = autograph_cache.load(request["env"]["HOME"])
        _send(connection, {"exit_code": code, "nothing_left": nothing_left})
        # While TensorFlow.js checks what the case converted.
        if warmer.warm(places):
            _keep_loaded()


def _wake_on_child_end():
    """A pipe whose first end becomes readable whenever a child of this process has ended."""
    reading, writing = os.pipe()
    for descriptor in (reading, writing):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading, writing


def _wait(pid, connection, child_ended):
    """The exit code of a case (negative: a signal). Kills it where the runner says so, who cannot be sure of its id."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        readable, _, _ = select.select([connection, child_ended], [], [])
        if child_ended in readable:
            os.read(child_ended, 1 << 12)
        if connection in readable:
            request, _ = _receive(connection)
            if request is None:
                # The guard kills what this leaves.
                os._exit(0)
            os.kill(pid, signal.SIGKILL)


def _keep_loaded():
    """Take all that is loaded out of the garbage collector's sight: a case that looks through it copies all its pages.

    A full collection of what TensorFlow loads takes 0.2 s, and a case with a graph makes one or two.
    """
    gc.freeze()


def _become(request, output, child_ended):
    """Make a forked child a process of its own: session, signals, output, environment."""
    os.setsid()
    # asyncio of Python 3.12 and later has unset it already in a fork (asyncio/events.py), if anything imported that.
    signal.set_wakeup_fd(-1)
    for descriptor in child_ended:
        os.close(descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if output > 2:
        os.close(output)
    os.environ.update(request["env"])
    tempfile.tempdir = None


def _send(connection, message):
    connection.sendall(json.dumps(message).encode() + b"\n")


def _receive(connection):
    """A request, one message of a line, and the file descriptors that came with it; (None, []) at the end."""
    descriptors, data = array.array("i"), b""
    while not data.endswith(b"\n"):
        chunk, ancillary, _, _ = connection.recvmsg(1 << 16, socket.CMSG_LEN(4 * descriptors.itemsize))
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
        if not chunk:
            return None, []
        data += chunk
    return json.loads(data.decode()), list(descriptors)


def main():
    # Not as an exception: who is sent SIGINT did not fail by itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.argv[1] == "--confine":
        print(*sorted(confine.confine([sys.argv[2]], network=False)))
        return
    if sys.argv[1] == "--serve":
        connection = socket.socket(fileno=int(sys.argv[2]))
        # Children of children must not hold the socket open.
        connection.set_inheritable(False)
        serve(connection, Record(sys.argv[3]))
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    record = Record(job["record"])
    enter(job, record)

    def work():
        tf, tfjs = import_packages(record)
        record.opened.forget_processes()
        run_case(job, record, tf, tfjs)

    conclude(record, work)


if __name__ == "__main__":
    main()
