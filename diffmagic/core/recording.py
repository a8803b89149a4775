"""From a call of a function to a program: what is differentiated, and how it goes back into its structure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.mutation import twin
from diffmagic.core.program import Program, Variable
from diffmagic.core.structures import Rebuild, flatten, is_leaf, taken_apart
from diffmagic.core.tracing import Trace, Tracer, concrete, settled, snapshot

Argnums = int | str | Sequence[int | str]

LEAF: Rebuild = lambda leaves: leaves[0]  # noqa: E731

_WRITEABLE = np.empty(0).flags  # of what has none
_PYTHON_NUMBERS = (float, int, bool)
_PLACES = (int, np.integer, str)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(slots=True)
class Recording:
    """One traced call.

    Attributes
    ----------
    program : Program
        Its inputs are the numbers and arrays of the chosen arguments, its outputs those of the result.
    rebuild_inputs : list of callable
        For each chosen argument, from one value per number or array to its structure.
    counts : list of int
        For each chosen argument, how many numbers and arrays it holds.
    rebuild_output : callable
    originals : list
        The inputs as they were given.
    aux : object
        What came beside the result, if it was asked for.
    notes : list of str
    single : bool
        Whether one argument was chosen by itself, not a tuple of them.
    trace : Trace
        What recorded it.
    """

    program: Program
    rebuild_inputs: list[Rebuild]
    counts: list[int]
    rebuild_output: Rebuild
    originals: list[Any]
    aux: Any
    notes: list[str]
    single: bool
    trace: Trace

    def value(self) -> Any:
        """The function's result, with plain numbers, or tracers of an outer trace."""
        values = [snapshot(out.value) if isinstance(out, Variable) else out for out in self.program.outputs]
        return self.rebuild_output(values)

    def like_inputs(self, parts: list[Any]) -> Any:
        """One value per input, put into the structure of the chosen arguments."""
        if len(parts) == len(self.counts) and all([rebuild is LEAF for rebuild in self.rebuild_inputs]):
            return parts[0] if self.single else tuple(parts)
        structured, start = [], 0
        for count, rebuild in zip(self.counts, self.rebuild_inputs, strict=True):
            structured.append(rebuild(parts[start : start + count]))
            start += count
        return structured[0] if self.single else tuple(structured)

    def kept_value(self) -> Any:
        """`value` for a program that will be used again: in arrays of the caller's own."""
        values = [snapshot(out.value) if isinstance(out, Variable) else out for out in self.program.outputs]
        return self.rebuild_output([v.copy() if type(v) is np.ndarray else v for v in values])

    def returned(self, found: dict[Variable, Any]) -> list[Any]:
        """A cotangent for each input, as an array of the caller's own; zeros where there is no influence."""
        return [
            own(found.get(variable), original)
            for variable, original in zip(self.program.inputs, self.originals, strict=True)
        ]


def own(part: Any, original: Any) -> Any:
    if type(original) in _PYTHON_NUMBERS and isinstance(part, np.floating):
        return float(part)
    if part is None:
        like = concrete(original)
        return np.zeros_like(like, dtype=inexact(like)) if np.ndim(like) or isinstance(like, np.ndarray) else 0.0
    if type(part) is np.ndarray:
        return part.copy() if part.ndim or isinstance(original, np.ndarray) else part[()]
    if type(original) is np.ndarray and type(part) is not Tracer:
        return np.array(part)
    if type(part) is Tracer and not getattr(concrete(part), "flags", _WRITEABLE).writeable:
        return np.copy(part)
    return snapshot(part)


def inexact(value: Any) -> Any:
    dtype = np.result_type(value)
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def record(
    f: Callable[..., Any],
    argnums: Argnums,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    has_aux: bool = False,
    lean: bool = False,
) -> Recording:
    """Trace ``f(*args, **kwargs)`` in the chosen arguments; `lean` as in `Trace`.

    Raises
    ------
    DiffmagicError
        If an argument is not made of numbers, or the result is not.
    """
    arguments: list[Any] = list(args)
    single = isinstance(argnums, _PLACES)
    if not single and not hasattr(argnums, "__iter__"):
        raise DiffmagicError(f"argnums cannot be {argnums!r}", rewrite='argnums=0, argnums="x" or argnums=(0, 1)')
    notes: list[str] = []
    originals: list[Any] = []
    rebuild_inputs: list[Rebuild] = []
    counts: list[int] = []
    inputs: list[Variable] = []
    with Trace(lean) as trace:
        for argnum in [argnums] if single else argnums:  # type: ignore[union-attr]
            where: Any = arguments
            place: Any = argnum
            if type(argnum) is not int or not -len(args) <= argnum < len(args):
                where, place = find_argument(f, argnum, arguments, kwargs)
            argument = where[place]
            if where is kwargs:
                where = kwargs = dict(kwargs)
            if type(argument) is float:
                variable = Variable(argument)
                where[place] = Tracer(trace, variable)
                originals.append(argument)
                inputs.append(variable)
                rebuild_inputs.append(LEAF)
                counts.append(1)
                continue
            plain = type(argument) is np.ndarray or is_leaf(argument)
            leaves, rebuild = ([("", argument)], LEAF) if plain else flatten(argument, "the input")
            if any([type(leaf) is Tracer and leaf._trace is trace for _, leaf in leaves]):
                raise DiffmagicError(
                    f"argnums chooses one argument of {function_name(f)} twice", rewrite="each argument once"
                )
            tracers = [trace.input(_input(leaf, path, notes)) for path, leaf in leaves]
            originals += [leaf for _, leaf in leaves]
            inputs += [tracer._variable for tracer in tracers]
            where[place] = rebuild(tracers)
            rebuild_inputs.append(rebuild)
            counts.append(len(tracers))
        result = f(*arguments, **kwargs)
        aux = None
        if has_aux:
            result, aux = _with_aux(result)
        if type(result) is Tracer:
            outputs, rebuild_output = [result if result._trace is trace else settled(result)], LEAF
        else:
            _refuse_none(f, result)
            leaves, rebuild_output = flatten(result, "the result")
            outputs = [settled(leaf) for _, leaf in leaves]
    return Recording(
        trace.program(inputs, outputs),
        rebuild_inputs,
        counts,
        rebuild_output,
        originals,
        _plain(aux) if has_aux else None,
        notes,
        single,
        trace,
    )


def find_argument(f: Callable[..., Any], argnum: Any, arguments: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Where an argument named by number or name was passed."""
    if isinstance(argnum, str) and argnum in kwargs:
        return kwargs, argnum
    try:
        names = [p.name for p in inspect.signature(f).parameters.values() if p.kind in _POSITIONAL]
    except (TypeError, ValueError):
        names = []
    if isinstance(argnum, str) and argnum in names and names.index(argnum) < len(arguments):
        return arguments, names.index(argnum)
    if isinstance(argnum, int | np.integer) and not isinstance(argnum, bool):
        if -len(arguments) <= argnum < len(arguments):
            return arguments, argnum
        if 0 <= argnum < len(names) and names[argnum] in kwargs:
            return kwargs, names[argnum]
    passed = [*names[: len(arguments)], *kwargs]
    raise DiffmagicError(
        f"{function_name(f)} was called with {len(arguments)} positional argument{'s' * (len(arguments) != 1)}, "
        f"and argnums asks for {argnum!r}",
        rewrite=f"argnums among {', '.join(map(repr, passed))}" if passed else "an argnums that was passed",
    )


def _input(leaf: Any, path: str, notes: list[str]) -> Any:
    """A number or array as a program's input: of a real or complex dtype, and not the caller's own memory."""
    if type(leaf) is float:
        return leaf
    if type(leaf) is Tracer:
        leaf = settled(leaf)
        if type(leaf) is Tracer:
            return snapshot(leaf)
    if isinstance(leaf, np.ndarray):
        if type(leaf) is not np.ndarray:
            raise DiffmagicError(f"{path or 'the input'} is a {type(leaf).__name__}", rewrite="pass np.asarray(x)")
        if leaf.dtype.kind in "fc":
            return twin(leaf)
        if leaf.dtype.kind in "iub":
            notes.append(f"{path or 'the input'} holds integers, which are taken as floats")
            return leaf.astype(np.float64)
        raise DiffmagicError(
            f"{path or 'the input'} is an array of dtype {leaf.dtype}, and a derivative needs numbers",
            rewrite="x.astype(float)",
        )
    if isinstance(leaf, bool | int | np.integer | np.bool_):
        notes.append(f"{path or 'the input'} is an integer, which is taken as a float")
        return float(leaf)
    return leaf


def _with_aux(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise DiffmagicError("has_aux=True needs a function that returns a pair", rewrite="return value, anything_else")
    return result


def _plain(value: Any) -> Any:
    """What comes beside a result, with plain values for tracers where containers can be taken apart."""
    if type(value) is Tracer:
        return settled(value)
    try:
        parts, assemble = taken_apart(value, "")
    except DiffmagicError:
        return value
    return assemble([_plain(part) for _, part in parts])


def _refuse_none(f: Callable[..., Any], result: Any) -> None:
    if result is None:
        raise DiffmagicError(f"{function_name(f)} returned None", rewrite="end it with: return value")


def function_name(f: Callable[..., Any]) -> str:
    name = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else str(name)


def parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """What to call the first positional arguments of a call."""
    try:
        names = list(inspect.signature(f).parameters)[:count]
    except (TypeError, ValueError):
        names = []
    return names if len(names) == count else [f"x{k}" for k in range(1, count + 1)]


def traced(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums | None = None
) -> Recording:
    """`record` with the parameters' names on the inputs; by default in all arguments that are numbers."""
    names = [*parameter_names(f, len(args)), *kwargs]
    if argnums is None:
        argnums = [k for k, value in enumerate(args) if _is_numeric(value)]
        argnums += [name for name, value in kwargs.items() if _is_numeric(value)]
    recording = record(f, argnums, args, kwargs)
    chosen = [argnums] if isinstance(argnums, int | str) else argnums
    values = [kwargs[a] if a in kwargs else args[a if isinstance(a, int) else names.index(a)] for a in chosen]
    paths = [
        path
        for a, value in zip(chosen, values, strict=True)
        for path, _ in flatten(value, a if isinstance(a, str) else names[a])[0]
    ]
    for variable, path in zip(recording.program.inputs, paths, strict=True):
        variable.name = path
    return recording


def _is_numeric(value: Any) -> bool:
    try:
        leaves, _ = flatten(value)
    except DiffmagicError:
        return False
    return bool(leaves) and all(np.result_type(concrete(leaf)).kind in "fciub" for _, leaf in leaves)
