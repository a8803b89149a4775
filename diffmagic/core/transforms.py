"""The functional interface: functions in, functions of their derivatives out."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from diffmagic.core.errors import DiffmagicError, DiffmagicNote
from diffmagic.core.forward import REAL_NUMBERS, forward
from diffmagic.core.program import Program, Variable
from diffmagic.core.recording import LEAF, Argnums, Recording, function_name, inexact, own, record, traced
from diffmagic.core.reverse import reverse
from diffmagic.core.structures import flatten, is_leaf
from diffmagic.core.taylor import finite_series, rounding
from diffmagic.core.tracing import Tracer, concrete, settled, snapshot
from diffmagic.core.zeros import accumulate

Mode = Literal["auto", "forward", "reverse"]
_LARGEST_FACTORIAL = 170  # that is a double
_VISIBLE = 1e-3


def _real_scalar(f: Callable[..., Any], recording: Recording) -> Any:
    """The one output of a recording, which must be a real number."""
    outputs = recording.program.outputs
    value = recording.value()
    if not is_leaf(value):
        raise DiffmagicError(
            f"{function_name(f)} returned a {type(value).__name__}, and a gradient needs one number",
            rewrite="return the number alone, or (number, the rest) with has_aux=True; "
            "for the derivatives of all: jacobian",
        )
    number = concrete(value)
    if np.size(number) != 1:
        raise DiffmagicError(
            f"{function_name(f)} returned an array of shape {np.shape(number)}, and a gradient needs one number",
            rewrite="jacobian for all derivatives, or reduce the result first: np.sum(...), np.mean(...)",
        )
    if np.iscomplexobj(number):
        raise DiffmagicError(
            f"{function_name(f)} returned a complex number, and a gradient needs a real one",
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
    return [f"the result of {function_name(f)} does not depend on the input, so its derivative is zero"]


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
    if type(out) is Variable and type(out.value) in REAL_NUMBERS and recording.rebuild_output is LEAF:
        found = accumulate(reverse, program, {out: 1.0}, program.inputs)
    else:
        out = _real_scalar(f, recording)
        recording.notes += _independent(f, recording)
        seeds: dict[Variable, Any] = {out: np.ones_like(concrete(out.value))} if isinstance(out, Variable) else {}
        found = accumulate(reverse, program, seeds, program.inputs)
    return recording.like_inputs(recording.returned(found))


def _named(function: Callable[..., Any], prefix: str, f: Callable[..., Any]) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = f"{prefix}_{getattr(f, '__name__', 'f')}".replace("<lambda>", "f")
    function.__doc__ = f"{prefix} of {function_name(f)}, by diffmagic."
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
        seeds = _seeds(program.inputs, like, tangents, "tangent", "argument")
        found = accumulate(forward, program, seeds, program.outputs)
        return recording.rebuild_output([_tangent(out, found) for out in program.outputs])

    return recording.kept_value(), pushforward


def _tangent(out: Any, found: dict[Variable, Any]) -> Any:
    value = out.value if isinstance(out, Variable) else out
    part = found.get(out) if isinstance(out, Variable) else None
    if part is None:
        like = concrete(value)
        return np.zeros_like(like, dtype=inexact(like))[()]
    if np.iscomplexobj(concrete(part)) and not np.iscomplexobj(concrete(value)):
        part = np.real(part)
    return part.copy() if type(part) is np.ndarray else snapshot(part)


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
        part, dtype = snapshot(settled(leaves[path])), inexact(concrete(variable.value))
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
    _check_order(order)
    if order == 0:
        return f
    lower = f if order == 1 else derivative(f, order - 1)

    def slope(*args: Any, **kwargs: Any) -> Any:
        recording = record(lower, 0, args, kwargs)
        if order == 1:
            tell(recording.notes)
        program = recording.program
        variable = _only_variable(f, program)
        return recording.rebuild_output(_pushed(program, variable, _ones(variable)))

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


def taylor(f: Callable[..., Any], x: Any, order: int, *, direction: Any = None) -> list[Any]:
    """The value of a function and its derivatives up to an order, in one pass.

    Parameters
    ----------
    f : callable
        A function of one argument.
    x : number or ndarray
        Where. An array needs a function that treats it element by element, or a direction.
    order : int
        That of the highest derivative.
    direction : number, ndarray or a container of them, optional
        In the structure of `x`, which may then be a container of real numbers and arrays, and `f` any function of it:
        the derivatives are those of ``f(x + t * direction)`` with respect to the number t, at t = 0.

    Returns
    -------
    list
        f(x), f'(x), …, each in the structure of f's result.

    Raises
    ------
    DiffmagicError
        If the order is not a whole number, x is complex, or `f` mixes the elements of an array and there is no
        direction.

    Warns
    -----
    DiffmagicNote
        If integers are taken as floats, or rounding, which a formula like sin(x)/x close to 0 multiplies at each order,
        may be more than a thousandth of a derivative.

    Notes
    -----
    The coefficients of the power series around x are these over 0!, 1!, 2!, … At a kink they are what `derivative`
    gives: first the mean of the one-sided derivatives, then the derivatives of the pieces, by the same shares.

    Examples
    --------
    >>> import numpy as np
    >>> from diffmagic import taylor
    >>> taylor(lambda x: x**3, 2.0, 3)
    [8.0, 12.0, 12.0, 6.0]
    >>> taylor(lambda v: v[0] * v[1], np.array([1.0, 2.0]), 2, direction=np.array([1.0, 1.0]))
    [np.float64(2.0), np.float64(3.0), np.float64(2.0)]
    """
    _check_order(order)
    recording = record(f, 0, (x,), {})
    tell(recording.notes)
    program = recording.program
    if direction is None:
        variable = _only_variable(f, program)
        seeds = {variable: _ones(variable)}
    else:
        point = recording.like_inputs(recording.originals)
        seeds = _seeds(program.inputs, [point], [direction], "direction", "x")
    derivatives, notes = derivatives_along(program, seeds, order)
    tell(notes)
    return [recording.kept_value(), *map(recording.rebuild_output, derivatives)]


def derivatives_along(
    program: Program, direction: Mapping[Variable, Any], order: int
) -> tuple[list[list[Any]], list[str]]:
    """For each order from 1 the derivatives of all outputs along a direction of real inputs, and notes on them."""
    if order > _LARGEST_FACTORIAL:
        raise DiffmagicError(f"order {order} has a factorial beyond the largest number", rewrite="order=170 or less")
    if any(np.iscomplexobj(concrete(variable.value)) for variable in program.inputs):
        raise DiffmagicError("taylor takes real numbers", rewrite="derivative(f, order), for complex ones too")
    seeds = {variable: [variable.value, part] for variable, part in direction.items()}
    found = finite_series(program, seeds, order)
    derivatives = []
    for k in range(1, order + 1):
        factor = float(math.factorial(k))
        parts = {variable: one[k] * factor for variable, one in found.items() if one[k] is not None}
        derivatives.append([_tangent(out, parts) for out in program.outputs])
    traced = any(type(value) is Tracer for seed in seeds.values() for value in seed)
    shares = [] if traced else rounding(program, seeds, found)
    lost = [k for k, share in enumerate(shares) if share > _VISIBLE]
    return derivatives, [f"from order {lost[0]} on, rounding may be a visible part of the derivative"] if lost else []


def _check_order(order: Any) -> None:
    if not isinstance(order, int | np.integer) or order < 0:
        raise DiffmagicError(f"order {order!r} is not a whole number", rewrite="order=1, order=2, …")


def _only_variable(f: Callable[..., Any], program: Program) -> Variable:
    """The number, or the array that is treated element by element."""
    if len(program.inputs) != 1:
        raise DiffmagicError("the variable is a container, not one number or array", rewrite="grad or jacobian")
    (variable,) = program.inputs
    if variable.shape:
        _refuse_mixing(f, program)
    return variable


def _ones(variable: Variable) -> Any:
    return np.ones_like(concrete(variable.value)) if variable.shape else 1.0


def _refuse_mixing(f: Callable[..., Any], program: Program) -> None:
    for equation in program.equations:
        if equation.primitive.partials is None and not equation.primitive.keeps_positions:
            raise DiffmagicError(
                f"{function_name(f)} is not elementwise: {equation.primitive.name} mixes or moves elements",
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
            parts.append(whole[()] if type(whole) is np.ndarray else whole)
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
        return [own(None, variable.value) for variable in program.inputs]
    found = accumulate(reverse, program, {out: direction}, program.inputs)
    parts = [own(found.get(variable), variable.value) for variable in program.inputs]
    real = [not np.iscomplexobj(concrete(variable.value)) for variable in program.inputs]
    if not np.iscomplexobj(concrete(out.value)) or not any(real):
        return parts
    found = accumulate(reverse, program, {out: -1j * direction}, program.inputs)
    return [
        part + 1j * own(found.get(variable), variable.value) if whole else part
        for part, variable, whole in zip(parts, program.inputs, real, strict=True)
    ]


def _basis(variable: Variable) -> list[Any]:
    like = concrete(variable.value)
    if np.ndim(like) == 0:
        return [1.0]
    basis = np.eye(np.size(like), dtype=inexact(like))
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
