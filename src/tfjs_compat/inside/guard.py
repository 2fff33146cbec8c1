"""Run a command, and end it and all that it starts when the runner goes.

``python -I -S guard.py COMMAND [ARG …]``, started as the leader of a session, with a socket as standard input whose
other end the runner holds. When the command ends, all it left behind is killed; when the runner shuts the socket or
goes away, however it goes, so is the command: nothing outlives the run it belongs to. One byte "." to the socket says
that nothing is left for sure. Ends the way the command ended.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

sys.path.append(os.path.dirname(os.path.abspath(__file__)))

from tfjs_case import descendants

_ending = threading.Event()


def _kill_all():
    if descendants.kill_descendants():
        with contextlib.suppress(OSError):
            os.write(0, b".")


def _wait_for_the_runner_to_go():
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    _ending.set()
    _kill_all()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main():
    # The group may be sent SIGTERM or SIGINT: that is for the command; the guard then reports how it ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    descendants.become_subreaper()
    try:
        child = subprocess.Popen(
            sys.argv[1:],
            stdin=subprocess.DEVNULL,
            # Ours are 0, 1 and 2; what else is open was passed on purpose.
            close_fds=False,
            preexec_fn=lambda: [signal.signal(s, signal.SIG_DFL) for s in (signal.SIGINT, signal.SIGTERM)],
        )
    except OSError as error:
        sys.stderr.write("cannot start %s: %s\n" % (sys.argv[1], error))
        os._exit(127)
    threading.Thread(target=_wait_for_the_runner_to_go, daemon=True).start()
    code = child.wait()
    if _ending.is_set():
        threading.Event().wait()
    _kill_all()
    if code < 0:
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
