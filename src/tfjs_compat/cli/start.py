"""Where the command starts."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command. While its code is loaded, Ctrl-C ends it as it ends a program, without a traceback."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tfjs_compat.cli.main import main as run

    signal.signal(signal.SIGINT, handler)
    run()
