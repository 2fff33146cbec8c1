"""What takes a model that was converted already: check, repair."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from tfjs_compat.cli import exit_codes
from tfjs_compat.cli.console import outputs, print_json, stop_on_signal
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.declaring import NamedPath, require, with_options
from tfjs_compat.cli.options.runs import run_request
from tfjs_compat.cli.options.searches import search_request
from tfjs_compat.cli.options.shared import AS_JSON, FORCE, INPUTS, RUNTIME, TARGET, TFJS


@cli.command(short_help="Check a converted model and load it in TensorFlow.js.")
@click.argument("folder", type=NamedPath())
@with_options(TFJS, *RUNTIME, AS_JSON)
def check(folder: Path, as_json: bool, **given: Any) -> None:
    """Check a converted model in FOLDER and load it in TensorFlow.js; needs no TensorFlow.

    FOLDER holds a model.json, or is a case of a run (OUTPUT/cases/ID): its predictions are then compared again.
    Exit code 0: nothing wrong was found; 1: it does not load, or predicts different numbers.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.views import checked

    report = api.check(folder, stop=stop_on_signal(), **given)
    if as_json:
        print_json(report)
    else:
        checked.show(outputs()[0], report)
    sys.exit(exit_codes.of_artifact(report))


@cli.command(short_help="Repair a converted model, and prove it.")
@click.argument("folder", type=NamedPath())
@with_options(TARGET)
@click.option("--reference", metavar="M", help="The model it was converted from: a file, file.py:function, zoo:NAME.")
@with_options(require("What the reference needs: 'tensorflow==2.15.*'."), INPUTS, TFJS, *RUNTIME, FORCE, AS_JSON)
def repair(
    folder: Path, target: Path, reference: str | None, tfjs: str | None, force: bool, as_json: bool, **given: Any
) -> None:
    """Repair the TensorFlow.js model in FOLDER, which Keras 3 or the converter left unusable.

    The result is written once it loads in TensorFlow.js and, with --reference, predicts the same numbers; without a
    reference its numbers are unproven. Exit code 0: written; 1: it cannot be repaired; 2: the request is wrong; 3: the
    machine or the network failed.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.live_progress import on_terminal
    from tfjs_compat.cli.views import repaired

    if reference == "":
        raise click.UsageError("--reference: it is empty\nhint: name the model it came from, or leave it out")
    if reference is None:
        for option, values in (("--require", given["require"]), ("--inputs", given["inputs"])):
            if values:
                raise click.UsageError(f"{option} says nothing without --reference\nhint: name the model it came from")
    out, err = outputs()
    request = search_request({**given, "model": reference}) if reference else None
    stop = stop_on_signal()
    with on_terminal(err, stop) as progress:
        report = api.repair(
            folder,
            target,
            request,
            run_options=run_request(given),
            tfjs=tfjs,
            force=force,
            progress=progress,
            stop=stop,
        )
    if as_json:
        print_json(repaired.as_json(report))
    else:
        repaired.show(out, report, target)
    sys.exit(exit_codes.of_repair(report))
