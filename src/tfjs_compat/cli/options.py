"""The options that several commands share, and the request they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_STAGES = ("resolve", "install", "import", "build", "serialize", "convert", "check", "load", "predict")


def matrix_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what to run, shared by run and plan."""
    many = [
        ("--tensorflow", "V", "TensorFlow release or range: 2.16.1, '>=2.15,<2.18', newest."),
        ("--tensorflowjs", "V", "Converter release or range."),
        ("--keras", "V", "Keras release or range; 'resolved': what the resolver gives."),
        ("--python", "V", "Python of the environments: 3.11; 'auto': by TensorFlow's wheels."),
        ("--as-of", "DATE", "Packages as they were on that date (2024-04-10); 'today'."),
        ("--process-env", "NAME", "Process variables: default, legacy-keras, no-onednn, joined by +."),
        ("--constraint", "REQ", "A constraint on every combination: 'setuptools<81'."),
        ("--stand-in", "PACKAGE", "Leave a package out, with an empty module in its place."),
        ("--tfjs-runtime", "V", "TensorFlow.js that loads the result: a version, default, converter."),
        ("--model", "M", "file.py:function, package.module:function, a .keras or .h5, a SavedModel, zoo:NAME."),
        ("--route", "R", "How to convert: layers, keras-h5, keras-v3, graph; graph+control-flow-v2, layers+repair, …"),
        ("--only", "GLOB", "Only cases whose id or combination fits: 'tf2.16*'."),
    ]
    once = [
        click.option("--until", type=click.Choice(_STAGES), help="Stop after this stage."),
        click.option("--jobs", type=click.IntRange(1), metavar="N", help="At once; by cores and memory if not given."),
        click.option("--no-cache", is_flag=True, help="Resolve and run everything anew."),
        click.option("--source-builds", is_flag=True, help="Let packages without a wheel be built."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout instead of tables."),
    ]
    for option in reversed(once):
        command = option(command)
    for flag, metavar, text in reversed(many):
        command = click.option(flag, multiple=True, metavar=metavar, help=text + " Repeatable.")(command)
    return click.argument("matrix", required=False)(command)


def run_request(options: dict[str, Any], **more: Any) -> Any:
    from tfjs_compat.engine.request import RunRequest
    from tfjs_compat.outcomes.stages import Stage

    names = ("tensorflow", "tensorflowjs", "keras", "python", "as_of", "process_env", "tfjs_runtime")
    axes: dict[str, Any] = {name: list(options[name]) for name in names}
    axes["stand_ins"] = [list(options["stand_in"])] if options["stand_in"] else []
    axes["constraints"] = [list(options["constraint"])] if options["constraint"] else []
    return RunRequest(
        matrix=options["matrix"],
        axes=axes,
        models=options["model"],
        routes=options["route"],
        only=options["only"],
        until=Stage(options["until"]) if options["until"] else None,
        jobs=options["jobs"],
        fresh=options["no_cache"],
        source_builds=options["source_builds"],
        **more,
    )
