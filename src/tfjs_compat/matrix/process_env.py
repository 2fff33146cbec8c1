"""Named sets of environment variables for the child processes that convert: the values of the axis ``process_env``."""

from __future__ import annotations

from tfjs_compat.errors import RequestError, nearest

PROCESS_ENVS: dict[str, dict[str, str]] = {
    "default": {},
    # tensorflow reads this at import: tf.keras becomes tf_keras (tensorflow/python/util/lazy_loader.py).
    "legacy-keras": {"TF_USE_LEGACY_KERAS": "1"},
    # Without oneDNN grappler leaves out the _Mkl and most of the _Fused ops that TensorFlow.js does not have.
    "no-onednn": {"TF_ENABLE_ONEDNN_OPTS": "0"},
}


def process_variables(name: str, own: dict[str, dict[str, str]]) -> dict[str, str]:
    """The variables of a set, or of several joined by ``+``, where a later set wins.

    ``own`` are the sets of the matrix, which win over those of the same name here. Raises RequestError for a name that
    is unknown.
    """
    known = {**PROCESS_ENVS, **own}
    merged: dict[str, str] = {}
    for part in name.split("+"):
        if part not in known:
            raise RequestError(f"process_env '{part}': no such set of variables\nhint: {nearest(part, known)}")
        merged.update(known[part])
    return merged
