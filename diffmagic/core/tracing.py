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
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from diffmagic.core import mutation
from diffmagic.core.errors import DiffmagicError
from diffmagic.core.escapes import escape, formats_text
from diffmagic.core.mutation import constants, find_shared, of_plain, share
from diffmagic.core.primitives import HANDLERS, PRIMITIVES, Primitive, define_kernel, primitive_of, public_name
from diffmagic.core.program import Equation, Guard, Program, Variable
from diffmagic.core.source import Location, asks_for_the_class, is_library, origin, seen_library

_levels = itertools.count(1)
_NO_PARAMS: dict[str, Any] = {}
_CONSTANTS = frozenset({float, int, np.float64, np.ndarray})
_COPIED_BYTES = 1 << 16
KEPT_BYTES = 1024
"""About what an equation takes. Arrays up to this size are kept for looking at, so memory stays linear."""
_SAMPLED = 1000
_SEVERAL = (tuple, list)
_INDICES = frozenset({int, type(None)})
_NOTHING: Any = bytes(32)
READ_ONLY = ("assignment destination is read-only", "output array is read-only")
_SPECIAL = "diffmagic.core.primitives.special"


class _Active(threading.local):
    """The traces that record in this thread, the innermost last."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []


active = _Active()


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
    lent : dict
        The user's large arrays that serve as constants, by identity. They are read-only until the trace ends.
    refused : DiffmagicError or None
        The first refusal. The user's own `except` must not turn it into another number.
    versions : dict
        Of variables that took another's place when an array changed, the other.
    taken_over : list of range
        Positions of equations by which views took over a change; those that nobody reads are left out of the program.
    texts : set of str
        What traced values were written as.
    """

    __slots__ = ("equations", "guards", "lean", "lent", "level", "open", "refused", "taken_over", "texts", "versions")

    def __init__(self, lean: bool = False) -> None:
        self.level = next(_levels)
        self.open = True
        self.lean = lean
        self.equations: list[Equation] = []
        self.guards: list[Guard] = []
        self.lent: dict[int, _Loan] = {}
        self.refused: DiffmagicError | None = None
        self.versions: dict[Variable, Variable] = {}
        self.taken_over: list[range] = []
        self.texts: set[str] = set()

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
        if self.lean and type(value) is np.ndarray and value.nbytes > _COPIED_BYTES and primitive.partials:
            reads = primitive.reads([type(operand) is Variable for operand in operands])
            arguments = tuple([a if k + 1 in reads else hollow(a) for k, a in enumerate(arguments)])
            variable.value = value if 0 in reads else hollow(value)
        self.equations.append(Equation(primitive, operands, arguments, params, (variable,), place))
        return tracer

    def borrow(self, array: Any, frame: FrameType) -> Any:
        """An array of the user's as a constant of the program, which must not change when theirs does."""
        if type(array) is not np.ndarray or array.dtype.hasobject:
            array = _ordinary(array, frame)
        if array.nbytes <= _COPIED_BYTES:
            return array.copy("K")
        loan = self.lent.get(id(array))
        if loan is None:
            constant = array if self.lean else array.copy("K")
            loan = self.lent[id(array)] = _Loan(array, constant, _sample(array), Location(*origin(frame)))
        return loan.constant

    def __enter__(self) -> Trace:
        active.traces.append(self)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        """Stop recording; our own error comes out from under NumPy's."""
        self.open = False
        active.traces.remove(self)
        if self.lent:
            self._give_back(error, traceback)
        if error is None:
            if self.refused is not None:
                raise self.refused
            return
        ours = _ours_beneath(error)
        if ours is not None:
            raise ours from None

    def _give_back(self, error: BaseException | None, traceback: Any) -> None:
        """Let the user's large arrays be written to again; what is constant must not have changed meanwhile."""
        loans = sorted(self.lent.values(), key=lambda loan: loan.array.base is not None)
        for loan in loans:  # views last: they cannot be writeable before what they look at
            loan.give_back()
        if isinstance(error, ValueError) and str(error).endswith(READ_ONLY):
            raise _changed(Location(*origin(_innermost(traceback)))) from None
        if error is None:
            for loan in loans:
                loan.check()

    def program(self, inputs: list[Variable], outputs: list[Any]) -> Program:
        """What was recorded, with these inputs and outputs."""
        outputs = [out._variable if type(out) is Tracer and out._trace is self else out for out in outputs]
        equations, guards = self.equations, self.guards
        if self.taken_over:
            equations, guards = mutation.without_unread(equations, self.taken_over, outputs, guards)
        return Program(inputs, equations, outputs, guards, self.versions)


PLAIN = Trace()
"""The trace of arrays that are plain so far, and that traced values may be written into (see `mutation`)."""
PLAIN.open = False


class _Loan:
    """A large array of the user's that is a constant of a program, and must stay as it is while the trace is open.

    It is read-only meanwhile. What is written through another view of its memory shows in a sample of its elements.
    """

    __slots__ = ("_locked", "_sample", "array", "constant", "location")

    def __init__(self, array: Any, constant: Any, sample: Any, location: Location) -> None:
        self.array, self.constant, self._sample, self.location = array, constant, sample, location
        self._locked: bool = array.flags.writeable
        if self._locked:
            array.flags.writeable = False

    def give_back(self) -> None:
        if self._locked:
            self.array.flags.writeable = True

    def check(self) -> None:
        nan = self.array.dtype.kind in "fc"
        if self._locked and not np.array_equal(_sample(self.array), self._sample, equal_nan=nan):
            raise _changed(self.location)


def _changed(location: Location) -> DiffmagicError:
    return DiffmagicError(
        "a large array that is a constant of the derivative is changed in place, so the derivative would use the wrong "
        "numbers",
        rewrite="work on a copy: a = a.copy() before the change",
        location=location,
    )


def _innermost(traceback: Any) -> FrameType:
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame: FrameType = traceback.tb_frame
    return frame


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
    if type(array) is not np.ndarray:
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
    if type(value) is not np.ndarray:
        return value
    return np.ndarray(value.shape, value.dtype, _NOTHING, strides=(0,) * value.ndim)


def is_hollow(value: Any) -> bool:
    """Whether the numbers of a value have been let go."""
    return type(value) is np.ndarray and value.base is _NOTHING


def _indexed(tracer: Tracer) -> Any:
    """What is kept of an array that was indexed; the shape, if it is being filled and may be reused."""
    memory, value = tracer._memory, tracer._value
    filled = memory is not None and memory.assigned and type(value) is np.ndarray and value.nbytes > KEPT_BYTES
    return hollow(value) if filled else value


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
    if params and any([type(value) is Tracer for value in params.values()]):
        params = {name: plain_option(value, primitive.name) for name, value in params.items()}
    if len(operands) == 1 and type(operands[0]) is Tracer:
        (operand,) = operands
        trace, value = operand._trace, operand._value
        if trace.open and type(value) is not Tracer:
            result = compute(value, **params)
            arguments = (value,) if primitive is not GETITEM else (_indexed(operand),)
            found = trace.record(primitive, (operand._variable,), arguments, params, result, sys._getframe(1))
            if type(result) is np.ndarray:
                if result.base is not None or result is value:
                    find_shared(operands, found, params)
            elif isinstance(result, _SEVERAL):
                find_shared(operands, found, params)
            return found
    trace = None
    for operand in operands:
        if type(operand) is Tracer:
            candidate = operand._trace
            if not candidate.open:
                return of_plain(operands, apply(primitive, constants(operands), params, compute))
            if trace is None or candidate.level > trace.level:
                trace = candidate
    if trace is None:
        return compute(*operands, **params)
    frame = sys._getframe(1)
    recorded: list[Any] = []
    given: list[Any] = []
    nested = False
    for operand in operands:
        if type(operand) is Tracer:
            if operand._trace is trace:
                value = operand._value
                recorded.append(operand._variable)
                given.append(value)
                nested = nested or type(value) is Tracer
                continue
            operand = snapshot(operand)
            nested = True
        elif isinstance(operand, np.ndarray):
            operand = trace.borrow(operand, frame)
        elif isinstance(operand, list | tuple) and primitive.differentiable:
            operand = np.array(operand)
        recorded.append(operand)
        given.append(operand)
    value = apply(primitive, tuple(given), params, compute) if nested else compute(*given, **params)
    found = trace.record(primitive, tuple(recorded), tuple(given), params, value, frame)
    if nested:
        value = concrete(value)
    if type(value) is np.ndarray:
        if value.base is not None or any([value is concrete(operand) for operand in operands]):
            find_shared(operands, found, params)
    elif isinstance(value, _SEVERAL):
        find_shared(operands, found, params)
    return found


def plain_option(value: Any, name: str) -> Any:
    """An option as a plain value of our own: traced integers are decisions, floats would lose their derivative."""
    if isinstance(value, list | tuple):
        return type(value)([plain_option(part, name) for part in value])
    value = settled(value)
    if type(value) is Tracer:
        if value.dtype.kind not in "iub":
            refuse(f"{name} with a traced option is not traced", "pass a plain number for the option")
        return value.decide(concrete(value))
    return value.copy() if isinstance(value, np.ndarray) else value


def snapshot(value: Any) -> Any:
    """A tracer that stays as it is now, for what must not change when the user's array does; others are themselves."""
    if type(value) is not Tracer:
        return value
    still = Tracer(value._trace, value._variable)
    still._value = value._value  # a lean trace's variable may be hollow
    return still


def settled_key(key: Any) -> Any:
    """What stands in brackets, without tracers: a traced position is a decision, and kept as a guard."""
    if isinstance(key, list):
        return np.asarray([_settled_index(part) for part in key]) if key else np.zeros(0, int)
    return tuple(map(_settled_index, key)) if isinstance(key, tuple) else _settled_index(key)


def _settled_index(part: Any) -> Any:
    if type(part) is Tracer:
        value = concrete(part)
        if np.result_type(value).kind not in "iub":
            raise IndexError("only integers, slices, ellipsis, None and integer or boolean arrays are valid indices")
        return part.decide(value.copy() if isinstance(value, np.ndarray) else value)
    if isinstance(part, slice):
        return slice(*(None if end is None else _settled_index(end) for end in (part.start, part.stop, part.step)))
    if isinstance(part, list | tuple):
        return np.asarray([_settled_index(one) for one in part]) if part else np.zeros(0, int)
    return part.copy() if isinstance(part, np.ndarray) else part


def stacked(values: Any) -> Any:
    """An array of nested lists of numbers and arrays, some of them traced."""
    return np.stack([stacked(part) for part in values]) if isinstance(values, list | tuple) else values


def settled(value: Any) -> Any:
    """A tracer whose trace is over is worth its value."""
    while type(value) is Tracer and not value._trace.open:
        value = value._value
    return value


def concrete(value: Any) -> Any:
    """The plain number or array behind any tracer."""
    while type(value) is Tracer:
        value = value._value
    return value


def is_traced(value: Any) -> bool:
    """Whether a value is, or a list or tuple of values holds, a tracer."""
    if isinstance(value, list | tuple):
        return any(map(is_traced, value))
    return type(value) is Tracer


def is_open(value: Any) -> bool:
    """Whether a value is, or a list or tuple of values holds, a tracer of an open trace."""
    if isinstance(value, list | tuple):
        return any(map(is_open, value))
    return type(settled(value)) is Tracer


def call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What a NumPy function does when one of its arguments is traced."""
    if kwargs and kwargs.get("out") is not None:
        rest = {name: value for name, value in kwargs.items() if name != "out"}
        return mutation.write_out(kwargs["out"], call(function, args, rest), public_name(function))
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
        How many of the body's first parameters are operands; one may be None and is left out. The others are options.
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
            return apply(primitive, tuple(given[name] for name in names if given.get(name) is not None), params)

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
    out = kwargs.pop("out", None) or (None,)
    if any([one is not None for one in out]):
        return mutation.into(ufunc, method, inputs, kwargs, out)
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
    raise refused(DiffmagicError(reason, rewrite=rewrite, location=_here()))


def refused(error: DiffmagicError) -> DiffmagicError:
    """A refusal, which the trace remembers."""
    if active.traces:
        active.traces[-1].refused = active.traces[-1].refused or error
    return error


def _here() -> Location:
    return Location(*origin(sys._getframe(1)))


def _binary(function: Any, compute: Callable[[Any, Any], Any], swapped: bool = False) -> Callable[[Any, Any], Any]:
    """An operator of two operands. It repeats `apply` for the commonest operands, as most of a trace is spent here."""
    primitive = primitive_of(function)

    def method(self: Tracer, other: Any) -> Any:
        trace = self._trace
        kind = type(other)
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
        return stacked(value)
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


def _of_arrays(get: Callable[[Any], Any]) -> property:
    """An attribute that Python's own numbers lack, when the user's code asks them for it."""

    def attribute(self: Tracer) -> Any:
        if type(self._value) is float and not seen_library(sys._getframe(1).f_code.co_filename):
            raise AttributeError(f"'float' object has no attribute '{get.__name__}'", name=get.__name__, obj=self)
        return get(self)

    return property(attribute, doc=get.__doc__)


class Tracer:
    """A value of the user's computation that remembers where it came from. It behaves like the array it stands for."""

    __slots__ = ("__weakref__", "_memory", "_trace", "_value", "_variable")
    __array_priority__ = 1000.0

    def __init__(self, trace: Trace, variable: Variable) -> None:
        self._trace = trace
        self._variable = variable
        self._value = variable.value
        self._memory: mutation.Memory | None = None

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

    __iadd__ = mutation.in_place(np.add, operator.add)
    __isub__ = mutation.in_place(np.subtract, operator.sub)
    __imul__ = mutation.in_place(np.multiply, operator.mul)
    __itruediv__ = mutation.in_place(np.divide, operator.truediv)
    __ipow__ = mutation.in_place(np.power, operator.pow)
    __imod__ = mutation.in_place(np.remainder, operator.mod)
    __ifloordiv__ = mutation.in_place(np.floor_divide, operator.floordiv)
    __imatmul__ = mutation.in_place(np.matmul, operator.matmul)
    __iand__ = mutation.in_place(np.bitwise_and, operator.and_)
    __ior__ = mutation.in_place(np.bitwise_or, operator.or_)
    __ixor__ = mutation.in_place(np.bitwise_xor, operator.xor)
    __setitem__ = mutation.write

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    # Containers.

    def __getitem__(self, key: Any) -> Any:
        kind = type(key)
        if kind is int or (
            kind is slice and type(key.start) in _INDICES and type(key.stop) in _INDICES and type(key.step) in _INDICES
        ):
            trace, value = self._trace, self._value
            if trace.open and type(value) is np.ndarray:
                result = value[key]
                arguments = (value,) if self._memory is None else (_indexed(self),)
                found = trace.append(GETITEM, (self._variable,), arguments, {"key": key}, result, sys._getframe(1))
                if type(result) is np.ndarray:
                    share(self, found, key)
                return found
        return HANDLERS[operator.getitem](self, key)

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
        while type(inner) is Tracer:
            if inner._trace.open:
                inner._trace.guards.append(Guard(inner._variable, value, len(inner._trace.equations)))
            inner = inner._value
        return value

    def __bool__(self) -> bool:
        return bool(self.decide(bool(concrete(self))))

    def __int__(self) -> int:
        if formats_text(sys._getframe(1)):
            return int(concrete(self))
        return int(self.decide(int(concrete(self))))

    def __index__(self) -> int:
        return int(self.decide(operator.index(concrete(self))))

    def is_integer(self) -> bool:
        """Whether it is a whole number: a decision."""
        return bool(np.logical_and(np.isfinite(self), np.equal(self, np.floor(self))))

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
        if not self._trace.open and type(settled(self)) is not Tracer:
            return float(concrete(self))
        if formats_text(sys._getframe(1)):
            return float(concrete(self))
        if self.dtype.kind in "iub":
            return float(self.decide(int(concrete(self))))
        raise refused(escape(_here(), "a float"))

    def __complex__(self) -> complex:
        if not self._trace.open and type(settled(self)) is not Tracer:
            return complex(concrete(self))
        raise refused(escape(_here(), "a complex number"))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if type(settled(self)) is not Tracer:
            return np.array(concrete(self), dtype=dtype, copy=copy)
        if self.dtype.kind in "iub":  # whole numbers are decisions
            return np.array(self.decide(np.array(concrete(self))), dtype=dtype)
        raise refused(escape(_here(), "an array"))

    def item(self, *args: Any) -> Any:
        """The one element, still traced."""
        return np.ravel(self)[args[0]] if len(args) == 1 else self[args] if args else np.reshape(self, ())[()]

    def tolist(self) -> Any:
        """Nested lists of traced numbers."""
        return [part.tolist() if np.ndim(concrete(part)) else part for part in self] if self.ndim else self

    def __copy__(self) -> Any:
        return self.copy("K")

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy("K")

    def copy(self, order: Any = "C") -> Any:
        """An array of its own with the same numbers."""
        return np.copy(self, order) if type(concrete(self)) is np.ndarray else self

    def view(self, dtype: Any = None) -> Any:
        """Another array that looks at the same memory."""
        return self[...] if dtype is None else refuse(".view with a dtype is not traced", "x.astype(dtype)")

    def __reduce__(self) -> NoReturn:
        refuse("a traced value cannot be pickled or sent elsewhere", "send plain numbers")

    # What it looks like.

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What it stands for, to the user's own questions: isinstance, match, `x.__class__`."""
        return type(concrete(self)) if asks_for_the_class(sys._getframe(1)) else Tracer

    def __repr__(self) -> str:
        return self._written(repr(concrete(self)))

    def __str__(self) -> str:
        return self._written(str(concrete(self)))

    def __format__(self, spec: str) -> str:
        return self._written(format(concrete(self), spec))

    def _written(self, text: str) -> str:
        """A text, remembered so that it is not taken for a plain number again."""
        if self._trace.open:
            self._trace.texts.add(text)
        return text

    # Attributes of ndarray.

    def __getattr__(self, name: str) -> NoReturn:
        kind = "traced" if name.startswith("_") else type(concrete(self)).__name__  # `_value` itself may be missing
        raise AttributeError(f"'{kind}' object has no attribute '{name}'", name=name)

    @_of_arrays
    def shape(self) -> tuple[int, ...]:
        return np.shape(concrete(self))

    @_of_arrays
    def ndim(self) -> int:
        return np.ndim(concrete(self))

    @_of_arrays
    def size(self) -> int:
        return np.size(concrete(self))

    @_of_arrays
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(concrete(self))

    @_of_arrays
    def itemsize(self) -> Any:
        return self.dtype.itemsize

    @_of_arrays
    def nbytes(self) -> Any:
        return self.size * self.dtype.itemsize

    @_of_arrays
    def T(self) -> Any:  # noqa: N802
        return np.transpose(self)

    @_of_arrays
    def mT(self) -> Any:  # noqa: N802
        return np.matrix_transpose(self)

    @property
    def real(self) -> Any:
        return np.real(self)

    @property
    def imag(self) -> Any:
        return np.imag(self)

    @_of_arrays
    def flat(self) -> Any:
        """The elements, one after the other."""
        return mutation.Flat(self)

    fill = mutation.fill
    partition = mutation.partition
    put = mutation.put
    sort = mutation.sort

    def flatten(self, order: Any = "C") -> Any:
        """All elements in one dimension, in an array of its own."""
        return np.copy(np.ravel(self, order))


_METHODS = (
    "all any argmax argmin argpartition argsort astype choose clip cumprod cumsum diagonal dot max mean min "
    "nonzero prod ravel repeat round searchsorted squeeze std sum swapaxes take trace var"
)
for _name in _METHODS.split():
    setattr(Tracer, _name, _method(getattr(np, _name)))


def _conjugate(self: Tracer) -> Any:
    return np.conjugate(self) if np.iscomplexobj(concrete(self)) else self  # of real numbers, the array itself


Tracer.conj = Tracer.conjugate = _conjugate  # type: ignore[attr-defined]


def _reshape(self: Tracer, *shape: Any, order: Any = "C") -> Any:
    return np.reshape(self, shape[0] if len(shape) == 1 else shape, order)


def _transpose(self: Tracer, *axes: Any) -> Any:
    return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)


def _compress(self: Tracer, condition: Any, axis: int | None = None) -> Any:
    return np.compress(condition, self, axis)


Tracer.reshape, Tracer.transpose, Tracer.compress = _reshape, _transpose, _compress  # type: ignore[attr-defined]


def _without(name: str) -> property:
    def refused(self: Tracer) -> Any:
        if type(settled(self)) is not Tracer and name != "base":
            return getattr(settled(self), name)
        return refuse(f".{name} of a traced value is not traced", "the same in NumPy functions")

    return property(refused)


def _set_dtype(self: Tracer, dtype: Any) -> NoReturn:
    refuse(".dtype = reads the same memory as other numbers", "x.astype(dtype)")


Tracer.dtype = Tracer.dtype.setter(_set_dtype)  # type: ignore[method-assign]
for _name in ("flat", "imag", "real", "shape"):
    setattr(Tracer, _name, getattr(Tracer, _name).setter(getattr(mutation, f"set_{_name}")))
for _name in {*dir(np.ndarray), *dir(float)} - {*dir(Tracer)}:
    if not _name.startswith("_"):
        setattr(Tracer, _name, _without(_name))


def _listed(value: Any) -> Any:
    """NumPy takes lists for arrays."""
    if isinstance(value, list | tuple):
        return _operand(value)
    if type(value) is Tracer or isinstance(value, np.ndarray | np.generic | float | int | complex):
        return value
    refuse(f"{type(value).__name__} is not a number or an array", "pass numbers or arrays")


def trace_flat(f: Callable[..., Any], *values: Any, names: tuple[str, ...] = ()) -> tuple[Program, Any]:
    """Trace ``f(*values)``, each value one number or array; returns the program and the result as `f` gave it."""
    with Trace() as trace:
        tracers = [trace.input(snapshot(v), n) for v, n in itertools.zip_longest(values, names, fillvalue="")]
        inputs = [tracer._variable for tracer in tracers]
        result = f(*tracers)
    outputs = list(result) if isinstance(result, tuple | list) else [result]
    return trace.program(inputs, outputs), result
