"""What to look for: ``find`` and ``convert``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from tfjs_compat.cli.options.declaring import FiniteRange, inverted, many, require
from tfjs_compat.cli.options.runs import run_request
from tfjs_compat.cli.options.shared import AS_JSON, HOW, INPUTS, MODELS, PERMISSIONS, RUNTIME
from tfjs_compat.errors import RequestError

if TYPE_CHECKING:
    from tfjs_compat.api import SearchRequest

SEARCH = (
    click.option("--model", "model", required=True, metavar="M", help=MODELS),
    click.option("--signature", "signature", metavar="NAME", help="Which signature of a SavedModel (as M:NAME)."),
    require("A limit: 'tensorflow>=2.19', 'keras>=3', 'numpy<2' [default: tensorflow>=2.13]."),
    many("--python", "python", "V", "Python of the environments."),
    many("--with", "required_packages", "PACKAGE", "A package that has to be installed."),
    click.option("--as-of", "as_of", default="today", metavar="DATE", help="Packages as they were on that date."),
    click.option(
        "--from",
        "installed_from",
        metavar="FILE",
        help="What you have: a requirements file, a uv.lock, or 'active' for the active environment.",
    ),
    click.option(
        "--prefer",
        "prefer",
        type=click.Choice(["newest", "nearest", "oldest"]),
        default="newest",
        show_default=True,
        help="The best answer: the newest versions, the fewest changes to what you have, or the oldest versions.",
    ),
    click.option("--no-repair", "repair", is_flag=True, callback=inverted, help="Never repair the artifact."),
    click.option("--no-rewrite", "rewrite", is_flag=True, callback=inverted, help="Never rewrite the model."),
    click.option(
        "--max-trials", "max_trials", type=click.IntRange(1), metavar="N", help="Stop after N cases were run."
    ),
    click.option("--time", "seconds", type=FiniteRange(1), metavar="SECONDS", help="Stop after that time."),
    click.option("--exhaustive", is_flag=True, help="Try everything, also what is certain to fail or not better."),
    INPUTS,
    *RUNTIME,
    *PERMISSIONS,
    *HOW,
    AS_JSON,
)


_NO_SAVED_MODEL = re.compile(r"^zoo:|\.py(:\w*)?$|\.(keras|h5|hdf5)$")


def search_request(given: Mapping[str, Any]) -> SearchRequest:
    """The search that the parameters of a command mean, and how it runs cases; what neither knows is left out.

    Raises RequestError for a signature of what is no SavedModel.
    """
    from dataclasses import fields

    from tfjs_compat.api import SearchRequest

    if given.get("signature") is not None:
        if _NO_SAVED_MODEL.search(given["model"]):
            raise RequestError(
                f"--signature {given['signature']}: model '{given['model']}' is no SavedModel: it has no signatures"
            )
        given = {**given, "model": f"{given['model']}:{given['signature']}"}
    known = {field.name for field in fields(SearchRequest)}
    own = {name: value for name, value in given.items() if name in known and value is not None}
    return SearchRequest(run_options=run_request({name: given[name] for name in given if name not in own}), **own)
