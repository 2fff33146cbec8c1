"""known-issues, doctor, models."""

from __future__ import annotations

import sys
from typing import Any

import click

from tfjs_compat.cli.console import outputs, print_json
from tfjs_compat.cli.group import cli
from tfjs_compat.errors import RequestError, nearest


@cli.command("known-issues")
@click.argument("issue", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def known_issues(issue: str | None, as_json: bool) -> None:
    """List the catalogue of known issues, or show one ISSUE."""
    from tfjs_compat.cli.views import known_issues as issues
    from tfjs_compat.diagnosis.catalogue import catalogue

    if issue is not None and issue not in catalogue():
        raise RequestError(f"no known issue '{issue}'; {nearest(issue, catalogue())}")
    chosen = [catalogue()[issue]] if issue else list(catalogue().values())
    if as_json:
        print_json(chosen[0] if issue else chosen)
    else:
        issues.show(outputs()[0], chosen, whole=issue is not None)


@cli.command()
@click.option(
    "--runtime",
    type=click.Choice(["node", "browser"]),
    default="node",
    show_default=True,
    help="What is to run TensorFlow.js; browser: a missing one is an error.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(runtime: Any, as_json: bool) -> None:
    """Check this machine: interpreters, uv, index, Node, browser, disk; what would stop a run."""
    from tfjs_compat.cli.views import doctor as health
    from tfjs_compat.system.store import Store
    from tfjs_compat.workflows.doctor import doctor as examine

    findings = examine(Store(), runtime)
    if as_json:
        print_json(findings)
    else:
        health.show(outputs()[0], findings)
    sys.exit(3 if any(one.status == "bad" for one in findings) else 0)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(as_json: bool) -> None:
    """List the example models (zoo:NAME)."""
    from tfjs_compat.cli.views import models as zoo
    from tfjs_compat.matrix.models import zoo_models

    found = zoo_models()
    if as_json:
        print_json(found)
    else:
        zoo.show(outputs()[0], found)
