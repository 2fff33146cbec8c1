"""The inputs that the user gives: a file of arrays, or what a function beside the builder returns."""

import numpy as np


def user_inputs(job, built):
    """``{name or number: array}``, or None where the user gave none. Raises ValueError for a file of objects."""
    if job["inputs_file"]:
        with np.load(job["inputs_file"], allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    if job.get("inputs") is not None:
        return job["inputs"]
    if built.module is None:
        return None
    companion = getattr(built.module, job["model"]["function"] + "_inputs", None)
    found = companion() if callable(companion) else None
    if found is None or isinstance(found, dict):
        return found
    return dict(enumerate(found if isinstance(found, (list, tuple)) else [found]))


def matched(given, specs):
    """``[(name, array), …]`` in the order of the specs, each of its spec's dtype. Raises ValueError."""
    names = [spec.name for spec in specs]
    if set(given) != set(names):
        numbered = all(isinstance(name, int) or str(name).startswith("arr_") for name in given)
        if len(given) != len(specs) or not numbered:
            wanted = ", ".join(names)
            raise ValueError("inputs given for %s; the model takes: %s" % (", ".join(map(str, given)), wanted))
        # By their order; that of arr_10 is after arr_9.
        order = sorted(given, key=lambda name: int(str(name).rpartition("_")[2]))
        given = {spec.name: given[name] for spec, name in zip(specs, order)}
    return [
        (spec.name, np.asarray(given[spec.name], dtype=None if spec.dtype == "string" else spec.dtype))
        for spec in specs
    ]
