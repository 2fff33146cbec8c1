"""env list, path, remove, gc, verify."""

from __future__ import annotations

import sys

import click

from tfjs_compat.cli import exit_codes
from tfjs_compat.cli.console import outputs, print_json, stop_on_signal
from tfjs_compat.cli.group import CommandGroup, cli
from tfjs_compat.cli.options.declaring import FiniteRange


@cli.group(cls=CommandGroup)
def env() -> None:
    """The environments that runs have built: list, path, remove, gc, verify."""


@env.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def env_list(as_json: bool) -> None:
    """List environments with their sizes; files shared by several count once in the total."""
    from tfjs_compat.cli.views import environments as view
    from tfjs_compat.environments import disk_usage, registry
    from tfjs_compat.system.store import Store

    store = Store()
    found = registry.list_environments(store)
    sizes, total = disk_usage.sizes(found, store)
    if as_json:
        print_json({"environments": view.rows(found, sizes), "bytes": total})
    else:
        view.show(outputs()[0], found, sizes, total)


@env.command("path")
@click.argument("id")
def env_path(id: str) -> None:
    """Print the folder of an environment's virtualenv. The beginning of its ID is enough."""
    from tfjs_compat.environments import registry
    from tfjs_compat.system.store import Store

    click.echo(registry.find(id, Store()).root / "venv")


def _say_waiting(lock: str) -> None:
    click.echo(f"waiting for another run, which holds the lock '{lock}' of the store", err=True)


@env.command("remove")
@click.argument("ids", nargs=-1, required=True)
def env_remove(ids: tuple[str, ...]) -> None:
    """Remove environments. The beginning of an ID is enough."""
    from tfjs_compat.environments import registry
    from tfjs_compat.system.store import Store

    store = Store(waiting=_say_waiting)
    for environment in [registry.find(prefix, store) for prefix in ids]:
        registry.remove(environment, store)
        click.echo(f"removed {environment.id}")


@env.command("gc")
@click.option("--unused-days", type=FiniteRange(0), default=30.0, show_default=True, metavar="N")
def env_gc(unused_days: float) -> None:
    """Remove from the store what is broken, left over or was not used for a while; what a run uses stays."""
    from tfjs_compat.system.store import Store
    from tfjs_compat.workflows.garbage import collect_garbage

    removed = collect_garbage(Store(waiting=_say_waiting), unused_days=unused_days)
    ids = removed.environments
    click.echo(f"removed {len(ids)}" + (f": {', '.join(ids)}" if ids else ""))
    if removed.entries:
        click.echo("beside them: " + ", ".join(f"{count} in {folder}" for folder, count in removed.entries.items()))


@env.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def env_verify(as_json: bool) -> None:
    """Compare what the store holds with what was unpacked, and mend what is damaged: reads all of it."""
    from tfjs_compat.cli.views import environments as view
    from tfjs_compat.system.context import Context
    from tfjs_compat.system.store import Store
    from tfjs_compat.workflows.verify import verify

    verified = verify(Context(Store(waiting=_say_waiting), stop=stop_on_signal()))
    if as_json:
        print_json(verified)
    else:
        view.show_verified(verified)
    sys.exit(exit_codes.of_verified(verified))
