"""The user's own gradient, in whatever form it comes, as a matrix."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.program import short
from diffmagic.core.structures import flatten, is_leaf, taken_apart
from diffmagic.gradient_check.problem import Problem, changed, copied


@dataclass(slots=True)
class Given:
    """A gradient that was given.

    Attributes
    ----------
    matrix : ndarray
        A row for each number of the result, a column for each of the inputs.
    eps : float
        The spacing of the numbers that it came in.
    transposed : list of str
        Inputs whose gradient has the shape of their transpose; it is compared after transposing.
    notes : list of str
    """

    matrix: Any
    eps: float = 0.0
    transposed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def given_gradient(gradient: Any, problem: Problem, arguments: list[Any], true: Any = None) -> Given:
    """What the user's gradient gives for these arguments.

    Parameters
    ----------
    gradient : callable or numbers
    problem : Problem
    arguments : list
        What to call it with.
    true : ndarray, optional
        The derivative, to say what would make a wrong shape right.

    Raises
    ------
    DiffmagicError
        If it is not made of as many numbers as there are inputs.
    """
    found = Given(np.zeros((problem.rows, problem.x.size)))
    if callable(gradient):
        before = tuple(copied(argument) for argument in arguments)
        gradient = gradient(*arguments)
        found.notes += changed("your gradient", before, arguments, problem.parameters)
    try:
        parts = _matched(gradient, problem)
        blocks = [_block(part, problem, k, true, found) for k, part in enumerate(parts)]
    except DiffmagicError:
        pair = _behind_the_value(gradient, problem, found)
        if pair is None:
            raise
        parts = _matched(pair, problem)
        blocks = [_block(part, problem, k, true, found) for k, part in enumerate(parts)]
    found.matrix = np.hstack(blocks)
    return found


def _behind_the_value(gradient: Any, problem: Problem, found: Given) -> Any:
    """The gradient in a pair of the value and the gradient; None if it is not one."""
    if not isinstance(gradient, tuple | list) or len(gradient) != 2 or not is_leaf(gradient[0]):
        return None
    value, rest = gradient
    if np.size(value) != problem.rows:
        return None
    if not np.allclose(np.ravel(value), np.ravel(problem.value), rtol=1e-6, atol=1e-300, equal_nan=True):
        found.notes.append(
            f"the value that stands beside your gradient is {short(value)}, and the function gives "
            f"{short(problem.value)}: they are not of the same function"
        )
    return rest


def _matched(gradient: Any, problem: Problem) -> list[Any]:
    """The part of the gradient for each number or array among the inputs."""
    if gradient is None:
        raise DiffmagicError("your gradient returned None", rewrite="end it with: return gradient")
    numbers = isinstance(gradient, list | tuple) and all(map(np.isscalar, gradient))
    if len(problem.names) > 1 and (numbers or is_leaf(gradient)) and np.size(gradient) == problem.rows * problem.x.size:
        whole = np.reshape(gradient, (problem.rows, -1))
        blocks = zip(problem.columns, problem.shapes, strict=True)
        return [whole[:, columns].reshape(problem.above + shape) for columns, shape in blocks]
    if not problem.single or (isinstance(gradient, Mapping) and not isinstance(problem.point[0], Mapping)):
        names = [problem.parameters[place] for place in problem.places]
        gradient = _by_name(gradient, names, "your gradient")
    else:
        gradient = [gradient]
    parts = [
        _like(part, value, problem.parameters[place])
        for part, value, place in zip(gradient, problem.point, problem.places, strict=True)
    ]
    return list(itertools.chain.from_iterable(parts))


def _by_name(gradient: Any, names: list[Any], what: str) -> list[Any]:
    """The parts of a gradient, one for each name: from a mapping, or in order."""
    if isinstance(gradient, Mapping):
        if set(gradient) != set(names):
            have, want = (", ".join(map(repr, keys)) for keys in (gradient, names))
            raise DiffmagicError(f"{what} is a dict with {have}, and the inputs are {want}", rewrite="the same names")
        return [gradient[name] for name in names]
    ordered = isinstance(gradient, list | tuple) or (isinstance(gradient, np.ndarray) and gradient.ndim > 0)
    if ordered and len(gradient) == len(names):
        return list(gradient)
    if len(names) == 1:
        return [gradient]
    raise DiffmagicError(
        f"{what} is {_form(gradient)}, and there are {len(names)} inputs: {', '.join(map(str, names))}",
        rewrite="return one part for each, in this order",
    )


def _like(gradient: Any, value: Any, name: str) -> list[Any]:
    """The part of a gradient for each number or array of one argument."""
    if is_leaf(value):
        return [gradient]
    if value is None:
        return []
    parts, _ = taken_apart(value, name)
    keys = [path.removeprefix(name).strip("[].'") for path, _ in parts]
    if isinstance(value, Mapping):
        keys = list(value)
    elif not isinstance(gradient, Mapping) and not isinstance(gradient, list | tuple | np.ndarray):
        gradient = {key: getattr(gradient, key) for key in keys if hasattr(gradient, key)} or gradient
    if is_leaf(gradient) and np.size(gradient) == sum(np.size(leaf) for _, leaf in flatten(value)[0]):
        ends = np.cumsum([np.size(leaf) for _, leaf in flatten(value)[0]])
        return np.split(np.ravel(gradient), ends[:-1])
    pieces = _by_name(gradient, keys, f"your gradient of {name}")
    below = [_like(piece, part, path) for piece, (path, part) in zip(pieces, parts, strict=True)]
    return list(itertools.chain.from_iterable(below))


def _block(part: Any, problem: Problem, k: int, true: Any, found: Given) -> Any:
    """One input's part as columns of the matrix."""
    name, shape, columns = problem.names[k], problem.shapes[k], problem.columns[k]
    numbers = _numbers(part, name)
    if numbers.dtype.kind == "f":
        found.eps = max(found.eps, float(np.finfo(numbers.dtype).eps))
    above = problem.above
    size = columns.stop - columns.start
    wanted = (*above, *shape)
    if numbers.size != problem.rows * size:
        whole = None if true is None else np.reshape(true[:, columns], wanted)
        raise DiffmagicError(
            f"your gradient of {name} has shape {numbers.shape}, and {_wants(name, shape, above)}",
            rewrite=_reduced(numbers, whole) or f"return an array of shape {wanted}",
        )
    flat = (problem.rows, size)
    if numbers.shape not in (wanted, flat if above else wanted):
        turned = [order for order in (wanted[::-1], flat[::-1]) if numbers.shape == order and min(order) > 1]
        if turned:
            found.transposed.append(
                f"your gradient of {name} has shape {numbers.shape}, and {_wants(name, shape, above)}"
            )
            numbers = numbers.T
        elif numbers.ndim and numbers.size > 1:
            found.notes.append(f"your gradient of {name} has shape {numbers.shape} and is read as one of {wanted}")
    return numbers.reshape(flat).astype(float)


def _wants(name: str, shape: tuple[int, ...], above: tuple[int, ...]) -> str:
    if above:
        return f"the result {above} and {name} {shape}"
    return f"{name} has shape {shape}" if shape else f"{name} is one number"


def _numbers(part: Any, name: str) -> Any:
    try:
        numbers = np.asarray(part)
    except ValueError:  # lists of different lengths
        numbers = np.asarray("")
    if part is None or numbers.dtype.kind not in "biuf":
        complex_numbers = numbers.dtype.kind == "c"
        raise DiffmagicError(
            f"your gradient of {name} is {'complex' if complex_numbers else _form(part)}, not real numbers",
            rewrite="return np.real of it" if complex_numbers else "return a number or an array of numbers",
        )
    return numbers


def _reduced(numbers: Any, true: Any) -> str:
    """The sum that makes an array the true gradient, if one does."""
    if true is None:
        return ""
    for count in range(1, numbers.ndim + 1):
        for axes in itertools.combinations(range(numbers.ndim), count):
            axis = axes[0] if len(axes) == 1 else axes
            for reduce, called in ((np.sum, "np.sum"), (np.mean, "np.mean")):
                total = reduce(numbers, axis=axis)
                if total.shape == true.shape and np.allclose(total, true, rtol=1e-6, atol=1e-12):
                    return f"{called}(…, axis={axis}) of it, which has the right numbers"
    return ""


def _form(gradient: Any) -> str:
    if gradient is None:
        return "None"
    if isinstance(gradient, str):
        return "a string"
    if is_leaf(gradient):
        return f"an array of shape {np.shape(gradient)}" if np.ndim(gradient) else "one number"
    if isinstance(gradient, list | tuple):
        return f"a {type(gradient).__name__} of {len(gradient)}"
    return f"an object of type {type(gradient).__name__}"
