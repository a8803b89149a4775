"""The functional interface: functions in, functions of their derivatives out."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from diffmagic.core.errors import DiffmagicError, DiffmagicNote
from diffmagic.core.forward import REAL_NUMBERS, forward
from diffmagic.core.program import Program, Variable
from diffmagic.core.reverse import reverse
from diffmagic.core.structures import Rebuild, flatten, is_leaf, taken_apart
from diffmagic.core.tracing import Trace, Tracer, concrete, settled
from diffmagic.core.zeros import accumulate

Argnums = int | str | Sequence[int | str]
Mode = Literal["auto", "forward", "reverse"]

_LEAF: Rebuild = lambda leaves: leaves[0]  # noqa: E731


_PYTHON_NUMBERS = (float, int, bool)
_PLACES = (int, np.integer, str)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

# From a call of a function to a program.


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
        return self.rebuild_output([out.value if isinstance(out, Variable) else out for out in self.program.outputs])

    def like_inputs(self, parts: list[Any]) -> Any:
        """One value per input, put into the structure of the chosen arguments."""
        if len(parts) == len(self.counts) and all([rebuild is _LEAF for rebuild in self.rebuild_inputs]):
            return parts[0] if self.single else tuple(parts)
        structured, start = [], 0
        for count, rebuild in zip(self.counts, self.rebuild_inputs, strict=True):
            structured.append(rebuild(parts[start : start + count]))
            start += count
        return structured[0] if self.single else tuple(structured)

    def kept_value(self) -> Any:
        """`value` for a program that will be used again: in arrays of the caller's own."""
        values = [out.value if isinstance(out, Variable) else out for out in self.program.outputs]
        return self.rebuild_output([v.copy() if v.__class__ is np.ndarray else v for v in values])

    def returned(self, found: dict[Variable, Any]) -> list[Any]:
        """A cotangent for each input, as an array of the caller's own; zeros where there is no influence."""
        return [
            _own(found.get(variable), original)
            for variable, original in zip(self.program.inputs, self.originals, strict=True)
        ]


def _own(part: Any, original: Any) -> Any:
    if original.__class__ in _PYTHON_NUMBERS and isinstance(part, np.floating):
        return float(part)
    if part is None:
        like = concrete(original)
        return np.zeros_like(like, dtype=_inexact(like)) if np.ndim(like) or isinstance(like, np.ndarray) else 0.0
    if part.__class__ is np.ndarray:
        return part.copy() if part.ndim or isinstance(original, np.ndarray) else part[()]
    if original.__class__ is np.ndarray and part.__class__ is not Tracer:
        return np.array(part)
    return part


def _inexact(value: Any) -> Any:
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
    inputs: list[Tracer] = []
    with Trace(lean) as trace:
        for argnum in [argnums] if single else argnums:  # type: ignore[union-attr]
            where: Any = arguments
            place: Any = argnum
            if argnum.__class__ is not int or not -len(args) <= argnum < len(args):
                where, place = _find(f, argnum, arguments, kwargs)
            argument = where[place]
            if where is kwargs:
                where = kwargs = dict(kwargs)
            if argument.__class__ is float:
                tracer = where[place] = Tracer(trace, Variable(argument))
                originals.append(argument)
                inputs.append(tracer)
                rebuild_inputs.append(_LEAF)
                counts.append(1)
                continue
            plain = argument.__class__ is np.ndarray or is_leaf(argument)
            leaves, rebuild = ([("", argument)], _LEAF) if plain else flatten(argument, "the input")
            if any([leaf.__class__ is Tracer and leaf._trace is trace for _, leaf in leaves]):
                raise DiffmagicError(f"argnums chooses one argument of {_name(f)} twice", rewrite="each argument once")
            tracers = [trace.input(_input(leaf, path, notes)) for path, leaf in leaves]
            originals += [leaf for _, leaf in leaves]
            inputs += tracers
            where[place] = rebuild(tracers)
            rebuild_inputs.append(rebuild)
            counts.append(len(tracers))
        result = f(*arguments, **kwargs)
        aux = None
        if has_aux:
            result, aux = _with_aux(result)
        if result.__class__ is Tracer:
            outputs, rebuild_output = [result if result._trace is trace else settled(result)], _LEAF
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


def _find(f: Callable[..., Any], argnum: Any, arguments: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
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
        f"{_name(f)} was called with {len(arguments)} positional argument{'s' * (len(arguments) != 1)}, "
        f"and argnums asks for {argnum!r}",
        rewrite=f"argnums among {', '.join(map(repr, passed))}" if passed else "an argnums that was passed",
    )


def _input(leaf: Any, path: str, notes: list[str]) -> Any:
    """A number or array as a program's input: of a real or complex dtype, and not the caller's own memory."""
    if leaf.__class__ is float or leaf.__class__ is Tracer:
        return leaf
    if isinstance(leaf, np.ndarray):
        if type(leaf) is not np.ndarray:
            raise DiffmagicError(f"{path or 'the input'} is a {type(leaf).__name__}", rewrite="pass np.asarray(x)")
        if leaf.dtype.kind in "fc":
            return leaf.copy("K")
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
    if value.__class__ is Tracer:
        return settled(value)
    try:
        parts, assemble = taken_apart(value, "")
    except DiffmagicError:
        return value
    return assemble([_plain(part) for _, part in parts])


def _refuse_none(f: Callable[..., Any], result: Any) -> None:
    if result is None:
        raise DiffmagicError(f"{_name(f)} returned None", rewrite="end it with: return value")


def _name(f: Callable[..., Any]) -> str:
    name = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else str(name)


def _real_scalar(f: Callable[..., Any], recording: Recording) -> Any:
    """The one output of a recording, which must be a real number."""
    outputs = recording.program.outputs
    value = recording.value()
    if not is_leaf(value):
        raise DiffmagicError(
            f"{_name(f)} returned a {type(value).__name__}, and a gradient needs one number",
            rewrite="return the number alone, or (number, the rest) with has_aux=True; "
            "for the derivatives of all: jacobian",
        )
    number = concrete(value)
    if np.size(number) != 1:
        raise DiffmagicError(
            f"{_name(f)} returned an array of shape {np.shape(number)}, and a gradient needs one number",
            rewrite="jacobian for all derivatives, or reduce the result first: np.sum(...), np.mean(...)",
        )
    if np.iscomplexobj(number):
        raise DiffmagicError(
            f"{_name(f)} returned a complex number, and a gradient needs a real one",
            rewrite="np.real(z), np.imag(z) or np.abs(z) of the result",
        )
    return outputs[0]


def tell(notes: Sequence[str]) -> None:
    """Notes of a function's derivative go out as warnings of their own category."""
    for note in notes:
        warnings.warn(note, DiffmagicNote, stacklevel=3)


def _independent(f: Callable[..., Any], recording: Recording) -> list[str]:
    """A note when no output depends on any input."""
    if any(isinstance(out, Variable) for out in recording.program.outputs):
        return []
    return [f"the result of {_name(f)} does not depend on the input, so its derivative is zero"]


# Gradients.


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The gradient of a real scalar function, by reverse accumulation.

    Parameters
    ----------
    f : callable
        A function of numbers and arrays (and of dicts, lists, tuples and dataclasses of them), in ordinary NumPy,
        whose result is one real number.
    argnums : int, str or sequence of them
        The arguments to differentiate with respect to, by position or name.

    Returns
    -------
    callable
        Takes what `f` takes; returns the gradient in the structure of the argument, with its shapes and dtypes. For
        several `argnums`, a tuple.

    Raises
    ------
    DiffmagicError
        By the function returned: if the result is not one real number, or a value leaves the computation.

    Warns
    -----
    DiffmagicNote
        If integers are taken as floats, or the result does not depend on the input.

    Notes
    -----
    For a complex argument z = a + ib the result is ∂f/∂a - i ∂f/∂b, as in other NumPy libraries of this kind.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import grad
    >>> grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """

    def gradient(*args: Any, **kwargs: Any) -> Any:
        recording = record(f, argnums, args, kwargs, lean=True)
        found = _gradient(f, recording)
        if recording.notes:
            tell(recording.notes)
        return found

    return _named(gradient, "grad", f)


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """The value of a real scalar function together with its gradient.

    Parameters
    ----------
    f, argnums
        As for `grad`.
    has_aux : bool
        Whether `f` returns a pair of the value and anything else; then the result is ``((value, aux), gradient)``.

    Returns
    -------
    callable
        Takes what `f` takes; returns ``(value, gradient)``.

    Examples
    --------
    >>> from diffmagic import value_and_grad
    >>> value_and_grad(lambda w, x: (w * x) ** 2, argnums=("w", "x"))(0.5, 2.0)
    (1.0, (4.0, 1.0))
    """

    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        recording = record(f, argnums, args, kwargs, has_aux=has_aux, lean=True)
        found = _gradient(f, recording)
        if recording.notes:
            tell(recording.notes)
        value = recording.value()
        return ((value, recording.aux), found) if has_aux else (value, found)

    return _named(value_and_gradient, "value_and_grad", f)


def _gradient(f: Callable[..., Any], recording: Recording) -> Any:
    program = recording.program
    out = program.outputs[0] if program.outputs else None
    if out.__class__ is Variable and out.value.__class__ in REAL_NUMBERS and recording.rebuild_output is _LEAF:
        found = accumulate(reverse, program, {out: 1.0}, program.inputs)
    else:
        out = _real_scalar(f, recording)
        recording.notes += _independent(f, recording)
        seeds: dict[Variable, Any] = {out: np.ones_like(concrete(out.value))} if isinstance(out, Variable) else {}
        found = accumulate(reverse, program, seeds, program.inputs)
    return recording.like_inputs(recording.returned(found))


def _named(function: Callable[..., Any], prefix: str, f: Callable[..., Any]) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = f"{prefix}_{getattr(f, '__name__', 'f')}".replace("<lambda>", "f")
    function.__doc__ = f"{prefix} of {_name(f)}, by diffmagic."
    return functools.update_wrapper(function, f, assigned=(), updated=())  # so that its arguments have f's names


# Derivatives along directions.


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a function and its derivative along a direction, by forward accumulation.

    Parameters
    ----------
    f : callable
    primals : sequence
        The arguments.
    tangents : sequence
        The direction: for each argument, the same structure and shapes.

    Returns
    -------
    value, tangent
        Both in the structure of f's result.

    Raises
    ------
    DiffmagicError
        If the tangents do not fit the primals.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import jvp
    >>> jvp(lambda x: x * x, (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    (array([1., 4.]), array([2., 0.]))
    """
    for what, parts in (("primals", primals), ("tangents", tangents)):
        if not isinstance(parts, list | tuple):
            raise DiffmagicError(f"the {what} are a {type(parts).__name__}", rewrite=f"a tuple of {what}: (x,)")
    value, pushforward = linearize(f, *primals)
    return value, pushforward(*tangents)


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of a function and its derivative as a linear function of the direction.

    Parameters
    ----------
    f : callable
    *primals
        The arguments.

    Returns
    -------
    value
        ``f(*primals)``.
    pushforward : callable
        Takes one tangent for each argument and returns the tangent of the result, without evaluating `f` again.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import linearize
    >>> value, pushforward = linearize(np.sin, 0.0)
    >>> float(value), float(pushforward(2.0))
    (0.0, 2.0)
    """
    recording = record(f, tuple(range(len(primals))), primals, {})
    tell(recording.notes)
    program = recording.program
    like = recording.like_inputs(recording.originals)

    def pushforward(*tangents: Any) -> Any:
        recording.trace.check_lent()
        seeds = _seeds(program.inputs, like, tangents, "tangent", "argument")
        found = accumulate(forward, program, seeds, program.outputs)
        return recording.rebuild_output([_tangent(out, found) for out in program.outputs])

    return recording.kept_value(), pushforward


def _tangent(out: Any, found: dict[Variable, Any]) -> Any:
    value = out.value if isinstance(out, Variable) else out
    part = found.get(out) if isinstance(out, Variable) else None
    if part is None:
        like = concrete(value)
        return np.zeros_like(like, dtype=_inexact(like))[()]
    if np.iscomplexobj(concrete(part)) and not np.iscomplexobj(concrete(value)):
        part = np.real(part)
    return part.copy() if part.__class__ is np.ndarray else part


def _seeds(variables: Sequence[Any], primals: Any, parts: Any, what: str, of: str) -> dict[Variable, Any]:
    """What the caller gave for each variable, which must have its structure and shape."""
    if len(parts) != len(primals):
        raise DiffmagicError(
            f"there are {len(parts)} {what}s for {len(primals)} {of}s", rewrite=f"one {what} for each {of}"
        )
    leaves = dict(flatten(list(parts), what)[0])
    paths = [path for path, _ in flatten(list(primals), what)[0]]
    if leaves.keys() != set(paths):
        raise DiffmagicError(f"a {what} does not have the structure of its {of}", rewrite="the same structure for both")
    seeds: dict[Variable, Any] = {}
    for variable, path in zip(variables, paths, strict=True):
        if not isinstance(variable, Variable):
            continue
        part, dtype = leaves[path], _inexact(concrete(variable.value))
        if np.shape(concrete(part)) != variable.shape:
            raise DiffmagicError(
                f"{path} has shape {np.shape(concrete(part))} and its {of} has shape {variable.shape}",
                rewrite="the same shape for both",
            )
        if np.iscomplexobj(concrete(part)) and dtype.kind != "c":
            raise DiffmagicError(
                f"{path} is complex and its {of} is real", rewrite="one call with np.real of it, one with np.imag"
            )
        if hasattr(part, "dtype") and part.dtype != dtype:
            part = part.astype(dtype)
        part = float(part) if isinstance(part, int) else part
        seeds[variable] = seeds[variable] + part if variable in seeds else part
    return seeds


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of a function and its pullback, by reverse accumulation.

    Parameters
    ----------
    f : callable
    *primals
        The arguments.

    Returns
    -------
    value
        ``f(*primals)``.
    pullback : callable
        Takes a cotangent in the structure and shapes of the value; returns a tuple with one cotangent for each
        argument.

    Examples
    --------
    >>> from diffmagic import vjp
    >>> value, pullback = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value, pullback(1.0)
    (6.0, (3.0, 2.0))
    """
    recording = record(f, tuple(range(len(primals))), primals, {})
    tell(recording.notes)
    program = recording.program
    like = recording.value()

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        recording.trace.check_lent()
        seeds = _seeds(program.outputs, [like], [cotangent], "cotangent", "result")
        found = accumulate(reverse, program, seeds, program.inputs)
        parts: tuple[Any, ...] = recording.like_inputs(recording.returned(found))
        return parts

    return recording.kept_value(), pullback


def derivative(f: Callable[..., Any], order: int = 1) -> Callable[..., Any]:
    """The derivative of a function of one variable, elementwise over arrays.

    Parameters
    ----------
    f : callable
        A function whose first argument is a number, or an array that it treats element by element.
    order : int
        How often to differentiate; 0 gives `f` itself.

    Returns
    -------
    callable
        Takes what `f` takes; returns the derivative in the shape of the result.

    Raises
    ------
    DiffmagicError
        If the order is not a whole number, or (by the function returned) if `f` mixes the elements of an array.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import derivative
    >>> derivative(lambda x: x**3, order=2)(np.array([1.0, 2.0]))
    array([ 6., 12.])
    """
    if not isinstance(order, int | np.integer) or order < 0:
        raise DiffmagicError(f"order {order!r} is not a whole number", rewrite="order=1, order=2, …")
    if order == 0:
        return f
    lower = f if order == 1 else derivative(f, order - 1)

    def slope(*args: Any, **kwargs: Any) -> Any:
        recording = record(lower, 0, args, kwargs)
        if order == 1:
            tell(recording.notes)
        program = recording.program
        if len(program.inputs) != 1:
            raise DiffmagicError("the variable is a container, not one number or array", rewrite="grad or jacobian")
        variable = program.inputs[0]
        if variable.shape:
            _refuse_mixing(f, program)
        seed = np.ones_like(concrete(variable.value)) if variable.shape else 1.0
        return recording.rebuild_output(_pushed(program, variable, seed))

    return _named(slope, "derivative", f)


def elementwise_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """The first derivative of an elementwise function: ``derivative(f, order=1)``.

    Parameters
    ----------
    f : callable
        A function whose first argument is a number, or an array that it treats element by element.

    Returns
    -------
    callable
        Takes what `f` takes; returns the derivative in the shape of the result.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import elementwise_grad
    >>> elementwise_grad(np.square)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return derivative(f)


def _refuse_mixing(f: Callable[..., Any], program: Program) -> None:
    for equation in program.equations:
        if equation.primitive.partials is None and not equation.primitive.keeps_positions:
            raise DiffmagicError(
                f"{_name(f)} is not elementwise: {equation.primitive.name} mixes or moves the elements of an array",
                rewrite="jacobian for all derivatives, or grad of a single number",
                location=equation.location,
            )


# All derivatives.


def jacobian(f: Callable[..., Any], argnums: Argnums = 0, *, mode: Mode = "auto") -> Callable[..., Any]:
    """All derivatives of all outputs with respect to all inputs.

    Parameters
    ----------
    f : callable
        A function whose result is a number, an array, or a container of them.
    argnums : int, str or sequence of them
        The arguments to differentiate with respect to.
    mode : {"auto", "forward", "reverse"}
        Forward accumulation takes one pass for each input number, reverse one for each output number; ``"auto"`` takes
        the fewer, which `cheaper_mode` names.

    Returns
    -------
    callable
        Takes what `f` takes; returns arrays of shape output shape + input shape, in the structure of the output and,
        within, of the argument.

    Raises
    ------
    DiffmagicError
        If there is no such mode.

    Notes
    -----
    For a complex argument z = a + ib the entries are ∂Re f/∂a - i ∂Re f/∂b: for a real `f` as in `grad`, and for a
    holomorphic one its derivative.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import jacobian
    >>> jacobian(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    if mode not in ("auto", "forward", "reverse"):
        raise DiffmagicError(f"there is no mode {mode!r}", rewrite='mode="auto", "forward" or "reverse"')

    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        recording = record(f, argnums, args, kwargs)
        recording.notes += _independent(f, recording)
        if recording.notes:
            tell(recording.notes)
        return jacobian_of(recording, mode)

    return _named(all_derivatives, "jacobian", f)


def cheaper_mode(program: Program) -> tuple[Mode, str]:
    """The mode that needs fewer passes for a Jacobian, and why."""
    inputs = sum(variable_size(v) for v in program.inputs)
    outputs = sum(variable_size(v) for v in program.outputs)
    counts = f"{inputs} input{'s' * (inputs != 1)}, {outputs} output{'s' * (outputs != 1)}"
    if outputs <= inputs:
        passes = "one pass back gives every derivative" if outputs == 1 else f"{outputs} passes back give all"
        return "reverse", f"{counts}: {passes}"
    passes = "one pass forward gives every derivative" if inputs == 1 else f"{inputs} passes forward give all"
    return "forward", f"{counts}: {passes}"


def variable_size(value: Any) -> int:
    """How many numbers a variable or constant holds."""
    return int(np.size(concrete(value.value if isinstance(value, Variable) else value)))


def jacobian_of(recording: Recording, mode: Mode = "auto") -> Any:
    """The Jacobian of a traced call, in the structure of its output and, within, of its arguments."""
    program = recording.program
    if mode == "auto":
        mode, _ = cheaper_mode(program)
    blocks = _columns(program) if mode == "forward" else _rows(program)
    rows = []
    for out, row in zip(program.outputs, blocks, strict=True):
        shape = np.shape(concrete(out.value if isinstance(out, Variable) else out))
        parts = []
        for variable, part in zip(program.inputs, row, strict=True):
            whole = np.reshape(part, shape + variable.shape)
            parts.append(whole[()] if whole.__class__ is np.ndarray else whole)
        rows.append(recording.like_inputs(parts))
    return recording.rebuild_output(rows)


def _columns(program: Program) -> list[list[Any]]:
    """For each output and input, a matrix of shape output size × input size; one pass for each column."""
    blocks: list[list[Any]] = [[] for _ in program.outputs]
    for variable in program.inputs:
        columns: list[list[Any]] = [[] for _ in program.outputs]
        for basis in _basis(variable):
            for column, part in zip(columns, _pushed(program, variable, basis), strict=True):
                column.append(np.ravel(part))
        for out, block, column in zip(program.outputs, blocks, columns, strict=True):
            block.append(np.stack(column, axis=-1) if column else np.zeros((variable_size(out), 0)))
    return blocks


def _rows(program: Program) -> list[list[Any]]:
    """The same; one pass for each row."""
    blocks: list[list[Any]] = []
    for out in program.outputs:
        rows: list[list[Any]] = [[] for _ in program.inputs]
        for basis in _basis(out) if isinstance(out, Variable) else [None] * variable_size(out):
            for row, part in zip(rows, _pulled(program, out, basis), strict=True):
                row.append(np.ravel(part))
        blocks.append(
            [
                np.stack(row) if row else np.zeros((0, variable_size(v)))
                for v, row in zip(program.inputs, rows, strict=True)
            ]
        )
    return blocks


def _pushed(program: Program, variable: Variable, direction: Any) -> list[Any]:
    """The tangent of each output along a direction of one input z = a + ib, as ∂Re/∂a - i ∂Re/∂b if it is complex."""
    found = accumulate(forward, program, {variable: direction}, program.outputs)
    along = [_tangent(out, found) for out in program.outputs]
    if not np.iscomplexobj(concrete(variable.value)):
        return along
    found = accumulate(forward, program, {variable: 1j * direction}, program.outputs)
    across = [_tangent(out, found) for out in program.outputs]
    return [np.real(a) - 1j * np.real(b) for a, b in zip(along, across, strict=True)]


def _pulled(program: Program, out: Any, direction: Any) -> list[Any]:
    """The cotangent of each input for a direction of one output; complex for a complex output of a real input."""
    if direction is None:
        return [_own(None, variable.value) for variable in program.inputs]
    found = accumulate(reverse, program, {out: direction}, program.inputs)
    parts = [_own(found.get(variable), variable.value) for variable in program.inputs]
    real = [not np.iscomplexobj(concrete(variable.value)) for variable in program.inputs]
    if not np.iscomplexobj(concrete(out.value)) or not any(real):
        return parts
    found = accumulate(reverse, program, {out: -1j * direction}, program.inputs)
    return [
        part + 1j * _own(found.get(variable), variable.value) if whole else part
        for part, variable, whole in zip(parts, program.inputs, real, strict=True)
    ]


def _basis(variable: Variable) -> list[Any]:
    like = concrete(variable.value)
    if np.ndim(like) == 0:
        return [1.0]
    basis = np.eye(np.size(like), dtype=_inexact(like))
    return list(basis.reshape(np.size(like), *np.shape(like)))


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The second derivatives of a real scalar function: forward accumulation over its reverse accumulation.

    Parameters
    ----------
    f, argnums
        As for `grad`.

    Returns
    -------
    callable
        Takes what `f` takes; returns an array of the argument's shape twice, or a structure of structures of them.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import hessian
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return _gradient(f, record(f, argnums, args, kwargs))

    _named(gradient, "grad", f)

    def second_derivatives(*args: Any, **kwargs: Any) -> Any:
        recording = record(gradient, argnums, args, kwargs)
        if recording.notes:
            tell(recording.notes)
        return jacobian_of(recording, "forward")

    return _named(second_derivatives, "hessian", f)


def hvp(f: Callable[..., Any], argnums: int | str = 0) -> Callable[..., Any]:
    """The Hessian of a real scalar function times a vector, without the Hessian.

    Parameters
    ----------
    f : callable
    argnums : int or str
        The argument to differentiate with respect to.

    Returns
    -------
    callable
        Takes f's arguments and, last, a vector in the structure of the argument; returns the product in that structure.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import hvp
    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return _gradient(f, record(f, argnums, args, kwargs))

    _named(gradient, "grad", f)

    def product(*args: Any, **kwargs: Any) -> Any:
        *arguments, vector = args
        recording = record(gradient, argnums, tuple(arguments), kwargs)
        if recording.notes:
            tell(recording.notes)
        program = recording.program
        argument = recording.like_inputs(recording.originals)
        seeds = _seeds(program.inputs, [argument], [vector], "vector", "argument")
        found = accumulate(forward, program, seeds, program.outputs)
        return recording.rebuild_output([_tangent(out, found) for out in program.outputs])

    return _named(product, "hvp", f)


# The program itself.


def trace(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Program:
    """The program of ``f(*args, **kwargs)``: every elementary operation that was applied to the arguments.

    Parameters
    ----------
    f : callable
    *args, **kwargs
        What to call it with. Numbers and arrays become inputs, in containers too; anything else is passed on.

    Returns
    -------
    Program
        Printing it gives a numbered Wengert list.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import trace
    >>> print(trace(lambda x: np.sin(x) * x, 0.5))
         x  = 0.5
      1  v1 = np.sin(x)   0.47942554  line 1
      2  v2 = v1 * x      0.23971277  line 1
    returns v2
    """
    return traced(f, args, kwargs).program


def traced(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums | None = None
) -> Recording:
    """`record` with the parameters' names on the inputs; by default in all arguments that are numbers."""
    try:
        bound = inspect.signature(f).bind(*args, **kwargs)
        names = [*list(bound.signature.parameters)[: len(args)], *kwargs]
    except (TypeError, ValueError):
        names = [*(f"x{k}" for k in range(1, len(args) + 1)), *kwargs]
    if len(names) < len(args) + len(kwargs):
        names = [*(f"x{k}" for k in range(1, len(args) + 1)), *kwargs]
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
