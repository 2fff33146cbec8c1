"""The record of a case: one JSON object a line, written as things happen, so that a kill loses nothing."""

import contextlib
import json
import time

from tfjs_case import refused

_MOST_TEXT = 4000


def clip(text):
    """A text cut in its middle: what Keras has to say stands at the start or after a dump of the whole model."""
    if len(text) <= _MOST_TEXT:
        return text
    half = _MOST_TEXT // 2
    return text[:half] + " [...] " + text[-half:]


class Record:
    """Appends events to a file. ``stage_now`` is the stage that runs now, ``confined`` what the case is kept from."""

    def __init__(self, path):
        self._file = open(path, "ab")
        self.stage_now = None
        self.confined = []
        self.opened = None

    def write_opened(self, event):
        """Say what was opened until now, and record no more of it."""
        if self.opened is not None:
            found, self.opened = self.opened, None
            self.write(event, **found.close())

    def close(self):
        """Give up the file: it is not this process's to write."""
        self._file.close()

    def write(self, event, **values):
        line = json.dumps(dict(values, event=event), default=str, ensure_ascii=False) + "\n"
        # A message may hold lone surrogates (a file name that is no UTF-8): no reader takes those.
        self._file.write(line.encode("utf-8", "replace"))
        # Enough for the record to outlive the process, however it dies.
        self._file.flush()

    @contextlib.contextmanager
    def stage(self, name):
        self.stage_now = name
        self.write("stage", stage=name, status="start")
        started = time.monotonic()
        yield
        self.write("stage", stage=name, status="done", seconds=round(time.monotonic() - started, 4))

    def failure(self, error):
        chain = describe(error)
        refusal = refused.refusal(chain, self.confined)
        self.write("failure", stage=self.stage_now, chain=[refusal, *chain] if refusal is not None else chain)


def describe(error):
    """An exception and what led to it, outermost first."""
    chain, link, seen = [], None, set()
    while error is not None and id(error) not in seen and len(chain) < 8:
        seen.add(id(error))
        chain.append(_one(error, link))
        if error.__cause__ is not None:
            error, link = error.__cause__, "cause"
        elif not error.__suppress_context__:
            error, link = error.__context__, "context"
        else:
            error = None
    return chain


def _one(error, link):
    kind = type(error)
    prefix = "" if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "."
    try:
        message = str(error)
    except Exception as broken:
        message = "(its message cannot be read: %s)" % type(broken).__name__
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(str(trace.tb_frame.f_globals.get("__name__", "")))
        trace = trace.tb_next
    described = {
        "type": prefix + kind.__qualname__,
        "message": clip(message),
        "raised_in": frames[-1] if frames else "",
        "through": list(dict.fromkeys(frames))[-12:],
        "link": link,
    }
    if isinstance(error, OSError) and error.errno is not None:
        described["errno"] = error.errno
        if isinstance(error.filename, str):
            described["file"] = clip(error.filename)
    return described
