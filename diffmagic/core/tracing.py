"""Tracers carry concrete values through plain NumPy code, and what is done to them becomes a program.

NumPy code reaches a tracer by its operators, methods and attributes, and by NumPy's two protocols. None of this knows
anything of derivatives.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.escapes import escape
from diffmagic.core.primitives import HANDLERS, PRIMITIVES, Primitive, define_kernel, primitive_of, public_name
from diffmagic.core.program import Equation, Guard, Program, Variable
from diffmagic.core.source import Location, is_library, origin

_levels = itertools.count(1)
_NO_PARAMS: dict[str, Any] = {}
_CONSTANTS = frozenset({float, int, np.float64, np.ndarray})
_COPIED_BYTES = 1 << 16
_SAMPLED = 1000
_SEVERAL = (tuple, list)
_INDICES = frozenset({int, type(None)})
_NOTHING = bytes(32)
_SPECIAL = "diffmagic.core.primitives.special"


GETITEM = primitive_of(operator.getitem)


class _Unary(dict[Any, "Primitive | None"]):
    """The ufuncs of one operand and one result that are recorded as they are."""

    def __missing__(self, ufunc: np.ufunc) -> Primitive | None:
        simple = ufunc.nin == ufunc.nout == 1 and ufunc not in HANDLERS
        self[ufunc] = PRIMITIVES.get(ufunc) if simple else None
        return self[ufunc]


_UNARY = _Unary()


class Trace:
    """A program being recorded.

    Attributes
    ----------
    level : int
        An inner trace has a higher level than the traces that were open when it began.
    open : bool
        Whether it still records. Afterwards its tracers are worth their values and nothing more.
    lean : bool
        Whether large arrays that no partial derivative reads are let go. The program is then good for one accumulation
        and not for looking at.
    """

    __slots__ = ("equations", "guards", "lean", "lent", "level", "open")

    def __init__(self, lean: bool = False) -> None:
        self.level = next(_levels)
        self.open = True
        self.lean = lean
        self.equations: list[Equation] = []
        self.guards: list[Guard] = []
        self.lent: dict[int, tuple[Any, Any, Location]] = {}

    def input(self, value: Any, name: str = "") -> Tracer:
        return Tracer(self, Variable(value, name))

    def record(
        self,
        primitive: Primitive,
        operands: tuple[Any, ...],
        arguments: tuple[Any, ...],
        params: Mapping[str, Any],
        value: Any,
        frame: FrameType,
    ) -> Any:
        """Append an equation; returns its result, traced, in the container that NumPy returns."""
        if isinstance(value, _SEVERAL):
            results = tuple(Variable(part) for part in value)
            self.equations.append(Equation(primitive, operands, arguments, params, results, origin(frame)))
            tracers = [Tracer(self, variable) for variable in results]
            if hasattr(value, "_fields"):
                return type(value)(*tracers)
            return tracers if isinstance(value, list) else tuple(tracers)
        return self.append(primitive, operands, arguments, params, value, frame)

    def append(
        self,
        primitive: Primitive,
        operands: tuple[Any, ...],
        arguments: tuple[Any, ...],
        params: Mapping[str, Any],
        value: Any,
        frame: FrameType,
    ) -> Tracer:
        """`record` for one result. Most of a trace is spent here, so the user's own frame is recognised at once."""
        variable = Variable(value)
        code = frame.f_code
        place = (code, frame.f_lasti) if is_library.get(code.co_filename) is False else origin(frame)
        tracer = Tracer(self, variable)
        if self.lean and value.__class__ is np.ndarray and value.nbytes > _COPIED_BYTES and primitive.partials:
            reads = primitive.reads([operand.__class__ is Variable for operand in operands])
            arguments = tuple([a if k + 1 in reads else hollow(a) for k, a in enumerate(arguments)])
            variable.value = value if 0 in reads else hollow(value)
        self.equations.append(Equation(primitive, operands, arguments, params, (variable,), place))
        return tracer

    def borrow(self, array: Any, frame: FrameType) -> Any:
        """An array of the user's as a constant of the program, which must not change when theirs does."""
        if array.__class__ is not np.ndarray or array.dtype.hasobject:
            array = _ordinary(array, frame)
        if array.nbytes <= _COPIED_BYTES:
            return array.copy("K")
        if array.flags.writeable and id(array) not in self.lent:
            self.lent[id(array)] = (array, _sample(array), Location(*origin(frame)))
        return array

    def __enter__(self) -> Trace:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        """Stop recording; our own error comes out from under NumPy's."""
        self.open = False
        if error is None:
            if self.lent:
                self.check_lent()
            return
        ours = _ours_beneath(error)
        if ours is not None:
            raise ours from None

    def check_lent(self) -> None:
        """The large constants must be as they were."""
        for array, sample, location in self.lent.values():
            if not np.array_equal(_sample(array), sample, equal_nan=array.dtype.kind in "fc"):
                raise DiffmagicError(
                    "an array that this line reads was changed later in place, so its derivative would use the wrong "
                    "numbers",
                    rewrite="work on a copy: a = a.copy() before the change",
                    location=location,
                )

    def program(self, inputs: list[Tracer], outputs: list[Any]) -> Program:
        """What was recorded, with these inputs and outputs."""
        return Program(
            [tracer._variable for tracer in inputs],
            self.equations,
            [out._variable if out.__class__ is Tracer and out._trace is self else out for out in outputs],
            self.guards,
        )


def _ours_beneath(error: BaseException) -> DiffmagicError | None:
    """Our own error under one that NumPy raised because of it."""
    seen: set[int] = set()
    beneath: BaseException | None = error
    while beneath is not None and id(beneath) not in seen:
        seen.add(id(beneath))
        beneath = beneath.__cause__ or beneath.__context__
        if isinstance(beneath, DiffmagicError) and not isinstance(error, DiffmagicError):
            return beneath
    return None


def _ordinary(array: Any, frame: FrameType) -> Any:
    """An array whose operators are NumPy's own and whose elements are numbers; others are refused."""
    if isinstance(array, np.memmap):
        array = np.asarray(array)
    if array.__class__ is not np.ndarray:
        raise DiffmagicError(
            f"a {type(array).__name__} beside a traced value has rules of its own, which are not traced",
            rewrite="np.asarray(a)",
            location=Location(*origin(frame)),
        )
    if array.dtype.hasobject:
        raise DiffmagicError(
            "an array of Python objects beside a traced value is not traced",
            rewrite="np.stack([...]) of traced values, a.astype(float) of plain ones",
            location=Location(*origin(frame)),
        )
    return array


def hollow(value: Any) -> Any:
    """An array of the same shape and dtype without the numbers; anything else is itself."""
    if value.__class__ is not np.ndarray:
        return value
    return np.ndarray(value.shape, value.dtype, _NOTHING, strides=(0,) * value.ndim)


def _sample(array: Any) -> Any:
    """A thousand elements, spread over the array: enough to notice a buffer that is filled again."""
    elements = array.ravel("K") if array.flags.forc else array.flat
    return elements[:: max(1, array.size // _SAMPLED)].copy()


def apply(
    primitive: Primitive,
    operands: tuple[Any, ...],
    params: Mapping[str, Any] = _NO_PARAMS,
    compute: Callable[..., Any] | None = None,
) -> Any:
    """Compute a primitive, and record it in the innermost trace that any operand belongs to.

    Parameters
    ----------
    primitive : Primitive
    operands : tuple
    params : mapping
    compute : callable, optional
        In place of ``primitive.function``: Python's operators keep Python numbers, which NumPy's functions would not.
    """
    compute = compute or primitive.function
    if params and any([value.__class__ is Tracer for value in params.values()]):
        params = {name: plain_option(value, primitive.name) for name, value in params.items()}
    if len(operands) == 1 and operands[0].__class__ is Tracer:
        (operand,) = operands
        trace, value = operand._trace, operand._value
        if trace.open and value.__class__ is not Tracer:
            result = compute(value, **params)
            return trace.record(primitive, (operand._variable,), (value,), params, result, sys._getframe(1))
    trace = None
    for operand in operands:
        if operand.__class__ is Tracer:
            candidate = operand._trace
            if not candidate.open:
                return apply(primitive, tuple(map(settled, operands)), params, compute)
            if trace is None or candidate.level > trace.level:
                trace = candidate
    if trace is None:
        return compute(*operands, **params)
    frame = sys._getframe(1)
    recorded, arguments, nested = [], [], False
    for operand in operands:
        if operand.__class__ is Tracer:
            if operand._trace is trace:
                value = operand._value
                recorded.append(operand._variable)
                arguments.append(value)
                nested = nested or value.__class__ is Tracer
                continue
            nested = True
        elif isinstance(operand, np.ndarray):
            operand = trace.borrow(operand, frame)
        elif isinstance(operand, list | tuple) and primitive.differentiable:
            operand = np.array(operand)
        recorded.append(operand)
        arguments.append(operand)
    value = apply(primitive, tuple(arguments), params, compute) if nested else compute(*arguments, **params)
    return trace.record(primitive, tuple(recorded), tuple(arguments), params, value, frame)


def plain_option(value: Any, name: str) -> Any:
    """An option as a plain value of our own: traced integers are decisions, floats would lose their derivative."""
    if isinstance(value, list | tuple):
        return type(value)([plain_option(part, name) for part in value])
    if value.__class__ is Tracer:
        if value.dtype.kind not in "iub":
            refuse(f"{name} with a traced option is not traced", "pass a plain number for the option")
        return value.decide(concrete(value))
    return value.copy() if isinstance(value, np.ndarray) else value


def settled(value: Any) -> Any:
    """A tracer whose trace is over is worth its value."""
    while value.__class__ is Tracer and not value._trace.open:
        value = value._value
    return value


def concrete(value: Any) -> Any:
    """The plain number or array behind any tracer."""
    while value.__class__ is Tracer:
        value = value._value
    return value


def is_traced(value: Any) -> bool:
    """Whether a value is, or a list or tuple of values holds, a tracer."""
    if isinstance(value, list | tuple):
        return any(map(is_traced, value))
    return value.__class__ is Tracer


def call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What a NumPy function does when one of its arguments is traced."""
    handler = HANDLERS.get(function)
    if handler is not None:
        try:
            return handler(*args, **kwargs)
        except TypeError as error:
            raise _unexpected(function, handler, error) from error
    primitive = PRIMITIVES.get(function)
    if primitive is not None:
        if kwargs:
            _refuse_options(function, kwargs)
        return apply(primitive, tuple(map(_listed, args)))
    if _SPECIAL not in sys.modules and (function is np.i0 or "scipy.special" in sys.modules):
        try:
            importlib.import_module(_SPECIAL)
        except ImportError:
            refuse(f"{public_name(function)} has no derivative without SciPy, which computes it", "pip install scipy")
        return call(function, args, kwargs)
    return refuse(
        f"{public_name(function)} has no derivative here",
        "write it in other NumPy functions, or call it on plain arrays that do not depend on the inputs",
    )


def composite(function: Any, operands: int = 1) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function by its body in other primitives: one named equation, which can be opened.

    Parameters
    ----------
    function : callable
        The NumPy function; it computes the value.
    operands : int
        How many of the body's first parameters are operands. The others are options.
    """

    def declare(body: Callable[..., Any]) -> Callable[..., Any]:
        primitive = define_kernel(function, body=body)
        signature = inspect.signature(body)
        names = list(signature.parameters)[:operands]

        def handler(*args: Any, **kwargs: Any) -> Any:
            if len(args) == operands and not kwargs:
                return apply(primitive, args)
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError as error:
                raise _refused_option(function, str(error)) from error
            params = {name: plain_option(value, primitive.name) for name, value in given.items() if name not in names}
            return apply(primitive, tuple(given[name] for name in names), params)

        HANDLERS[function] = handler
        return body

    return declare


def _refused_option(function: Any, why: str) -> DiffmagicError:
    return DiffmagicError(
        f"{public_name(function)} with these arguments has no derivative here: {why}",
        rewrite="leave the option out, or write it as a step of its own",
        location=_here(),
    )


def _unexpected(function: Any, handler: Any, error: TypeError) -> Exception:
    """An unknown keyword of ours is a refusal; a TypeError from inside a handler is the user's own."""
    traceback = error.__traceback__
    if traceback is not None and traceback.tb_next is None:
        return _refused_option(function, str(error).replace(f"{handler.__name__}()", public_name(function)))
    return error


def _with_options(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc called with keywords, or one of its methods such as ``np.add.reduce``."""
    if any(out is not None for out in kwargs.pop("out", None) or ()):
        refuse(
            f"{public_name(ufunc)} writes a traced result into an existing array (out=, or an operator such as +=)",
            "y = y + x, which gives the result a name instead",
        )
    if method == "__call__":
        if kwargs.get("where") is True:
            del kwargs["where"]
        return call(ufunc, inputs, kwargs)
    handler = HANDLERS.get(method)
    if handler is None:
        refuse(f"{public_name(ufunc)}.{method} is not traced", "write it as a loop, or in other NumPy functions")
    try:
        return handler(ufunc, *inputs, **kwargs)
    except TypeError as error:
        raise _unexpected(ufunc, handler, error) from error


def _refuse_options(function: Any, kwargs: Mapping[str, Any]) -> NoReturn:
    names = ", ".join(f"{name}=" for name in kwargs)
    rewrites = {
        "out": "assign the result instead: y = " + public_name(function) + "(x)",
        "where": "np.where(mask, " + public_name(function) + "(x), x0)",
        "dtype": "x.astype(...) first",
    }
    refuse(
        f"{public_name(function)} with {names} is not traced",
        next((rewrites[name] for name in kwargs if name in rewrites), "leave the option out"),
    )


def refuse(reason: str, rewrite: str) -> NoReturn:
    """Stop with the user's line, the reason and the rewrite."""
    raise DiffmagicError(reason, rewrite=rewrite, location=_here())


def _here() -> Location:
    return Location(*origin(sys._getframe(1)))


def _binary(function: Any, compute: Callable[[Any, Any], Any], swapped: bool = False) -> Callable[[Any, Any], Any]:
    """An operator of two operands. It repeats `apply` for the commonest operands, as most of a trace is spent here."""
    primitive = primitive_of(function)

    def method(self: Tracer, other: Any) -> Any:
        trace = self._trace
        kind = other.__class__
        if trace.open and (kind in _CONSTANTS or (kind is Tracer and other._trace is trace)):
            variable = self._variable
            frame = sys._getframe(1)
            if kind is Tracer:
                value = other._value
                other = other._variable
            else:
                value = other = trace.borrow(other, frame) if kind is np.ndarray else other
            if swapped:
                operands, arguments = (other, variable), (value, self._value)
            else:
                operands, arguments = (variable, other), (self._value, value)
            return trace.append(primitive, operands, arguments, _NO_PARAMS, compute(*arguments), frame)
        other = _operand(other)
        if other is NotImplemented:
            return NotImplemented
        return apply(primitive, (other, self) if swapped else (self, other), compute=compute)

    return method


def _operand(value: Any) -> Any:
    """What an operator accepts beside a tracer: numbers, arrays, and lists of numbers as NumPy does."""
    if isinstance(value, list | tuple) and not is_traced(value):
        return np.asarray(value)
    if isinstance(value, list | tuple):
        refuse("a list of traced values is not an array yet", "np.stack([...]), which keeps the derivative")
    if isinstance(value, Tracer | np.ndarray | np.generic | float | int | complex):
        return value
    return NotImplemented


def _unary(function: Any, compute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    primitive = primitive_of(function)

    def method(self: Tracer) -> Any:
        trace = self._trace
        if not trace.open:
            return compute(settled(self))
        argument = self._value
        return trace.append(primitive, (self._variable,), (argument,), _NO_PARAMS, compute(argument), sys._getframe(1))

    return method


def _method(function: Any) -> Callable[..., Any]:
    """A method of ndarray that does what a NumPy function does."""

    def method(self: Tracer, *args: Any, **kwargs: Any) -> Any:
        return call(function, (self, *args), kwargs)

    return method


def _in_place(symbol: str, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Numbers are immutable, so for them `x += y` is `x = x + y`; for arrays it would change every other name."""

    def method(self: Tracer, other: Any) -> Any:
        if np.ndim(concrete(self)) == 0:
            return compute(self, other)
        refuse(
            f"{symbol}= changes an array in place, under all of its names",
            f"x = x {symbol} y",
        )

    return method


class Tracer:
    """A value of the user's computation that remembers where it came from. It behaves like the array it stands for."""

    __slots__ = ("_trace", "_value", "_variable")
    __array_priority__ = 1000.0

    def __init__(self, trace: Trace, variable: Variable) -> None:
        self._trace = trace
        self._variable = variable
        self._value = variable.value

    # The two protocols.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            trace = self._trace
            primitive = _UNARY[ufunc]
            if primitive is not None and trace.open:
                argument = self._value
                return trace.append(
                    primitive, (self._variable,), (argument,), _NO_PARAMS, ufunc(argument), sys._getframe(1)
                )
            return call(ufunc, inputs, kwargs)
        return _with_options(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return call(function, args, kwargs)

    # Operators.

    __add__ = _binary(np.add, operator.add)
    __radd__ = _binary(np.add, operator.add, swapped=True)
    __sub__ = _binary(np.subtract, operator.sub)
    __rsub__ = _binary(np.subtract, operator.sub, swapped=True)
    __mul__ = _binary(np.multiply, operator.mul)
    __rmul__ = _binary(np.multiply, operator.mul, swapped=True)
    __truediv__ = _binary(np.divide, operator.truediv)
    __rtruediv__ = _binary(np.divide, operator.truediv, swapped=True)
    __pow__ = _binary(np.power, operator.pow)
    __rpow__ = _binary(np.power, operator.pow, swapped=True)
    __mod__ = _binary(np.remainder, operator.mod)
    __rmod__ = _binary(np.remainder, operator.mod, swapped=True)
    __floordiv__ = _binary(np.floor_divide, operator.floordiv)
    __rfloordiv__ = _binary(np.floor_divide, operator.floordiv, swapped=True)
    __matmul__ = _binary(np.matmul, operator.matmul)
    __rmatmul__ = _binary(np.matmul, operator.matmul, swapped=True)
    __gt__ = _binary(np.greater, operator.gt)
    __ge__ = _binary(np.greater_equal, operator.ge)
    __lt__ = _binary(np.less, operator.lt)
    __le__ = _binary(np.less_equal, operator.le)
    __eq__ = _binary(np.equal, operator.eq)
    __ne__ = _binary(np.not_equal, operator.ne)
    __and__ = _binary(np.bitwise_and, operator.and_)
    __rand__ = _binary(np.bitwise_and, operator.and_, swapped=True)
    __or__ = _binary(np.bitwise_or, operator.or_)
    __ror__ = _binary(np.bitwise_or, operator.or_, swapped=True)
    __xor__ = _binary(np.bitwise_xor, operator.xor)
    __rxor__ = _binary(np.bitwise_xor, operator.xor, swapped=True)
    __neg__ = _unary(np.negative, operator.neg)
    __pos__ = _unary(np.positive, operator.pos)
    __abs__ = _unary(np.absolute, operator.abs)
    __invert__ = _unary(np.invert, operator.invert)
    __iadd__ = _in_place("+", operator.add)
    __isub__ = _in_place("-", operator.sub)
    __imul__ = _in_place("*", operator.mul)
    __itruediv__ = _in_place("/", operator.truediv)
    __ipow__ = _in_place("**", operator.pow)
    __imod__ = _in_place("%", operator.mod)
    __ifloordiv__ = _in_place("//", operator.floordiv)
    __imatmul__ = _in_place("@", operator.matmul)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    # Containers.

    def __getitem__(self, key: Any) -> Any:
        kind = key.__class__
        if kind is int or (
            kind is slice
            and key.start.__class__ in _INDICES
            and key.stop.__class__ in _INDICES
            and key.step.__class__ in _INDICES
        ):
            trace, value = self._trace, self._value
            if trace.open and value.__class__ is np.ndarray:
                result = value[key]
                return trace.append(GETITEM, (self._variable,), (value,), {"key": key}, result, sys._getframe(1))
        return HANDLERS[operator.getitem](self, key)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        refuse(
            "item assignment changes a traced array in place",
            "np.where(mask, new, old), or build the parts and join them: np.stack([...]), np.concatenate([...])",
        )

    def __hash__(self) -> int:
        refuse(
            "a traced value cannot be a key of a dict or set, or an argument of a cached function",
            "its position as the key; f.__wrapped__(x) for a cached function f",
        )

    def __len__(self) -> int:
        return len(concrete(self))

    def __iter__(self) -> Iterator[Any]:
        if np.ndim(concrete(self)) == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[position] for position in range(len(self)))

    def __contains__(self, element: Any) -> bool:
        return bool(np.any(self == element))

    # Python decides on the value; the decision is kept.

    def decide(self, value: Any) -> Any:
        """Keep that Python went on with this plain value, here and in every trace below."""
        inner: Any = self
        while inner.__class__ is Tracer:
            if inner._trace.open:
                inner._trace.guards.append(Guard(inner._variable, value, len(inner._trace.equations)))
            inner = inner._value
        return value

    def __bool__(self) -> bool:
        return bool(self.decide(bool(concrete(self))))

    def __int__(self) -> int:
        return int(self.decide(int(concrete(self))))

    def __index__(self) -> int:
        return int(self.decide(operator.index(concrete(self))))

    def __round__(self, digits: int | None = None) -> Any:
        return int(np.round(self)) if digits is None else np.round(self, digits)

    def __trunc__(self) -> int:
        return int(self)

    def __floor__(self) -> int:
        return int(np.floor(self))

    def __ceil__(self) -> int:
        return int(np.ceil(self))

    # Ways out, which would lose the derivative.

    def __float__(self) -> float:
        if not self._trace.open and settled(self).__class__ is not Tracer:
            return float(concrete(self))
        raise escape(_here(), "a float")

    def __complex__(self) -> complex:
        if not self._trace.open and settled(self).__class__ is not Tracer:
            return complex(concrete(self))
        raise escape(_here(), "a complex number")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if settled(self).__class__ is not Tracer:
            return np.array(concrete(self), dtype=dtype)
        raise escape(_here(), "an array")

    def item(self, *args: Any) -> Any:
        """The one element, still traced."""
        return np.ravel(self)[args[0]] if len(args) == 1 else self[args] if args else np.reshape(self, ())

    def tolist(self) -> Any:
        """Nested lists of traced numbers."""
        return [part.tolist() if np.ndim(concrete(part)) else part for part in self] if self.ndim else self

    def __copy__(self) -> Tracer:
        return self

    def __deepcopy__(self, memo: Any) -> Tracer:
        return self

    def copy(self, order: str = "C") -> Any:
        """Itself: a traced value never changes."""
        return self

    def __reduce__(self) -> NoReturn:
        refuse("a traced value cannot be pickled or sent elsewhere", "send plain numbers")

    # What it looks like.

    def __repr__(self) -> str:
        return repr(concrete(self))

    def __str__(self) -> str:
        return str(concrete(self))

    def __format__(self, spec: str) -> str:
        return format(concrete(self), spec)

    # Attributes of ndarray.

    def __getattr__(self, name: str) -> NoReturn:
        kind = "traced" if name.startswith("_") else type(concrete(self)).__name__  # `_value` itself may be missing
        raise AttributeError(f"'{kind}' object has no attribute '{name}'", name=name)

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(concrete(self))

    @property
    def ndim(self) -> int:
        return np.ndim(concrete(self))

    @property
    def size(self) -> int:
        return np.size(concrete(self))

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(concrete(self))

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def T(self) -> Any:  # noqa: N802
        return np.transpose(self)

    @property
    def mT(self) -> Any:  # noqa: N802
        return np.matrix_transpose(self)

    @property
    def real(self) -> Any:
        return np.real(self)

    @property
    def imag(self) -> Any:
        return np.imag(self)

    @property
    def flat(self) -> Any:
        return np.ravel(self)

    def flatten(self, order: Any = "C") -> Any:
        """All elements in one dimension."""
        return np.ravel(self, order)

    def fill(self, value: Any) -> NoReturn:
        """Refused: it changes the array in place."""
        refuse("fill changes a traced array in place", "np.full_like(x, value)")

    def sort(self, axis: Any = -1, kind: Any = None, order: Any = None) -> NoReturn:
        """Refused: it changes the array in place."""
        refuse("sort changes a traced array in place", "y = np.sort(x)")


_METHODS = (
    "all any argmax argmin argpartition argsort astype choose clip cumprod cumsum diagonal dot max mean min "
    "nonzero prod ravel repeat round searchsorted squeeze std sum swapaxes take trace var"
)
for _name in _METHODS.split():
    setattr(Tracer, _name, _method(getattr(np, _name)))
Tracer.conj = Tracer.conjugate = _method(np.conjugate)  # type: ignore[attr-defined]


def _reshape(self: Tracer, *shape: Any, order: Any = "C") -> Any:
    return np.reshape(self, shape[0] if len(shape) == 1 else shape, order)


def _transpose(self: Tracer, *axes: Any) -> Any:
    return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)


def _compress(self: Tracer, condition: Any, axis: int | None = None) -> Any:
    return np.compress(condition, self, axis)


Tracer.reshape, Tracer.transpose, Tracer.compress = _reshape, _transpose, _compress  # type: ignore[attr-defined]


def _without(name: str) -> property:
    def refused(self: Tracer) -> NoReturn:
        refuse(f".{name} of a traced value is not traced", "the same in NumPy functions")

    return property(refused)


def _read_only(name: str) -> property:
    def assigned(self: Tracer, value: Any) -> NoReturn:
        refuse(f".{name} = changes a traced array in place", "a new array: np.reshape(x, shape), a + 1j * b")

    found: property = getattr(Tracer, name)
    return found.setter(assigned)


for _name in ("shape", "dtype", "real", "imag", "flat"):
    setattr(Tracer, _name, _read_only(_name))
for _name in {*dir(np.ndarray), *dir(float)} - {*dir(Tracer)}:
    if not _name.startswith("_"):
        setattr(Tracer, _name, _without(_name))


def _listed(value: Any) -> Any:
    """NumPy takes lists for arrays: a list of plain numbers is one, a list of traced ones is refused."""
    if isinstance(value, list | tuple):
        return _operand(value)
    if value.__class__ is Tracer or isinstance(value, np.ndarray | np.generic | float | int | complex):
        return value
    refuse(f"{type(value).__name__} is not a number or an array", "pass numbers or arrays")


def trace_flat(f: Callable[..., Any], *values: Any, names: tuple[str, ...] = ()) -> tuple[Program, Any]:
    """Trace ``f(*values)``, each value one number or array; returns the program and the result as `f` gave it."""
    with Trace() as trace:
        inputs = [trace.input(v, n) for v, n in itertools.zip_longest(values, names, fillvalue="")]
        result = f(*inputs)
    outputs = list(result) if isinstance(result, tuple | list) else [result]
    return trace.program(inputs, outputs), result
