import errno

import pytest

from tfjs_compat.outcomes.failures import Failure, Raised, is_machinery
from tfjs_compat.outcomes.stages import Stage


def failed(*chain: Raised) -> Failure:
    return Failure(Stage.BUILD, "it failed", chain)


def test_stages_are_in_the_order_in_which_they_happen() -> None:
    names = ["resolve", "install", "import", "build", "serialize", "convert", "check", "load", "predict"]
    assert [str(stage) for stage in sorted(Stage, key=lambda stage: stage.rank)] == names


@pytest.mark.parametrize(
    "raised",
    [
        Raised("OSError", "[Errno 28] No space left on device: 'model.h5'", errno=errno.ENOSPC),
        Raised("OSError", "[Errno 122] Disk quota exceeded", errno=errno.EDQUOT),
        Raised("OSError", "[Errno 24] Too many open files: '/proc/1'", errno=errno.EMFILE),
        Raised("OSError", "[Errno 5] Input/output error", errno=errno.EIO),
        Raised("OSError", "[Errno 30] Read-only file system: 'x'", errno=errno.EROFS),
        Raised(
            "OSError", "Can't write data (file write failed: errno = 28, error message = 'No space left on device')"
        ),
        Raised(
            "tensorflow.python.framework.errors_impl.ResourceExhaustedError", "saved_model; No space left on device"
        ),
        Raised("BlockingIOError", "[Errno 11] Resource temporarily unavailable", errno=errno.EAGAIN),
        Raised("OSError", "[Errno 12] Cannot allocate memory", errno=errno.ENOMEM),
        Raised("RuntimeError", "can't start new thread"),
        Raised("ImportError", "libtensorflow_cc.so.2: failed to map segment from shared object"),
        Raised("ImportError", "libstdc++.so.6: cannot open shared object file: Too many open files"),
        Raised("Error", "ENOMEM: not enough memory, read"),
        Raised("urllib.error.URLError", "<urlopen error timed out>"),
        Raised("ConnectionResetError", "[Errno 104] Connection reset by peer", errno=errno.ECONNRESET),
        Raised(
            "Exception",
            "URL fetch failure on https://storage.googleapis.com/x.h5: None -- [Errno -3] Temporary failure in name "
            "resolution",
        ),
    ],
    ids=lambda failure: failure.message[:30],
)
def test_a_fault_of_the_machine_or_network_is_the_machinery_s(raised: Raised) -> None:
    assert is_machinery(failed(raised))
    outer = Raised("ValueError", "the weights could not be had")
    assert is_machinery(failed(outer, Raised(raised.type, raised.message, link="cause", errno=raised.errno)))


@pytest.mark.parametrize(
    "raised",
    [
        Raised("FileNotFoundError", "[Errno 2] No such file or directory: 'vocabulary.txt'", errno=errno.ENOENT),
        Raised("PermissionError", "[Errno 13] Permission denied: '/data'", errno=errno.EACCES),
        Raised("MemoryError", "Unable to allocate 3 GiB"),
        Raised("ImportError", "libgomp.so.1: cannot allocate memory in static TLS block"),
        Raised("ModuleNotFoundError", "No module named 'pkg_resources'"),
        Raised("Exception", "Error dumping weights, duplicate weight name kernel"),
        Raised("OSError", "Unable to synchronously open file (file signature not found)"),
        Raised("myproject.ConnectionErrors", "a layer connects to nothing"),
        Raised("ValueError", "Device placement: no kernel on device"),
    ],
    ids=lambda failure: failure.message[:30],
)
def test_what_the_case_itself_does_is_not(raised: Raised) -> None:
    assert not is_machinery(failed(raised))


def test_without_an_exception_nothing_is_blamed_on_the_machine() -> None:
    assert not is_machinery(Failure(Stage.LOAD, "the case was killed: No space left on device"))


def test_the_root_is_the_innermost_explicit_cause() -> None:
    outer, cause = Raised("A", "outer"), Raised("B", "cause", link="cause")
    deeper, aside = Raised("C", "deeper", link="cause"), Raised("D", "while handling", link="context")
    assert failed(outer, cause, deeper).root == deeper
    assert failed(outer, cause, aside, Raised("E", "x", link="cause")).root == cause
    assert failed(outer, aside).root == outer
    assert failed().root is None
