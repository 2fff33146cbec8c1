"""The outcome of one trial, before it is diagnosed."""

from __future__ import annotations

import msgspec

from tfjs_compat.outcomes.failures import Failure, Finding
from tfjs_compat.outcomes.interface import Interface
from tfjs_compat.outcomes.parity import Parity
from tfjs_compat.outcomes.reference import Reference
from tfjs_compat.outcomes.rewriting import Rewriting
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.outcomes.wrong_inputs import WrongInputs


class Applied(msgspec.Struct, frozen=True):
    """A repair that changed something: its id and the JSON paths it changed, as they were called before it."""

    id: str
    paths: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """What one trial did, before it is diagnosed.

    ``stage`` is the last one reached. ``failure`` is None where it reached the requested end; ``machinery`` says
    what failed of the machine, or what ended a child from outside, in which case nothing else counts. ``unproven``
    says why predictions could not be compared although the model loads. ``limited``: a limit ended it, which another
    machine may not reach. ``no_sample`` says why Python took no predictions, ``repairs`` what was repaired before the
    check, ``reference`` what the Python model's own predictions are and can prove, ``interface`` which input and
    output of the artifact is which of the model. ``rewritable`` are the rewrites that fit layers of the model on this
    format, ``rewriting`` is what was rewritten where the route asks for it. ``wrong_inputs``: what of the inputs that
    were given is not the model's. ``keras_alone``: all code that built the model takes Keras by ``import keras``.
    ``opened`` are the files and folders that the model's code opened, each with its state (trials/touched.py), those of
    ``place``, the builder's folder, relative to it (``./data.csv``); ``unrepeatable`` says why they may not be all that
    decided, if so.
    ``seconds`` maps a stage to its wall time, ``resolved`` a package to its version in the lock; ``log`` is a
    path relative to the trial's folder.
    """

    stage: Stage
    failure: Failure | None = None
    machinery: str | None = None
    findings: tuple[Finding, ...] = ()
    parity: Parity | None = None
    unproven: str | None = None
    seconds: dict[str, float] = {}
    resolved: dict[str, str] = {}
    lock: str | None = None
    log: str | None = None
    tfjs: str | None = None
    runtime: str | None = None
    keras_in_use: str | None = None
    limited: bool = False
    no_sample: str | None = None
    repairs: tuple[Applied, ...] = ()
    reference: Reference | None = None
    opened: tuple[tuple[str, str], ...] = ()
    place: str = ""
    unrepeatable: str | None = None
    interface: Interface | None = None
    rewritable: tuple[str, ...] = ()
    rewriting: Rewriting | None = None
    wrong_inputs: WrongInputs | None = None
    keras_alone: bool = False

    @property
    def unrepairable(self) -> tuple[str, ...]:
        """The errors of the artifact, by id, that its repair leaves; empty where no look at it failed the case."""
        return self.failure.unrepairable if self.failure is not None else ()
