"""`@kernel`: compile with numba, keep the machine code on disk, and never run stale code.

numba's cache looks at the file of the function itself only: after a change in an indicator, a loop in another
file that has it compiled in would go on with the old one. So every kernel's stamp is of all kernel sources.

numba takes half a second to import. What only reads an indicator's definition (the grammar, the forms, the api)
never pays for it: it is imported by the first call of a kernel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_R = TypeVar("_R")
_HERE = Path(__file__).parent


@cache
def sources() -> str:
    """Return a hash of everything that is compiled."""
    files = [*_HERE.glob("kernels*.py"), *_HERE.glob("indicators/*.py"), _HERE / "layout.py", Path(__file__)]
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


class _Kernel:
    """A function that becomes a numba dispatcher when it is first called, from Python or from another kernel."""

    def __init__(self, function: Callable[..., Any], *, is_inlined: bool) -> None:
        self.__wrapped__ = function
        self._is_inlined = is_inlined
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self._dispatcher: Any = None

    def __call__(self, *arguments: Any) -> Any:
        return self.dispatcher(*arguments)

    @property
    def dispatcher(self) -> Any:
        """The compiled function itself, with all that numba tells of it."""
        if self._dispatcher is None:
            import numba

            dispatcher = cast(
                Any, numba.njit(cache=True, error_model="numpy", forceinline=self._is_inlined)(self.__wrapped__)
            )
            file = dispatcher._cache._cache_file
            file._source_stamp = (file._source_stamp, sources())
            self._dispatcher = dispatcher
        return self._dispatcher

    @property
    def _numba_type_(self) -> Any:
        """What numba asks of a value that a kernel uses: it is the dispatcher."""
        from numba.core import types

        return types.Dispatcher(self.dispatcher)


class _Intrinsic:
    """What an intrinsic is to numba; it is made when the first kernel that uses it is compiled."""

    def __init__(self, make: Callable[[], Any], plainly: Callable[..., Any]) -> None:
        self._make = make
        self._plainly = plainly

    def __call__(self, *arguments: Any) -> Any:
        return self._plainly(*arguments)

    @property
    def _numba_type_(self) -> Any:
        import numba.core.registry

        made, cpu_target = self._make(), cast(Any, numba.core.registry.cpu_target)
        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()
        return cpu_target.typing_context.resolve_value_type(made)


@cache
def _borrowed_intrinsic() -> Any:
    import numba.core.cgutils
    import numba.core.imputils
    import numba.extending
    import numba.np.arrayobj

    # numba comes without types of its own.
    cgutils, imputils = cast(Any, numba.core.cgutils), cast(Any, numba.core.imputils)
    intrinsic, arrayobj = cast(Any, numba.extending).intrinsic, cast(Any, numba.np.arrayobj)

    def typed(_context: Any, array: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            made = arrayobj.make_array(signature.args[0])(context, builder, value=arguments[0])
            made.meminfo = cgutils.get_null_value(made.meminfo.type)
            made.parent = cgutils.get_null_value(made.parent.type)
            return imputils.impl_ret_untracked(context, builder, signature.return_type, made._getvalue())

        return array(array), generate

    return intrinsic(typed)


@cache
def _fetch_intrinsic() -> Any:
    import llvmlite.ir
    import numba.core.cgutils
    import numba.core.types
    import numba.extending
    import numba.np.arrayobj

    ir, cgutils, types = cast(Any, llvmlite.ir), cast(Any, numba.core.cgutils), cast(Any, numba.core.types)
    intrinsic, arrayobj = cast(Any, numba.extending).intrinsic, cast(Any, numba.np.arrayobj)

    def typed(_context: Any, array: Any, _place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            made = arrayobj.make_array(signature.args[0])(context, builder, value=arguments[0])
            word, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
            address = builder.bitcast(builder.gep(made.data, [arguments[1]]), pointer)
            kind = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
            fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            # For writing, to be kept, data.
            builder.call(fetch, [address, word(1), word(3), word(1)])
            return context.get_dummy_value()

        return types.void(array, types.intp), generate

    return intrinsic(typed)


_Array = TypeVar("_Array")


def _same(array: Any) -> Any:
    return array


def _nothing(array: Any, place: Any) -> None:
    del array, place


if TYPE_CHECKING:

    def borrowed(array: _Array) -> _Array:
        """Give an array to a kernel that shall use it without counting references to it.

        numba counts them by atomic operations, at every slice and call: in a loop over trades that costs more than
        the work. Whoever called the kernel holds the array until it returns.
        """
        ...

    def fetch(array: object, place: int) -> None:
        """Ask the processor for the cache line of a number that is soon wanted; it goes on meanwhile.

        Args:
            array: Contiguous.
            place: Counted over all its numbers; past its end nothing happens.
        """
        ...
else:
    borrowed = _Intrinsic(_borrowed_intrinsic, _same)
    fetch = _Intrinsic(_fetch_intrinsic, _nothing)


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function of numbers and arrays at its first call; division by zero gives inf or NaN."""
    return cast("Callable[_P, _R]", _Kernel(function, is_inlined=True))


def rare_kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function that is called seldom and is large: once, not again into each kernel that calls it."""
    return cast("Callable[_P, _R]", _Kernel(function, is_inlined=False))
