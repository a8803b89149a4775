"""One equation as Python that runs: public functions, and constants written out exactly.

A primitive's name is mostly how it is called. The exceptions stand in `_CALLS`; and a primitive of our own, which has
no public name, is first taken apart into the NumPy code that it consists of (`published`).
"""

from __future__ import annotations

import builtins
import cmath
import importlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.mutation import ASSIGN
from diffmagic.core.primitives import primitive_of
from diffmagic.core.primitives.moves import Call
from diffmagic.core.program import Equation, Guard, Program, Variable
from diffmagic.core.tracing import concrete, trace_flat
from diffmagic.core.written import ATOM, POWER, TIMES, Written, number, written

Dialect = Literal["traced", "numpy", "math"]
"""How numbers are computed: as they were when the program was traced, so that arrays may take their place, or by Python
alone."""

Constant = Callable[[Any], str]
_WRITTEN_OUT = 16  # elements of an array
_NUMBERS = (bool, int, float, complex)
_DEFAULTS = ("float64", "int64", "complex128", "bool")  # the dtypes that NumPy gives lists of numbers
_RAISING = ("/", "//", "%", "**")  # operators that raise errors of arithmetic for Python's numbers
_NARROW = ("float16", "float32", "complex64")  # the dtypes that a double would widen


# Values.


def literal(value: Any, large: Constant) -> str:
    """A value as an expression that gives exactly it; what is too large to be written out gets a name from `large`.

    Examples
    --------
    >>> literal(np.array([[0.5, np.nan]]), repr), literal((slice(2), "ij"), repr), literal(np.zeros((2, 3)), repr)
    ('np.array([[0.5, np.nan]])', "(slice(None, 2, None), 'ij')", 'np.zeros((2, 3))')
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return _array(value, large)
    if isinstance(value, np.ndarray | np.generic):
        return scalar(value) if value.dtype.name in _DEFAULTS else f"np.{value.dtype.name}({scalar(value)})"
    if isinstance(value, tuple):
        return f"({', '.join(literal(part, large) for part in value)}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(literal(part, large) for part in value)}]"
    if isinstance(value, np.dtype):
        return f"np.{value.name}"
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    return scalar(value) if isinstance(value, _NUMBERS) else "..." if value is Ellipsis else repr(value)


def scalar(value: Any) -> str:
    """A number's digits, as many as give it back.

    Examples
    --------
    >>> scalar(0.1), scalar(-np.inf), scalar(1j), scalar(complex(-0.0, 1.0)), scalar(np.float32(0.1))
    ('0.1', '-np.inf', '1.0j', 'complex(-0.0, 1.0)', '0.1')
    """
    if isinstance(value, np.ndarray):
        value = value[()]
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, complex | np.complexfloating):
        real, imag = scalar(value.real), scalar(value.imag)
        return f"{imag}j" if real == "0.0" and imag[0].isdigit() else f"complex({real}, {imag})"
    if np.isfinite(value):
        return str(value)
    return "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "-np.inf"


def _array(value: Any, large: Constant) -> str:
    for text, same in _formulas(value):
        if same.dtype == value.dtype and same.tobytes() == value.tobytes():
            return text
    if value.size > _WRITTEN_OUT or value.dtype.char in "gG":
        return large(value)
    return f"np.array({_nested(value)}{_dtype(value, *_DEFAULTS)})"


def _formulas(value: Any) -> Iterator[tuple[str, Any]]:
    """Arrays that are written shorter than by their elements, and of this one's shape."""
    dtype, n = value.dtype, value.size
    shape = repr(value.shape if value.ndim != 1 else n)
    if n == 0 or (n > 1 and not np.any(value)):
        yield f"np.zeros({shape}{_dtype(value, 'float64')})", np.zeros(value.shape, dtype)
    if n < 2:
        return
    if value.flat[0] == 1:
        yield f"np.ones({shape}{_dtype(value, 'float64')})", np.ones(value.shape, dtype)
        if value.ndim == 2 and value.shape[0] == value.shape[1]:
            yield f"np.eye({value.shape[0]}{_dtype(value, 'float64')})", np.eye(value.shape[0], dtype=dtype)
    yield f"np.full({shape}, {scalar(value.flat[0])}{_dtype(value, *_DEFAULTS)})", np.full(value.shape, value.flat[0])
    if value.ndim == 1 and n > 3 and dtype.name in ("int64", "float64"):
        yield f"np.arange({scalar(dtype.type(n))})", np.arange(n, dtype=dtype)
    if value.ndim == 1 and n > 3 and dtype == np.float64 and np.all(np.isfinite(value)):
        ends = value[0], value[-1]
        yield f"np.linspace({scalar(ends[0])}, {scalar(ends[1])}, {n})", np.linspace(*ends, n)


def _dtype(value: Any, *understood: str) -> str:
    return "" if value.dtype.name in understood else f", dtype=np.{value.dtype.name}"


def _nested(value: Any) -> str:
    return f"[{', '.join(map(_nested, value))}]" if np.ndim(value) else scalar(value)


def constant_operand(value: Any, equation: Equation, dialect: Dialect, large: Constant) -> Written:
    """A constant operand of an equation. NumPy's own numbers count for a result's dtype, where Python's do not."""
    if dialect == "math":
        return number(scalar(np.asarray(value).item()).replace("np.", "math."))
    if isinstance(value, np.ndarray | np.generic) and not np.ndim(value):
        others = [concrete(argument) for argument in equation.arguments if argument is not value]
        dtypes = {o.dtype.name for o in others if isinstance(o, np.ndarray | np.generic)}
        alone = not dtypes and dialect == "traced" and equation.primitive.symbol in _RAISING  # beside Python's numbers
        if alone or dtypes.intersection(_NARROW):
            return Written(f"np.{value.dtype.name}({scalar(value)})")
    return number(literal(value, large))


# Calls.


def _splatted(name: str) -> Callable[[list[str], dict[str, str]], str]:
    """A function of one list of its operands."""
    return lambda texts, options: f"{name}([{', '.join(texts)}]{_options(options, '')})"


def _keyword_last(name: str, count: int, keyword: str) -> Callable[[list[str], dict[str, str]], str]:
    """A function that takes so many operands by position, and one more by its keyword."""

    def text(texts: list[str], options: dict[str, str]) -> str:
        given = [*texts[:count], *(f"{keyword}={last}" for last in texts[count:])]
        return f"{name}({', '.join(given)}{_options(options, '')})"

    return text


def _options(options: dict[str, str], without: str) -> str:
    return "".join(f", {name}={text}" for name, text in options.items() if name != without)


_CALLS: dict[str, Callable[[list[str], dict[str, str]], str]] = {
    "np.reshape": lambda t, o: f"np.reshape({t[0]}, {o['shape']})",
    "np.einsum": lambda t, o: f"np.einsum({o['subscripts']}, {', '.join(t)}{_options(o, 'subscripts')})",
    "np.unique": lambda t, o: f"np.unique({t[0]}{_options(o, '')})[1]",
    "np.linalg.multi_dot": _splatted("np.linalg.multi_dot"),
    "np.lexsort": _splatted("np.lexsort"),
    "np.ravel_multi_index": lambda t, o: f"np.ravel_multi_index(({', '.join(t)},){_options(o, '')})",
    "np.histogram": _keyword_last("np.histogram", 2, "weights"),
    "np.polyfit": _keyword_last("np.polyfit", 2, "w"),
    "np.logspace": _keyword_last("np.logspace", 2, "base"),
    "np.polyint": lambda t, o: f"np.polyint({', '.join([t[0], o.get('m', '1'), *t[1:]])})",
    "complex": lambda t, o: f"({t[0]} + 1j * {t[1]})",
    "math.sumprod": lambda t, o: f"math.sumprod({t[0]}.tolist(), {t[1]}.tolist())",
    "scipy.linalg.qr": lambda t, o: f"scipy.linalg.qr({t[0]}, mode='economic')",
    "scipy.linalg.cho_factor": lambda t, o: f"scipy.linalg.cho_factor({t[0]}{_options(o, '')})[0]",
    "scipy.linalg.cho_solve": lambda t, o: f"scipy.linalg.cho_solve(({t[0]}, {o['lower']}), {t[1]})",
    "scipy.linalg.lu_solve": lambda t, o: f"scipy.linalg.lu_solve(({t[0]}, {t[1]}), {t[2]}{_options(o, '')})",
    "scipy.special.logsumexp": _keyword_last("scipy.special.logsumexp", 1, "b"),
}
"""Functions that take their operands otherwise than one after the other, from the texts of operands and options."""

_ALIKE = "cbrt copysign cos cosh exp exp2 expm1 fabs fmod hypot isfinite isinf isnan log log10 log1p log2 nextafter"
_TWINS = {name: name for name in f"{_ALIKE} sin sinh sqrt tan tanh ldexp modf frexp".split()}
_TWINS |= {f"a{name}": f"arc{name}" for name in ("cos", "cosh", "sin", "sinh", "tan", "tanh", "tan2")}
_TWINS |= {"radians": "deg2rad", "degrees": "rad2deg", "ulp": "spacing"}
_IN_MATH = {f"np.{theirs}": f"math.{ours}" for ours, theirs in _TWINS.items()}
_IN_MATH |= {"np.absolute": "abs", "np.radians": "math.radians", "np.degrees": "math.degrees"}
_IN_MATH |= dict.fromkeys(("np.positive", "np.copy", "np.real", "np.conjugate"), "")
_IN_NUMPY = {f"math.{ours}": f"np.{theirs}" for ours, theirs in _TWINS.items()} | {"float": ""}
_IN_NUMPY |= {"math.erf": "scipy.special.erf", "math.erfc": "scipy.special.erfc", "math.pow": "np.power"}
_IN_NUMPY |= {f"math.{name}": f"np.{name}" for name in ("floor", "ceil", "trunc", "isnan", "isinf", "isfinite")}
_IN_NUMPY |= {"math.gamma": "scipy.special.gamma", "math.lgamma": "scipy.special.gammaln"}
_IN_PYTHON: dict[str, tuple[str, int]] = {
    "np.square": ("{0} ** 2", POWER),
    "np.reciprocal": ("1 / {0}", TIMES),
    "np.where": ("({1} if {0} else {2})", ATOM),
    "np.logical_and": ("({0} and {1})", ATOM),
    "np.logical_or": ("({0} or {1})", ATOM),
    "np.logical_not": ("(not {0})", ATOM),
}
"""Functions that Python has other forms for, and how strongly these bind."""


def expression(equation: Equation, operands: Sequence[Written], dialect: Dialect, large: Constant) -> Written:
    """An equation's right side, from those of its operands.

    Raises
    ------
    DiffmagicError
        If it cannot be written in the dialect.
    """

    def constant(value: Any) -> str:
        return literal(value, large)

    name = _name(equation, dialect)
    if not name:
        return operands[0]
    if name == equation.primitive.name and is_operator(equation, dialect):
        return written(equation, operands, constant)
    if dialect == "math" and name in _IN_PYTHON:
        form, binding = _IN_PYTHON[name]
        return Written(form.format(*(operand.within(ATOM) for operand in operands)), binding)
    if name == "np.astype":
        return _cast(equation, operands[0], constant)
    call = equation.params.get("call")
    if isinstance(call, Call):
        return Written(f"{name}({_arguments(call, operands, constant)})")
    texts = [operand.text for operand in operands]
    options = {option: constant(value) for option, value in equation.params.items()}
    if name in _CALLS:
        return Written(_CALLS[name](texts, options))
    return Written(f"{name}({', '.join(texts)}{_options(options, '')})")


def _name(equation: Equation, dialect: Dialect) -> str:
    """The function to call; empty where there is nothing to do."""
    name = equation.primitive.name
    if dialect == "math":
        if name in ("np.power", "np.float_power") and not _is_whole(equation.operands[1]):
            return "math.pow"  # Python's operator turns to complex numbers
        return _IN_MATH.get(name, name)
    if dialect == "numpy":
        name = _IN_NUMPY.get(name, name)
        if name.startswith(("math.", "cmath.")):
            raise DiffmagicError(f"{name} does not take arrays", rewrite="the same in NumPy functions")
        return name
    return "abs" if name == "np.absolute" and type(concrete(equation.value)) in _NUMBERS else name


def _is_whole(operand: Any) -> bool:
    return not isinstance(operand, Variable) and float(operand).is_integer()


def is_operator(equation: Equation, dialect: Dialect) -> bool:
    """Whether it is written with its operator; of Python's numbers alone, NumPy's function computes otherwise."""
    symbol, value = equation.primitive.symbol, concrete(equation.value)
    if not symbol or symbol == "[]" or dialect != "traced":
        return bool(symbol)
    arguments = [concrete(argument) for argument in equation.arguments]
    if not isinstance(value, np.ndarray | np.generic) or any(np.ndim(each) for each in arguments):
        return True
    if np.result_type(*arguments) == np.bool_:
        return symbol not in "+-*~"
    return value.dtype == np.bool_ or any(isinstance(each, np.ndarray | np.generic) for each in arguments)


def _cast(equation: Equation, operand: Written, constant: Constant) -> Written:
    dtype, order = constant(equation.params["dtype"]), equation.params.get("order")
    if not isinstance(concrete(equation.arguments[0]), np.ndarray | np.generic):
        return Written(f"{dtype}({operand.text})")
    return Written(f"{operand.within(ATOM)}.astype({dtype}{'' if order is None else f', {order!r}'})")


def _arguments(call: Call, operands: Sequence[Written], constant: Constant) -> str:
    """A call of a function that moves elements, with its operands in their places."""
    rest = iter([operand.text for operand in operands])

    def filled(argument: Any) -> str:
        return f"[{', '.join(map(filled, argument))}]" if isinstance(argument, list | tuple) else next(rest)

    args = [filled(argument) if k in call.data else constant(argument) for k, argument in enumerate(call.args)]
    return ", ".join(args + [f"{name}={constant(value)}" for name, value in call.kwargs.items()])


# What NumPy does with the arrays.

_FRESH = frozenset(map(primitive_of, (np.where, np.copy, np.sum, np.mean, np.dot, np.prod, np.cumsum, np.linalg.inv)))


def may_look_at(equation: Equation) -> bool:
    """Whether a result may look at the memory of an operand."""
    fresh = isinstance(equation.primitive.function, np.ufunc) or equation.primitive in _FRESH or is_write(equation)
    return not fresh and any(isinstance(concrete(result.value), np.ndarray) for result in equation.results)


def is_write(equation: Equation) -> bool:
    """Whether it is an array with a part changed."""
    return equation.primitive is ASSIGN or equation.primitive.name in ("scatter", "np.add.at", "np.subtract.at")


def is_list(equation: Equation) -> bool:
    """Whether the function returns its results, or the one that it has, in a tuple or list."""
    if len(equation.results) > 1:
        return True
    if "call" not in equation.params and equation.primitive.name != "np.nonzero":
        return False
    return isinstance(equation.primitive.function(*equation.arguments, **equation.params), tuple | list)


# Primitives of our own.


def published(program: Program) -> Program:
    """The same program in functions that have a public name.

    Raises
    ------
    DiffmagicError
        If a function has none, and is not made of those that have.
    """
    if all(map(_is_public, program.equations)):
        return program
    known: dict[Any, Any] = {}
    found = Program(program.inputs, [], [], [], program.versions)
    ends = [0]
    for equation in program.equations:
        operands = tuple([known.get(o, o) if isinstance(o, Variable) else o for o in equation.operands])
        if _is_public(equation):
            found.equations.append(_again(equation, operands, equation))
        else:
            _take_apart(equation, operands, known, found)
        ends.append(len(found.equations))
    found.guards += [Guard(known.get(g.variable, g.variable), g.value, ends[g.position]) for g in program.guards]
    found.guards.sort(key=lambda guard: guard.position)
    found.outputs += [known.get(out, out) if isinstance(out, Variable) else out for out in program.outputs]
    return found


def _again(step: Equation, operands: tuple[Any, ...], equation: Equation) -> Equation:
    return Equation(step.primitive, operands, step.arguments, step.params, step.results, equation.origin)


def _take_apart(equation: Equation, operands: tuple[Any, ...], known: dict[Any, Any], found: Program) -> None:
    """Put what an operation of our own consists of in its place."""
    body = published(_opened(equation))
    inner = dict(zip(body.inputs, [o for o in operands if isinstance(o, Variable)], strict=True))
    start = len(found.equations)
    for step in body.equations:
        given = tuple([inner.get(o, o) if isinstance(o, Variable) else o for o in step.operands])
        found.equations.append(_again(step, given, equation))
    found.guards += [Guard(inner.get(g.variable, g.variable), g.value, start + g.position) for g in body.guards]
    for result, out in zip(equation.results, body.outputs, strict=True):
        known[result] = inner.get(out, out)
        if out not in inner:
            out.name = out.name or result.name


def _opened(equation: Equation) -> Program:
    """What an operation of our own consists of, as a program of its operands that are variables."""
    primitive = equation.primitive
    places = [k for k, operand in enumerate(equation.operands) if isinstance(operand, Variable)]
    ways = [_INSTEAD.get(primitive.name), None if primitive.recomputes else primitive.function, primitive.body]
    for way in filter(None, ways):

        def of_traced(*traced: Any, way: Any = way) -> Any:
            operands = list(equation.arguments)
            for k, tracer in zip(places, traced, strict=True):
                operands[k] = tracer
            return way(*operands, **equation.params)

        try:
            program, _ = trace_flat(of_traced, *[equation.arguments[k] for k in places])
        except Exception:  # this way does what is not traced
            continue
        if all(isinstance(out, Variable) for out in program.outputs):
            return program
    raise DiffmagicError(
        f"{primitive.name} is not made of functions with a public name, so it cannot be written as source",
        rewrite=f"{primitive.name} in NumPy functions",
        location=equation.location,
    )


def _is_public(equation: Equation) -> bool:
    primitive = equation.primitive
    if is_write(equation) or primitive.symbol or primitive.name in _CALLS:
        return True
    found = _resolved(primitive.name)
    return found == primitive.function or (callable(found) and primitive.name.startswith(("np.", "scipy.")))


def _resolved(name: str) -> Any:
    """What a dotted name stands for; None if there is no such thing."""
    root, *path = name.split(".")
    if not path:
        return getattr(builtins, root, None)
    try:
        home = importlib.import_module(f"scipy.{path.pop(0)}") if root == "scipy" else _MODULES[root]
        for part in path:
            home = getattr(home, part)
    except (ImportError, AttributeError, KeyError):
        return None
    return home


_MODULES: dict[str, Any] = {"np": np, "math": math, "cmath": cmath}


def _portions(a: Any, b: Any, axis: Any) -> Any:
    largest = np.max(np.where(np.equal(b, 0), -np.inf, a), axis=axis, keepdims=True)
    same = np.equal(a, largest)
    portion = np.exp(np.where(same, 0.0, a - np.where(same, 0.0, largest)))
    return portion / np.sum(np.where(np.equal(b, 0), 0.0, b * portion), axis=axis, keepdims=True)


_INSTEAD: dict[str, Callable[..., Any]] = {"portions": _portions}
"""Functions of ours that use what is not traced, in what is."""


def imports(text: str) -> Iterator[str]:
    """The import statements that a piece of source needs."""
    for module in ("cmath", "math"):
        if re.search(rf"\b{module}\.", text):
            yield f"import {module}"
    if re.search(r"\bnp\.", text):
        yield "import numpy as np"
    yield from (f"import {module}" for module in sorted(set(re.findall(r"\b(scipy\.\w+)\.", text))))
