"""What ships with the tool: known-issues, models."""

from __future__ import annotations

import click

from tfjs_compat.cli.console import outputs, print_json
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.declaring import with_options
from tfjs_compat.cli.options.shared import AS_JSON
from tfjs_compat.errors import RequestError, nearest


@cli.command("known-issues")
@click.argument("issue", required=False)
@with_options(AS_JSON)
def known_issues(issue: str | None, as_json: bool) -> None:
    """List the catalogue of known issues, or show one ISSUE."""
    from tfjs_compat import api
    from tfjs_compat.cli.views import known_issues as view

    catalogue = api.catalogue()
    if issue is not None and issue not in catalogue:
        raise RequestError(f"no known issue '{issue}'\nhint: {nearest(issue, catalogue)}")
    chosen = [catalogue[issue]] if issue is not None else list(catalogue.values())
    if as_json:
        print_json(chosen[0] if issue is not None else chosen)
    else:
        view.show(outputs()[0], chosen, whole=issue is not None)


@cli.command()
@with_options(AS_JSON)
def models(as_json: bool) -> None:
    """List the example models (zoo:NAME)."""
    from tfjs_compat import api
    from tfjs_compat.cli.views import models as view

    found = api.zoo_models()
    if as_json:
        print_json(found)
    else:
        view.show(outputs()[0], found)
