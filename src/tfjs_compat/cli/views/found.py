"""What a search found, for a terminal and as plain values: the recipe, or why there is none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from tfjs_compat.cli.views.not_found import show_failures
from tfjs_compat.handover.first_load import PROGRAM
from tfjs_compat.handover.recipe import REPAIRED, Recipe
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report.causes import causes
from tfjs_compat.report.grid import Hanging
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.numbers import clock, magnitude
from tfjs_compat.report.words import count, plain, proof, renamed, short
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.remedies import Step
from tfjs_compat.workflows.find import Found, could_not_be_tried

_SHOWN_CAUSES, _NAMED_LAYERS = 12, 4


def as_json(found: Found) -> dict[str, Any]:
    """The contract of ``find --json``, and what else is known."""
    fields = ("combination", "route", "process_env", "requirements", "commands", "uv_commands", "script")
    recipe = {name: getattr(found.recipe, name) for name in fields} if found.recipe is not None else None
    groups = [group for group in causes(found.failures()) if group.kind != "machinery"]
    first = [(group.cases[0], len(group.cases)) for group in groups]
    return {
        "found": found.found,
        "best": found.best,
        "unknown": [{"case": case.id, "message": case.message} for case in found.unknown],
        "recipe": recipe,
        "case": found.case,
        "steps": found.steps,
        "trials": found.trials,
        "kept": found.kept,
        "ruled_out": found.ruled_out,
        "seconds": found.seconds,
        "limits": found.limits,
        "ended": found.ended,
        "decisive": found.narrowed.decisive,
        "alike": [{"newer": newer.id, "older": older.id} for newer, older in found.narrowed.alike],
        "causes": [{"issue": case.issue, "signature": case.signature, "count": number} for case, number in first],
        "left_out": found.left_out,
    }


def show(console: Console, found: Found, output: str) -> None:
    """Print the recipe, or the causes. ``output``: the folder that logs and the recipe are in."""
    _show_unknown(console, found)
    if found.case is not None and found.recipe is not None:
        _show_case(console, found.case, found.steps)
        _show_passed_over(console, found, found.case)
        _show_recipe(console, found.recipe, f"{output}recipe{os.sep}")
    else:
        show_failures(console, found, output)
    kept = f" ({found.kept} known from earlier runs)" if found.kept else ""
    if found.found and not found.best and found.ended is not None:
        console.print(Text(f"\nThe search ended {found.ended}: there may be a better answer.", "bold"))
    without = f", {found.ruled_out} ruled out by their versions" if found.ruled_out else ""
    console.print(Text(f"\n{count(found.trials, 'trial')}{kept}{without}, {clock(found.seconds)}.", "dim"))


def show_converted(console: Console, found: Found, target: Path, logs: str) -> None:
    """Print what was written to ``target`` and how, or why nothing was. ``logs``: the folder that logs are in."""
    if found.case is None:
        show(console, found, logs)
        console.print(Text(f"nothing was written to {target}", "dim"), soft_wrap=True)
        return
    _show_unknown(console, found)
    _show_case(console, found.case, found.steps)
    load = "loadGraphModel" if find_route(found.case.route).format == "graph" else "loadLayersModel"
    console.print(
        Text.assemble("\nwritten: ", (f"{target}{os.sep}model.json", "bold"), f" (tf.{load})"), soft_wrap=True
    )
    if outputs := renamed(found.case):
        console.print(Hanging(Text(f"its outputs by node: {plain(outputs)}"), 0, 2))
    if (target / PROGRAM).is_file():
        console.print(Text(f"to see it predict: {target}{os.sep}{PROGRAM} (its head says how)"), soft_wrap=True)
    console.print(Text(f"its origin and proof: {target}{os.sep}CONVERSION.json"), soft_wrap=True)


def _show_unknown(console: Console, found: Found) -> None:
    """What is preferred to the answer and could not be tried; first, so that the answer is not taken for the best."""
    for line in could_not_be_tried(found.unknown):
        console.print(Hanging(Text(plain(short(line, 600)), "bold"), 0, 2))
    if found.unknown and found.found:
        console.print(Text("This is the best of what could be tried:\n", "bold"))


def _show_case(console: Console, case: CaseResult, steps: Sequence[Step]) -> None:
    combination = case.combination
    largest = case.parity.max_abs if case.parity is not None else None
    numbers = f"; its predictions agree with Python's to {magnitude(largest)}" if largest is not None else ""
    runtime = f" in TensorFlow.js {case.tfjs} ({case.runtime})" if case.tfjs else ""
    head = Text.assemble(
        (plain(case.model), "bold"), " ", ("works", VERDICTS[Verdict.WORKS].style), f"{runtime}{numbers}."
    )
    console.print(Hanging(head, 0, 2))
    if rests_on := proof(case):
        console.print(Hanging(Text(f"its proof: {plain(rests_on)}"), 0, 2))
    if case.message:
        console.print(Hanging(Text(plain(short(case.message, 400)), "bold"), 0, 2))
    keras = f", Keras {case.keras_in_use}" if case.keras_in_use else ""
    versions = f"TensorFlow {combination.tensorflow}, tensorflowjs {combination.tensorflowjs}{keras}"
    console.print(Hanging(Text(f"with {versions}, Python {combination.python}, route {case.route}"), 0, 2))
    if steps:
        console.print(Text("\nWhat it took:", "bold"))
        for step in steps:
            changes = plain(", ".join(step.changes))
            console.print(Text(f"  {step.issue or 'an unknown failure'}: {changes}"), soft_wrap=True)
    for rewrite in case.rewriting.rewrote if case.rewriting is not None else ():
        layers = ", ".join(short(name, 40) for name in rewrite.layers[:_NAMED_LAYERS])
        more = f" and {len(rewrite.layers) - _NAMED_LAYERS} more" if len(rewrite.layers) > _NAMED_LAYERS else ""
        console.print(Text(f"  rewritten: {plain(rewrite.id)} of {plain(layers)}{more}"), soft_wrap=True)
    for repair in case.repairs:
        console.print(Text(f"  repaired: {repair.id}"), soft_wrap=True)


def _show_passed_over(console: Console, found: Found, case: CaseResult) -> None:
    """Why the other TensorFlow releases that were tried are not the answer."""
    causes_of: dict[str, dict[str, None]] = {}
    for failed in (failed for failed in found.failures() if failed.verdict is not Verdict.ERROR):
        version = failed.combination.tensorflow
        if version != case.combination.tensorflow:
            causes_of.setdefault(version, {})[failed.issue or short(failed.signature or failed.message, 60)] = None
    if causes_of:
        console.print(Text("\nPassed over:", "bold"))
    for version, names in list(causes_of.items())[:_SHOWN_CAUSES]:
        # The causes that were cured on the way come first, the one that stayed last.
        last = ", ".join(list(names)[-4:])
        console.print(Hanging(Text(f"TensorFlow {version}: {plain(last)}"), 2, 4))


def _show_recipe(console: Console, recipe: Recipe, folder: str) -> None:
    console.print(Text(f"\nTo do it by hand, in a folder with the files of {folder}:", "bold"), soft_wrap=True)
    for command in recipe.commands:
        console.print(Text(f"  {plain(command)}"), soft_wrap=True)
    first, second = recipe.uv_commands[:2]
    console.print(Text("or with uv, instead of the first two:", "dim"))
    for command in (first, second):
        console.print(Text(f"  {plain(command)}"), soft_wrap=True)
    console.print(Text("convert.py:", "dim"))
    for line in recipe.script.splitlines():
        console.print(Text(f"  {plain(line)}".rstrip()), soft_wrap=True)
    if REPAIRED in recipe.commands[-1]:
        console.print(Text(f"The model to use is in {REPAIRED}.", "dim"))
