"""The first start on a machine: the kernels are compiled once, and it is told how far that is."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from engine.kernels import run

_STEPS = 10


def prepare(tell: Callable[[str], None]) -> bool:
    """Compile all kernels and keep them, unless they are already; return whether they were not.

    Takes a minute or two; from then on a process loads them in a second. Does nothing when there is nothing to do,
    and looks at no more than the index of one cache file then. Of processes that share a cache one compiles, the
    others wait for it.

    Args:
        tell: Called with a sentence before the first kernel, and some ten times on the way; or once, before waiting.
    """
    if is_compiled():
        return False
    with _alone(tell):
        # Another process may have done it while we waited for our turn.
        return False if is_compiled() else _compile(tell)


def _compile(tell: Callable[[str], None]) -> bool:
    from engine.warm import warm

    total = len(_kernels())
    tell(_sentence(0, total))
    with _compiled_one_by_one(lambda done: tell(_sentence(done, total)) if done * _STEPS % total < _STEPS else None):
        warm()
    return True


def is_compiled() -> bool:
    """Return whether the kernels, as their sources are now, lie in the cache.

    Looks for the loop over trades only, which has nearly all others compiled into it.
    """
    return bool(cast(Any, run).dispatcher._cache._cache_file._load_index())


@contextmanager
def _alone(tell: Callable[[str], None]) -> Generator[None]:
    """Keep other processes with the same cache waiting. One that dies lets the next go on."""
    try:
        folder = Path(cast(Any, run).dispatcher._cache._cache_file._cache_path)
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / "compiling.lock").open("wb")
    except OSError:
        # No cache can be kept there: each process compiles for itself.
        yield
        return
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell("another process is compiling the engine for this machine: waiting for it, a minute or two, once")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _sentence(done: int, total: int) -> str:
    return f"compiling the engine for this machine: {done} of {total} parts, a minute or two in all, once"


def _kernels() -> set[int]:
    """Return the identities of all kernels of the modules that are loaded."""
    loaded = [module for name, module in list(sys.modules.items()) if name.startswith("engine.")]
    return {id(thing) for module in loaded for thing in vars(module).values() if type(thing) is type(run)}


@contextmanager
def _compiled_one_by_one(tell: Callable[[int], None]) -> Generator[None]:
    """Tell how many kernels have been compiled, after each; one for other types of arguments is no new one."""
    import numba.core.event

    event = cast(Any, numba.core.event)
    done: set[int] = set()

    def note(found: Any) -> None:
        if found.is_end:
            kernel = id(found.data["dispatcher"])
            if kernel not in done:
                done.add(kernel)
                tell(len(done))

    class Listener(event.Listener):  # type: ignore[misc]
        def on_start(self, event: Any) -> None: ...

        def on_end(self, event: Any) -> None:
            note(event)

    with event.install_listener("numba:compile", Listener()):
        yield
