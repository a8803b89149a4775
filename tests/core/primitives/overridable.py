"""NumPy's own list of functions that can be overridden, and what comes of each when its arguments are traced.

Nothing here is declared: a typical call is traced, and the derivative that comes out, or its absence, is compared with
differences of the same call on plain arrays. A function that has no entry among the calls, such as one of a later
NumPy, is called with one traced array for each operand.
"""

from __future__ import annotations

import importlib
import inspect
import io
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.testing import overrides

from diffmagic import DiffmagicError
from diffmagic.core.forward import forward
from diffmagic.core.program import Variable
from diffmagic.core.reverse import reverse
from diffmagic.core.tracing import Tracer, concrete, trace_flat
from diffmagic.core.zeros import accumulate

LAZY = ("numpy.char", "numpy.fft", "numpy.strings")  # what NumPy itself imports only when asked
HOMES = ("numpy", "numpy.strings", "numpy.lib.scimath", "numpy._core.umath")

STEP = 1 / 512
STENCIL = (4 / 5, -1 / 5, 4 / 105, -1 / 280)  # of the central difference whose error is of order eight

X = np.array([0.7, -1.3, 2.1, 0.4, -0.55, 1.6])
Y = np.array([1.9, 0.35, -0.8, 1.25, 2.6, -1.7])
P = np.array([0.3, 0.75, 0.55, 0.9, 0.15, 0.62])  # between 0 and 1
M = np.array([[2.3, 0.4, -0.6], [0.7, 1.9, 0.35], [-0.45, 0.8, 3.1]])
G = np.array([[0.7, -1.3, 2.1, 0.4], [-0.55, 1.6, 0.2, -0.9], [1.1, 0.25, -1.75, 2.4]])
W = np.array([3.5, 5.5, 6.5])
GAPS = np.array([0.7, np.nan, 2.1, 0.4, -0.55, 1.6])
NODES = np.array([-2.0, -0.5, 0.6, 1.4, 3.0])
COMPLEX = X + 1j * Y

Call = tuple[Callable[..., Any], *tuple[Any, ...]]


def _written(f: Any, *operands: Any) -> Any:
    """The array that a function changes in place."""
    array = operands[0] * 1
    f(array, *operands[1:])
    return array


def _stored(f: Any, x: Any) -> None:
    f(io.BytesIO(), x)


def _read(f: Any, x: Any) -> Any:
    with tempfile.TemporaryFile() as file:
        np.ones(3).tofile(file)
        file.seek(0)
        return f(file, like=x)


CALLS: dict[str, Call] = {
    # Elementwise functions on a part of the line.
    **dict.fromkeys(
        ("np.arctanh", "np.arccos", "np.arcsin", "np.log", "np.log10", "np.log1p", "np.log2", "np.tan"),
        (lambda f, x: f(x), P),
    ),
    "np.arccosh": (lambda f, x: f(1 + x), P),
    "np.sqrt": (lambda f, x: f(x), P),
    "np.power": (lambda f, x, y: f(x, y), P, X),
    "np.float_power": (lambda f, x, y: f(x, y), P, X),
    "np.heaviside": (lambda f, x, h: f(x - x, h), X, Y),
    "np.ldexp": (lambda f, x: f(x, [3, -2, 1, 0, 2, 5]), X),
    "np.angle": (lambda f, x, y: f(x + 1j * y), X, Y),
    "np.imag": (lambda f, x: f(np.exp(1j * x)), X),
    "np.real": (lambda f, x: f(np.exp(1j * x)), X),
    "np.real_if_close": (lambda f, x: f(x + 0j), X),
    "np.nan_to_num": (lambda f, x: f(x), GAPS),
    "np.clip": (lambda f, x, low, high: f(x, low, high), X, np.array(-0.8), np.array(1.1)),
    "np.where": (lambda f, x, y: f(x > 0, x, y), X, Y),
    "np.select": (lambda f, x, y: f([x > 1, x > 0], [x * x, x * y], y), X, Y),
    "np.piecewise": (lambda f, x: f(x, [x < 0, x >= 0], [np.sin, np.exp]), X),
    "np.choose": (lambda f, x, y: f([0, 1, 1, 0, 0, 1], [x, y]), X, Y),
    # Whole numbers and truth values.
    **dict.fromkeys(
        ("np.bitwise_and", "np.bitwise_or", "np.bitwise_xor", "np.gcd", "np.lcm", "np.left_shift", "np.right_shift"),
        (lambda f, x: f(x.astype(int), 2), W),
    ),
    **dict.fromkeys(("np.bitwise_count", "np.invert", "np.bincount"), (lambda f, x: f(x.astype(int)), W)),
    "np.packbits": (lambda f, x: f(x > 0), X),
    "np.unpackbits": (lambda f, x: f(x.astype(np.uint8)), W),
    "np.ravel_multi_index": (lambda f, x: f((x.astype(int), x.astype(int)), (8, 8)), W),
    "np.unravel_index": (lambda f, x: f(x.astype(int), (8, 8)), W),
    # Linear algebra.
    **dict.fromkeys(
        (
            *("np.diagonal", "np.fliplr", "np.matrix_transpose", "np.trace", "np.rot90"),
            *("np.diag_indices_from", "np.tril_indices_from", "np.triu_indices_from"),
            *(f"np.linalg.{name}" for name in ("cond", "det", "diagonal", "eig", "eigvals", "inv", "matrix_norm")),
            *(f"np.linalg.{name}" for name in ("matrix_rank", "matrix_transpose", "norm", "pinv", "qr", "slogdet")),
            *(f"np.linalg.{name}" for name in ("svd", "svdvals", "trace")),
        ),
        (lambda f, a: f(a), M),
    ),
    **dict.fromkeys(
        ("np.linalg.cholesky", "np.linalg.eigh", "np.linalg.eigvalsh"), (lambda f, a: f(a @ a.T + np.eye(3)), M)
    ),
    **dict.fromkeys(
        ("np.matmul", "np.linalg.matmul", "np.linalg.solve", "np.linalg.lstsq", "np.tensordot", "np.linalg.tensordot"),
        (lambda f, a, b: f(a, b), M, M[::-1]),
    ),
    **dict.fromkeys(("np.dot", "np.inner", "np.vdot"), (lambda f, x, y: f(x, y), X, Y)),
    **dict.fromkeys(("np.cross", "np.linalg.cross"), (lambda f, a, b: f(a, b), M, M[1])),
    "np.vecmat": (lambda f, a, b: f(b, a), M, M[1]),
    "np.matvec": (lambda f, a, b: f(a, b), M, M[1]),
    "np.linalg.matrix_power": (lambda f, a: f(a, 3), M),
    "np.linalg.multi_dot": (lambda f, a, b, c: f([a, b, c]), M, M.T, M[1]),
    "np.linalg.tensorinv": (lambda f, a: f(np.reshape(a, (3, 3, 1)), ind=1), M),
    "np.linalg.tensorsolve": (lambda f, a, b: f(a, b), M, M[1]),
    "np.einsum": (lambda f, a, b: f("ij,kj->ik", a, b), M, G[:, :3]),
    "np.einsum_path": (lambda f, a: f("ij,jk,kl", a, a, a), M),
    **dict.fromkeys(("np.fft.fft2", "np.fft.ifft2", "np.fft.rfft2", "np.fft.irfft2"), (lambda f, a: f(a), G)),
    # Moves.
    **dict.fromkeys(
        ("np.concatenate", "np.vstack", "np.hstack", "np.dstack", "np.stack", "np.column_stack", "np.block"),
        (lambda f, x, y: f([x, y]), X, Y),
    ),
    "np.row_stack": (lambda f, x, y: f([x, y]), X, Y),
    **dict.fromkeys(("np.split", "np.array_split", "np.hsplit"), (lambda f, x: f(x, 3), X)),
    "np.vsplit": (lambda f, x: f(x, 3), M),
    "np.dsplit": (lambda f, x: f(np.reshape(x, (1, 1, 6)), 3), X),
    "np.astype": (lambda f, x: f(x, np.longdouble), X),
    "np.broadcast_to": (lambda f, x: f(x, (2, 6)), X),
    "np.broadcast_arrays": (lambda f, x, y: f(x, y), X, Y[:1]),
    "np.meshgrid": (lambda f, x, y: f(x, y), X, Y),
    "np.compress": (lambda f, x: f(x > 0, x), X),
    "np.extract": (lambda f, x: f(x > 0, x), X),
    "np.delete": (lambda f, x: f(x, 2), X),
    "np.expand_dims": (lambda f, x: f(x, 0), X),
    "np.insert": (lambda f, x, y: f(x, 2, y), X, Y[:1]),
    "np.moveaxis": (lambda f, x: f(x, 0, 1), G),
    "np.rollaxis": (lambda f, x: f(x, 1), G),
    "np.swapaxes": (lambda f, x: f(x, 0, 1), G),
    "np.pad": (lambda f, x: f(x, 2), X),
    "np.repeat": (lambda f, x: f(x, 2), X),
    "np.tile": (lambda f, x: f(x, 2), X),
    "np.resize": (lambda f, x: f(x, (4, 2)), X),
    "np.reshape": (lambda f, x: f(x, (2, 3)), X),
    "np.roll": (lambda f, x: f(x, 2), X),
    "np.take": (lambda f, x: f(x, [0, 3, 3]), X),
    "np.take_along_axis": (lambda f, x: f(x, np.argsort(x), 0), X),
    "np.partition": (lambda f, x: f(x, 2), X),
    "np.argpartition": (lambda f, x: f(x, 2), X),
    "np.trim_zeros": (lambda f, x: f(np.append([0.0, 0.0], x)), X),
    "np.lib.stride_tricks.sliding_window_view": (lambda f, x: f(x, 3), X),
    # Changes in place.
    "np.copyto": (lambda f, x, y: _written(f, x, y), X, Y),
    "np.fill_diagonal": (lambda f, a, x: _written(f, a, x), M, X[:3]),
    "np.place": (lambda f, x, y: _written(f, x, X > 0, y), X, Y),
    "np.put": (lambda f, x, y: _written(f, x, [0, 2, 3, 1, 4, 5], y), X, Y),
    "np.put_along_axis": (lambda f, x, y: _written(f, x, np.array([0, 2, 3, 1, 4, 5]), y, 0), X, Y),
    "np.putmask": (lambda f, x, y: _written(f, x, X > 0, y), X, Y),
    # Reductions, statistics and counts.
    **dict.fromkeys(
        ("np.quantile", "np.percentile", "np.nanquantile", "np.nanpercentile"), (lambda f, x: f(x, 0.3), X)
    ),
    **dict.fromkeys(
        ("np.nansum", "np.nanprod", "np.nanmean", "np.nanvar", "np.nanstd", "np.nanmax", "np.nanmin", "np.nanmedian"),
        (lambda f, x: f(x), GAPS),
    ),
    **dict.fromkeys(("np.nancumsum", "np.nancumprod", "np.nanargmax", "np.nanargmin"), (lambda f, x: f(x), GAPS)),
    "np.average": (lambda f, x, y: f(x, weights=y), X, P),
    "np.cov": (lambda f, x, y: f(x, y), X, Y),
    "np.corrcoef": (lambda f, x, y: f(x, y), X, Y),
    "np.digitize": (lambda f, x: f(x, NODES), X),
    "np.searchsorted": (lambda f, x: f(NODES, x), X),
    "np.histogram": (lambda f, x: f(x, bins=NODES), X),
    "np.histogram2d": (lambda f, x, y: f(x, y, bins=[NODES, NODES]), X, Y),
    "np.histogramdd": (lambda f, x, y: f([x, y], bins=[NODES, NODES]), X, Y),
    "np.isin": (lambda f, x: f(x, [0.7, 0.9]), X),
    "np.can_cast": (lambda f, x: f(x.dtype, np.float32), X),
    "np.may_share_memory": (lambda f, x: f(x, x), X),
    "np.shares_memory": (lambda f, x: f(x, x), X),
    # Functions of a grid, and of functions.
    "np.linspace": (lambda f, a, b: f(a, b, 5), X[0], Y[0]),
    "np.logspace": (lambda f, a, b: f(a, b, 5), X[0], Y[0]),
    "np.geomspace": (lambda f, a, b: f(a, b, 5), X[0], Y[0]),
    "np.interp": (lambda f, x, xp, fp: f(x, xp, fp), X, NODES, Y[:5]),
    "np.apply_along_axis": (lambda f, x: f(np.cumsum, 1, x), G),
    "np.apply_over_axes": (lambda f, x: f(np.sum, x, [0, 1]), G),
    "np.polyfit": (lambda f, x, y: f(x, y, 2), X, Y),
    # Constructors of arrays like a traced one.
    **dict.fromkeys(
        ("np.zeros", "np.ones", "np.eye", "np.identity", "np.tri", "np.arange"), (lambda f, x: f(3, like=x), X)
    ),
    **dict.fromkeys(
        ("np.array", "np.asarray", "np.asanyarray", "np.ascontiguousarray", "np.asfortranarray", "np.require"),
        (lambda f, x: f(x, like=x), X),
    ),
    "np.empty": (lambda f, x: np.shape(f(3, like=x)), X),
    "np.empty_like": (lambda f, x: np.shape(f(x)), X),
    "np.full": (lambda f, x: f(6, x, like=x), X),
    "np.full_like": (lambda f, x, y: f(x, y), X, Y[0]),
    "np.fromiter": (lambda f, x: f(range(3), float, like=x), X),
    "np.frombuffer": (lambda f, x: f(b"12345678", like=x), X),
    "np.fromstring": (lambda f, x: f("1 2", sep=" ", like=x), X),
    "np.fromfile": (_read, X),
    "np.fromfunction": (lambda f, x: f(lambda i: i * x[0], (3,), like=x), X),
    "np.loadtxt": (lambda f, x: f(io.StringIO("1 2"), like=x), X),
    "np.genfromtxt": (lambda f, x: f(io.StringIO("1 2"), like=x), X),
    # Dates and files.
    **dict.fromkeys(("np.busday_count", "np.busday_offset"), (lambda f, x: f(x, x), X)),
    "np.save": (_stored, X),
    "np.savez": (_stored, X),
    "np.savez_compressed": (_stored, X),
    "np.savetxt": (_stored, X),
}
"""A typical call of each function that does not take one array for each operand."""


@dataclass(frozen=True)
class Outcome:
    """What comes of a function: differentiable, constant, or refused with a way out."""

    kind: str
    rewrite: str = ""


def _place(function: Any) -> tuple[str, str]:
    """The module in which a function is found, the same in all versions of NumPy, and its name there."""
    name = function.__name__
    homes = [home for home in HOMES if getattr(importlib.import_module(home), name, None) is function]
    return (homes[0] if homes else function.__module__), name


def functions() -> dict[str, Any]:
    """Every function of NumPy that can be overridden, by name."""
    for module in LAZY:
        importlib.import_module(module)
    found = overrides.get_overridable_numpy_ufuncs() | overrides.get_overridable_numpy_array_functions()
    public = {}
    for function in found:
        module, name = _place(function)
        if getattr(importlib.import_module(module), name, function) is function:  # not what `like=` calls beside it
            public[f"{module.replace('numpy', 'np', 1)}.{name}"] = function
    return dict(sorted(public.items()))


def measure(name: str, function: Any) -> Outcome:
    """Trace a typical call of a function and compare it with differences.

    Raises
    ------
    AssertionError
        If a derivative is wrong or lost.
    """
    call, *operands = CALLS.get(name, _default(function))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compare(lambda *moving: call(function, *moving), *operands)


def compare(call: Callable[..., Any], *operands: Any) -> Outcome:
    """Trace a call of these numbers and arrays and compare it with differences.

    Raises
    ------
    AssertionError
        If a derivative is wrong or lost.
    """
    with np.errstate(all="ignore"):
        try:
            return _compared(lambda *moving: _leaves(call(*moving)), list(operands))
        except DiffmagicError as refusal:
            if not (refusal.reason and refusal.rewrite):
                raise AssertionError("a refusal without a way out") from refusal
            return Outcome("refused", refusal.rewrite)


def _default(function: Any) -> Call:
    """One array for each operand: those of a ufunc, or the parameters without a default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        count = 1
    else:
        count = sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    count = function.nin if isinstance(function, np.ufunc) else max(count, 1)
    return (lambda f, *operands: f(*operands)), *[X, Y, P, *[X] * count][:count]


def _leaves(result: Any) -> list[Any]:
    """The numbers, arrays and texts in a result, in nested lists and tuples; complex numbers as pairs."""
    if isinstance(result, list | tuple):
        return [leaf for part in result for leaf in _leaves(part)]
    if isinstance(result, str | type | np.dtype) or result is None:
        return [str(result)]
    assert isinstance(result, Tracer | np.ndarray | np.generic | float | int | complex), type(result)
    assert np.result_type(concrete(result)).kind in "fciub", f"a derivative was lost in {result!r}"
    return [np.real(result), np.imag(result)] if np.iscomplexobj(result) else [result]


def _compared(f: Callable[..., list[Any]], operands: list[Any]) -> Outcome:
    rng = np.random.default_rng(1)
    direction = [rng.uniform(-1, 1, np.shape(operand)) for operand in operands]
    program, found = trace_flat(f, *operands)
    seeds = dict(zip(program.inputs, direction, strict=True))
    tangents = accumulate(forward, program, seeds, program.outputs)
    for part, value in zip(found, f(*operands), strict=True):
        _agree(concrete(part), value)
    outputs = [out if isinstance(out, Variable) else None for out in program.outputs]
    moving = [tangents.get(out) if out is not None else None for out in outputs]
    slopes = _difference(f, operands, direction)
    for tangent, slope in zip(moving, slopes, strict=True):
        _agree(np.zeros(np.shape(slope)) if tangent is None else tangent, slope)
    if all(tangent is None for tangent in moving):
        return Outcome("constant")
    weights = {out: rng.uniform(-1, 1, out.shape) for out in outputs if out is not None and out.dtype.kind == "f"}
    back = accumulate(reverse, program, weights, program.inputs)
    ahead = sum(np.sum(weights[out] * tangents[out]) for out in weights if out in tangents)
    _agree(sum(np.sum(back[x] * seeds[x]) for x in program.inputs if x in back), ahead)
    return Outcome("differentiable")


def _difference(f: Callable[..., list[Any]], operands: list[Any], direction: list[Any]) -> list[Any]:
    """The derivative along a direction by differences of plain values; texts count as zero."""

    def at(step: float) -> list[Any]:
        moved = f(*[x + step * u for x, u in zip(operands, direction, strict=True)])
        return [0.0 if isinstance(part, str) else np.asarray(part, float) for part in moved]

    pairs = [(at(k * STEP), at(-k * STEP)) for k in range(1, len(STENCIL) + 1)]
    return [
        sum(weight * (high - low) / STEP for weight, (high, low) in zip(STENCIL, around, strict=True))
        for around in zip(*(zip(high, low, strict=True) for high, low in pairs), strict=True)
    ]


def _agree(found: Any, expected: Any) -> None:
    if isinstance(expected, str):
        assert str(found) == expected
        return
    assert np.shape(found) == np.shape(expected)
    scale = float(np.max(np.abs(np.nan_to_num(expected)), initial=1.0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * scale)


# The page.

INTRODUCTION = """# NumPy functions

What comes of each function that NumPy lets others override, when its arguments are traced. Nothing here is declared:
a typical call of each function is differentiated and compared with differences of plain values, by the tests again.

* **differentiable**: its derivative is right, forwards and backwards.
* **constant**: its result does not depend on small changes, or is no number.
* **refused**: it stops with the line, the reason and the way out that stands here.

`python tools/support_table.py` writes this page.
"""


def page() -> str:
    """The outcome of every function of the NumPy that is installed, by where the function is found."""
    sections: dict[str, list[str]] = {}
    for name, function in functions().items():
        outcome = measure(name, function)
        sections.setdefault(name.rpartition(".")[0], []).append(
            f"| `{name}` | {outcome.kind} | {_escaped(outcome.rewrite)} |"
        )
    head = "| function | outcome | instead |\n| --- | --- | --- |\n"
    parts = [f"\n## {home}\n\n{head}" + "\n".join(rows) + "\n" for home, rows in sorted(sections.items())]
    return INTRODUCTION + "".join(parts)


def stored(text: str) -> dict[str, Outcome]:
    """The outcomes on a page, by name."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): Outcome(row[1], row[2].replace("\\|", "|") if len(row) > 2 else "") for row in rows}


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
