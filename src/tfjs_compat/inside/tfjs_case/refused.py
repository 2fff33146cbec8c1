"""Whether a case failed because it is confined: by what the exceptions say. Python >= 3.8.

Imports nothing of tfjs_compat.
"""

import errno
import os
import re

NETWORK, WRITE, MEMORY = "NetworkNotAllowed", "WriteNotAllowed", "SharedMemoryFull"

# As Python, requests, Keras and the C libraries below TensorFlow say that nothing can be reached.
_NO_NETWORK = re.compile(
    r"URL fetch failure on|name resolution|[Cc]ould ?n[o']t resolve host|Network is unreachable|Failed to resolve"
    r"|Name or service not known|No address associated with hostname|Max retries exceeded with url"
)
_NO_NETWORK_TYPES = re.compile(r"(^|\.)(gaierror|URLError)$")
_READ_ONLY = re.compile(r"Read-only file system")
_FILE = re.compile(r"(?:name = |open |^|: )'?(/[^'\n;,]+)")


def refusal(chain, confined):
    """The head of a chain of exceptions that says what a case was kept from, or None where that is not why it failed.

    ``chain``: what ``describe`` gives; ``confined``: what the case is kept from. Marks the first of the chain as the
    cause of the head.
    """
    for raised in chain:
        text = raised["message"]
        if "network" in confined and (_NO_NETWORK.search(text) or _NO_NETWORK_TYPES.search(raised["type"])):
            return _head(chain, NETWORK, "the model uses the network, which it is not allowed to: " + text[:300])
        if "writes" in confined and _is_refused_write(raised):
            where = raised.get("file") or (_FILE.search(text) or [None, "a file"])[1]
            return _head(chain, WRITE, "the model writes outside its folder, which it is not allowed to: " + where)
        if "writes" in confined and raised.get("errno") == errno.ENOSPC and _is_shared_memory_full():
            return _head(chain, MEMORY, "the model filled /dev/shm, of which a case has 1 GiB")
    return None


def _is_shared_memory_full():
    try:
        return os.statvfs("/dev/shm").f_bavail == 0
    except OSError:
        return False


def _is_refused_write(raised):
    if raised.get("errno") == errno.EROFS or _READ_ONLY.search(raised["message"]):
        return True
    path = raised.get("file")
    if raised.get("errno") not in (errno.EACCES, errno.EPERM) or not path:
        return False
    # By its permissions it could be written to (access(2) knows nothing of Landlock): who refused is not the owner.
    return os.access(path if os.path.lexists(path) else os.path.dirname(path) or ".", os.W_OK)


def _head(chain, kind, message):
    chain[0]["link"] = "cause"
    return {"type": kind, "message": message, "raised_in": "", "through": [], "link": None}
