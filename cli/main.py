"""`tapewatch`: the one console command. Each verb is a module of this folder, imported when it is called.

A verb's module has a function of the verb's name, or a Typer `app` where it has commands of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import typer

from core.errors import ConfigError, InvalidInput, TapewatchError


@dataclass(frozen=True, slots=True)
class Verb:
    """`beside`: it talks to the stack that runs in the data folder, unless TAPEWATCH_* says otherwise."""

    name: str
    module: str
    beside: bool = False


VERBS = (
    Verb("up", "cli.up"),
    Verb("status", "cli.status"),
    Verb("doctor", "cli.doctor", beside=True),
    Verb("migrate", "cli.migrate", beside=True),
    Verb("replay", "cli.replay"),
    Verb("pipelines", "cli.pipelines", beside=True),
    Verb("executions", "cli.executions", beside=True),
    Verb("history", "cli.history", beside=True),
    Verb("fire", "cli.fire", beside=True),
    Verb("credentials", "cli.credentials", beside=True),
    Verb("bench", "cli.bench"),
)
_ABOUT = """Watch the market tape and run your chain of agents the moment a trigger becomes true.

Start everything on this machine with **tapewatch up** and open the address it prints. Beside it, in another
terminal: **status** says how every part is, **pipelines** keeps your pipelines as text, **replay** runs them
over recorded trades, **history** brings candles and trades of files into the history. Settings are TAPEWATCH_*
variables, listed in .env.example."""


def app() -> None:
    """Run the command line and leave with its exit code: 0 well, 1 it failed, 2 it was asked or set up wrongly."""
    _find_compiled_code()
    wanted = [verb for verb in VERBS if verb.name in sys.argv[1:2]]
    root = typer.Typer(
        name="tapewatch", help=_ABOUT, no_args_is_help=True, rich_markup_mode="markdown",
        pretty_exceptions_enable=False, add_completion=False,
    )  # fmt: skip
    root.callback()(_root)
    for verb in wanted or [verb for verb in VERBS if importlib.util.find_spec(verb.module)]:
        _register(root, verb, importlib.import_module(verb.module))
    if any(verb.beside for verb in wanted):
        _join_running_stack()
    try:
        root()
    except TapewatchError as error:
        sys.stderr.write(f"tapewatch: {error}\n")
        sys.exit(2 if isinstance(error, (ConfigError, InvalidInput)) else 1)


def _root() -> None: ...


def _find_compiled_code() -> None:
    """Use the kernels that `make setup` compiled; numba reads the variable when it is imported."""
    compiled = Path(__file__).resolve().parents[1] / ".numba_cache"
    if compiled.is_dir():
        os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled))


def _register(root: typer.Typer, verb: Verb, module: ModuleType) -> None:
    command = getattr(module, verb.name, None)
    if callable(command):
        root.command(verb.name)(command)
        return
    group = module.app
    assert isinstance(group, typer.Typer)
    only = group.registered_commands[0] if len(group.registered_commands) == 1 else None
    if only is not None and only.callback is not None and only.name in (None, verb.name):
        root.command(verb.name, help=only.help)(only.callback)
    else:
        root.add_typer(group, name=verb.name)


def _join_running_stack() -> None:
    from deploy.embedded.environment import of_running_stack

    data_dir = Path(os.environ.get("TAPEWATCH_DATA_DIR", "data"))
    for name, value in of_running_stack(data_dir).items():
        os.environ.setdefault(name, value)


if __name__ == "__main__":
    app()
