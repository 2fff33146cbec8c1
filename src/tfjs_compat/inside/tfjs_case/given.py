"""The inputs that the user gives: a file of arrays, or what a function beside the builder returns."""

import re

import numpy as np

_NUMBERED = re.compile(r"(input|inputs|input_layer|keras_tensor|args)(_\d+)?")
_BY_LAYER = re.compile(r"\w+_input")
"""Names that Keras makes up: another release gives others (``input_1`` of Keras 2 is ``input_layer`` in Keras 3)."""


class WrongInputs(ValueError):
    """The inputs are not those of the model. ``facts``: an outcomes.WrongInputs."""

    def __init__(self, problem, name, given, specs):
        super().__init__("the inputs given do not fit the model: %s of %s" % (problem, name))
        self.facts = {
            "problem": problem,
            "name": str(name),
            "given": [_described(name, _dtype(array), np.shape(array)) for name, array in given.items()],
            "takes": [_described(spec.name, str(spec.dtype), spec.shape) for spec in specs],
        }


def _described(name, dtype, shape):
    return {"name": str(name), "dtype": dtype, "shape": [None if size is None else int(size) for size in shape]}


def _dtype(array):
    dtype = np.asarray(array).dtype
    return "string" if dtype.kind in "OSU" else dtype.name


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
    """``[(name, array), …]`` in the order of the specs, each of its spec's dtype. Raises WrongInputs."""
    by_name = _by_name(given, specs)
    found = []
    for spec in specs:
        said, array = by_name[spec.name]
        if not _fits(np.shape(array), spec.shape):
            raise WrongInputs("shape", said, given, specs)
        converted = _converted(np.asarray(array), str(spec.dtype))
        if converted is None:
            raise WrongInputs("dtype", said, given, specs)
        found.append((spec.name, converted))
    return found


def _by_name(given, specs):
    """The name of each spec → the name or number under which it was given, and its array."""
    names = [spec.name for spec in specs]
    if set(given) == set(names):
        return {name: (name, given[name]) for name in names}
    if _go_by_order(given, names):
        # By their order; that of arr_10 is after arr_9.
        in_order = sorted(names, key=_number) if _made_up(names) else names
        return {name: (said, given[said]) for name, said in zip(in_order, sorted(given, key=_number))}
    if _are_numbers(given):
        raise WrongInputs("count", next(iter(given), ""), given, specs)
    for name in given:
        if name not in names:
            raise WrongInputs("unknown", name, given, specs)
    raise WrongInputs("missing", next(name for name in names if name not in given), given, specs)


def _are_numbers(given):
    return all(isinstance(name, int) or str(name).startswith("arr_") for name in given)


def _go_by_order(given, names):
    """Also for a model that names its inputs: how a model is called tells more names in one release than in another."""
    return len(given) == len(names) and (_are_numbers(given) or _made_up(given))


def _made_up(names):
    """Whether these are names of Keras's own, and so no more than an order."""
    one = len(names) == 1
    return all(
        isinstance(name, str) and bool(_NUMBERED.fullmatch(name) or (one and _BY_LAYER.fullmatch(name)))
        for name in names
    )


def _number(name):
    digits = str(name).rpartition("_")[2]
    return int(digits) if digits.isdigit() else -1


def _fits(shape, wanted):
    # Of no rows nothing is predicted.
    if wanted and wanted[0] is None and shape and shape[0] == 0:
        return False
    # A single open dimension is also what stands for a shape of which nothing is known.
    if list(wanted) == [None]:
        return True
    return len(shape) == len(wanted) and all(size is None or size == own for own, size in zip(shape, wanted))


def _converted(array, dtype):
    """The array in a dtype, or None where its values are others there: texts for numbers, fractions for integers."""
    is_text = array.dtype.kind in "OSU"
    if is_text or dtype == "string":
        return array if is_text and dtype == "string" else None
    if array.dtype.kind == "c" and not dtype.startswith("complex"):
        return None
    with np.errstate(all="ignore"):
        converted = np.asarray(array, dtype=dtype)
    exact = converted.dtype.kind in "iub"
    return converted if not exact or bool(np.all(converted == array)) else None
