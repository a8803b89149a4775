"""The third door: the user's own source, rewritten so that every call passes one dispatcher.

NumPy hands a traced value over by its operators and its two protocols, and many calls use none of these: `np.array([x,
y])`, `math.sin(x)`, `float(x)`, `a.dot(x)` with a plain array. In rewritten code each call is ``call(f, ...)``, which
knows what these mean for traced values and passes every other call on.

Functions stay what they are: only code that runs is rewritten, and a function of the user's is rewritten when rewritten
code calls it, from its own source. Lines and columns are the user's.
"""

from __future__ import annotations

import ast
import copy
import functools
import linecache
import math
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from diffmagic.core.mutation import is_plain, mine, of_plain
from diffmagic.core.primitives import HANDLERS
from diffmagic.core.source import belongs_to_a_library
from diffmagic.core.tracing import Tracer, active, is_open, is_traced, refuse

_DISPATCHER = "the dispatcher of diffmagic"  # these stand for functions until the code is compiled
_KEEPER = "the keeper of diffmagic"
_ANSWER = "the answer of diffmagic"
_SLICE = "slice, whatever the user calls so"
_CONCATENATORS = frozenset({"r_", "c_"})  # whose brackets are a call
_FUNCTIONS = (types.BuiltinFunctionType, FunctionType)
_CALLERS = frozenset({filter, functools.reduce, functools.partial, map, max, min, sorted})
_READERS = frozenset({math.fsum, np.fromiter})  # of an iterator, whose numbers may be traced
_PARSERS = frozenset({float, complex, np.float64, np.float32, np.longdouble, np.complex128})
_OF_THE_FRAME = frozenset({"breakpoint", "dir", "eval", "exec", "globals", "input", "locals", "super", "vars"})
_PART_OF_THE_CODE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_OF_BUFFERS = (bytearray, bytes, memoryview)
_KNOWN_PACKAGES = sys.stdlib_module_names | {"diffmagic"}
_FUTURE_FLAGS = 0x1FF0000  # the part of co_flags that compile() takes

MEANINGS: dict[Any, Callable[..., Any]] = {}
"""What a call of these functions does when an argument is traced."""

Codes = dict[CodeType, CodeType]


# Rewriting.


class _EveryCall(ast.NodeTransformer):
    """Lets every call pass the dispatcher, and every array that an operator makes and that is kept pass `mine`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in _OF_THE_FRAME:
            return node
        return _through(node, node.func, *node.args, keywords=node.keywords)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        name = getattr(node.value, "attr", getattr(node.value, "id", ""))
        if name not in _CONCATENATORS or not isinstance(node.ctx, ast.Load):
            return node
        getitem = ast.copy_location(ast.Attribute(node.value, "__getitem__", ast.Load()), node)
        if not isinstance(node.slice, ast.Tuple):
            return _through(node, getitem, _item(node.slice))
        items = ast.Tuple([_item(item) for item in node.slice.elts], ast.Load())
        return _through(node, getitem, ast.copy_location(items, node.slice))

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        node.value = _kept(node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        terms = [node.left, *node.comparators]
        for k, operator in enumerate(node.ops):
            if isinstance(operator, ast.Is | ast.IsNot):
                for one, other in ((k, k + 1), (k + 1, k)):
                    match terms[other]:
                        case ast.Constant(value=bool()):
                            terms[one] = _answered(terms[one])
        node.left, *node.comparators = terms
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        self.generic_visit(node)
        node.subject = _answered(node.subject)
        return node

    def visit_List(self, node: ast.List) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.elts = [_kept(element) for element in node.elts]
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        self.generic_visit(node)
        node.elt = _kept(node.elt)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        node.values = [_kept(value) for value in node.values]
        return node


def _through(node: ast.AST, function: ast.expr, *args: ast.expr, keywords: Any = ()) -> ast.expr:
    dispatcher = ast.copy_location(ast.Constant(_DISPATCHER), function)
    return ast.copy_location(ast.Call(dispatcher, [function, *args], list(keywords)), node)


def _item(item: ast.expr) -> ast.expr:
    """One part of a subscript as an expression."""
    if not isinstance(item, ast.Slice):
        return item
    ends = [end or ast.copy_location(ast.Constant(None), item) for end in (item.lower, item.upper, item.step)]
    return ast.copy_location(ast.Call(ast.copy_location(ast.Constant(_SLICE), item), ends, []), item)


def _kept(value: ast.expr) -> ast.expr:
    """What is assigned, passing `mine` where it may be a new array."""
    if isinstance(value, ast.Tuple):
        value.elts = [_kept(element) for element in value.elts]
    if not isinstance(value, ast.BinOp | ast.UnaryOp | ast.Subscript):
        return value
    keeper = ast.copy_location(ast.Constant(_KEEPER), value)
    return ast.copy_location(ast.Call(keeper, [value], []), value)


def _answered(value: ast.expr) -> ast.expr:
    """What ``is True`` and ``case True`` look at, passing `answer`."""
    return ast.copy_location(ast.Call(ast.copy_location(ast.Constant(_ANSWER), value), [value], []), value)


def answer(value: Any) -> Any:
    """A traced truth as a plain one, which is a decision; anything else is itself."""
    return bool(value) if type(value) is Tracer and value.dtype == np.bool_ and not value.shape else value


def compile_hooked(tree: ast.AST, filename: str, mode: str, flags: int = 0) -> CodeType:
    """Compile a syntax tree so that its calls pass the dispatcher; the functions it defines stay ordinary.

    Parameters
    ----------
    tree : ast.Module or ast.Expression
    filename : str
    mode : {"exec", "eval"}
    flags : int
        Future features.
    """
    plain: CodeType = compile(tree, filename, mode, flags, dont_inherit=True)  # type: ignore[call-overload]
    codes: Codes = {}
    _pair(plain, _compiled(tree, filename, mode, flags), codes)
    return codes.get(plain, plain)


def _compiled(tree: ast.AST, filename: str, mode: str, flags: int) -> CodeType:
    rewritten = _EveryCall().visit(copy.deepcopy(tree))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # a string is not callable, and will not be called
        code: CodeType = compile(rewritten, filename, mode, flags, dont_inherit=True)
    return code


def _pair(plain: CodeType, rewritten: CodeType, codes: Codes) -> CodeType:
    """Find for each code object its rewritten twin, in which the functions it defines are the plain ones."""
    constants: list[Any] = [
        _STANDS_FOR.get(constant, constant) if isinstance(constant, str) else constant
        for constant in rewritten.co_consts
    ]
    places = [k for k, constant in enumerate(constants) if isinstance(constant, CodeType)]
    inner = [constant for constant in plain.co_consts if isinstance(constant, CodeType)]
    if [constants[k].co_qualname for k in places] != [code.co_qualname for code in inner]:
        return plain
    for k, code in zip(places, inner, strict=True):
        twin = _pair(code, constants[k], codes)
        runs_now = code.co_name in _PART_OF_THE_CODE or not code.co_flags & 0x1  # a class body has no fast locals
        constants[k] = twin if runs_now else code
    codes[plain] = rewritten.replace(co_consts=(*constants, call))  # by which it is known as rewritten
    return codes[plain]


@functools.lru_cache(maxsize=64)
def _codes_of(filename: str, source: str, flags: int) -> Codes:
    """Every code object of a file, and its rewritten twin."""
    codes: Codes = {}
    try:
        tree = ast.parse(source, filename)
        plain = compile(tree, filename, "exec", flags, dont_inherit=True)
    except SyntaxError:  # what the file holds now is not what ran
        return codes
    _pair(plain, _compiled(tree, filename, "exec", flags), codes)
    return codes


@functools.lru_cache(maxsize=4096)
def _twin(code: CodeType) -> CodeType | None:
    """A code object's rewritten twin; None for a library's, and where the source is gone."""
    if belongs_to_a_library(code.co_filename) or any(constant is call for constant in code.co_consts):
        return None
    source = "".join(linecache.getlines(code.co_filename))
    return _codes_of(code.co_filename, source, code.co_flags & _FUTURE_FLAGS).get(code)


def hooked(function: Any) -> Any:
    """A function of the user's with its calls passing the dispatcher; any other as it is.

    Parameters
    ----------
    function : object

    Returns
    -------
    object
        A function with the same globals, defaults and closure, if its source is there.
    """
    if not isinstance(function, FunctionType):
        return function
    code, closure = _twin(function.__code__), function.__closure__
    if code is None:  # a library's decorator may hold a function of the user's
        closure = tuple(types.CellType(hooked(part)) if _is_users(part) else cell for cell, part in _contents(closure))
        if all(new is old for new, old in zip(closure, function.__closure__ or (), strict=True)):
            return function
    new = FunctionType(
        code or function.__code__, function.__globals__, function.__name__, function.__defaults__, closure
    )
    new.__kwdefaults__ = function.__kwdefaults__
    new.__qualname__, new.__doc__, new.__dict__ = function.__qualname__, function.__doc__, function.__dict__
    return new


def _contents(closure: tuple[types.CellType, ...] | None) -> list[tuple[types.CellType, Any]]:
    """The cells of a closure and what they hold; None for a cell that is empty."""
    found = []
    for cell in closure or ():
        try:
            found.append((cell, cell.cell_contents))
        except ValueError:
            found.append((cell, None))
    return found


def traceable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a script that may call what only notebook cells may: constructors, `math` and builtins.

    Parameters
    ----------
    function : callable
        Defined in a file, whose source is read.

    Returns
    -------
    callable
        The same function; what it calls of the user's own is included.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> from diffmagic import grad, traceable
    >>> f = traceable(lambda x: math.sin(x) * float(np.array([x, 1.0]).sum()))
    >>> f(0.0)
    0.0
    """
    return functools.wraps(function)(lambda *args, **kwargs: call(function, *args, **kwargs))


# Dispatching.


class _Dispatcher(threading.local):
    """Whether calls in this thread mean what they mean in plain Python and nothing else."""

    passes_on = False


_dispatcher = _Dispatcher()


@contextmanager
def as_written() -> Iterator[None]:
    """Let calls pass on as they stand: for plain numbers, with which a derivative is compared."""
    before, _dispatcher.passes_on = _dispatcher.passes_on, True
    try:
        yield
    finally:
        _dispatcher.passes_on = before


def call(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call a function as rewritten code does."""
    if _dispatcher.passes_on:
        return function(*args, **kwargs)
    kind = type(function)
    if kind is FunctionType and (twin := hooked(function)) is not function:
        return mine(twin(*args, **kwargs))
    if kind is MethodType and (twin := hooked(function.__func__)) is not function.__func__:
        return mine(twin(function.__self__, *args, **kwargs))
    if kind is functools.partial:
        return call(function.func, *function.args, *args, **{**function.keywords, **kwargs})
    if kind in _FUNCTIONS and function in _READERS and args and isinstance(args[0], Iterator):
        args = (list(args[0]), *args[1:])
    if kind is type and function in _PARSERS and len(args) == 1 and type(args[0]) is str:
        _refuse_its_own_text(args[0])
    given = (*args, *kwargs.values())
    of_library = active.traces and _wants_arrays(function)
    if any(map(_holds_a_tracer, given)) and not (of_library and not is_open(given)):
        meaning = _meaning(function)
        if meaning is not None:
            return mine(meaning(*args, **kwargs))
    if (
        issubclass(kind, type)
        and kind.__call__ == type.__call__
        and function.__new__ is object.__new__
        and _is_users(function.__init__)
    ):
        made = object.__new__(function)
        call(MethodType(function.__init__, made), *args, **kwargs)
        return made
    if _is_users(getattr(kind, "__call__", None)):  # noqa: B004 — asks who wrote it, not whether it is there
        return call(MethodType(kind.__call__, function), *args, **kwargs)
    if (function is map or function is filter) and args and args[0] is not None:
        return function(functools.partial(call, args[0]), *args[1:])
    if of_library:
        args, kwargs = tuple(map(_array, args)), {name: _array(value) for name, value in kwargs.items()}
        return mine(of_plain(given, function(*map(passed, args), **{n: passed(v) for n, v in kwargs.items()})))
    if "key" in kwargs or _calls_what_it_gets(function):
        return mine(function(*map(passed, args), **{name: passed(value) for name, value in kwargs.items()}))
    return mine(function(*args, **kwargs))


def _refuse_its_own_text(text: str) -> None:
    if any([text in trace.texts for trace in active.traces]):
        refuse("a number read from the text of a traced value has lost its derivative", "the value, or np.round(x, 3)")


def _calls_what_it_gets(function: Any) -> bool:
    """Whether a function may call its arguments. Containers only keep them, and must keep what they are given."""
    if not isinstance(function, types.BuiltinFunctionType | type):
        return isinstance(function, FunctionType | MethodType | np.ufunc) or _wants_arrays(function)
    package = _home(function).partition(".")[0]
    return function in _CALLERS or package == "itertools" or package not in sys.stdlib_module_names


def _home(function: Any) -> str:
    """The module that a function, or the type of a method's owner, is from."""
    return getattr(function, "__module__", None) or type(getattr(function, "__self__", None)).__module__


def _array(value: Any) -> Any:
    """A plain tracer's own array."""
    return value._value if is_plain(value) else value


def _wants_arrays(function: Any) -> bool:
    """Whether a function is that of a library which expects arrays and would not know a tracer."""
    if any([function is one for one in _OF_BUFFERS]):
        return True
    package, _, rest = _home(function).partition(".")
    if package == "numpy":
        return rest.startswith("random")
    if package in _KNOWN_PACKAGES:
        return False
    return belongs_to_a_library(getattr(sys.modules.get(package), "__file__", None) or "")


def passed(value: Any) -> Any:
    """A function passed to another: what calls it is not rewritten, so it must know itself what calls mean."""
    if isinstance(value, FunctionType):
        return hooked(value)
    if isinstance(value, types.BuiltinFunctionType) and value in MEANINGS:
        return functools.partial(call, value)
    return value


_STANDS_FOR: dict[str, Any] = {_DISPATCHER: call, _KEEPER: mine, _ANSWER: answer, _SLICE: slice}


def _holds_a_tracer(value: Any) -> bool:
    kind = type(value)
    if kind in (list, tuple):
        return any(map(_holds_a_tracer, value))
    if kind is FunctionType:
        return value.__closure__ is not None and any(is_traced(part) for _, part in _contents(value.__closure__))
    return kind is Tracer or (kind is slice and is_traced((value.start, value.stop, value.step)))


def _meaning(function: Any) -> Callable[..., Any] | None:
    """What a call with a traced argument does, where the function itself would not know."""
    try:
        if function in MEANINGS:
            return MEANINGS[function]
    except TypeError:  # not hashable
        return MEANINGS[object](function)  # type: ignore[no-any-return]
    owner = getattr(function, "__self__", None)
    if type(owner).__module__.startswith("numpy.random.") and function.__name__ == "shuffle":
        return functools.partial(MEANINGS["shuffle"], function)
    if isinstance(function, types.BuiltinFunctionType) and isinstance(owner, np.ndarray):
        same_of_a_tracer = getattr(Tracer, function.__name__, None)
        return functools.partial(same_of_a_tracer, owner) if callable(same_of_a_tracer) else None
    if isinstance(function, np.vectorize):
        return MEANINGS[np.vectorize](function)  # type: ignore[no-any-return]
    if isinstance(function, np.ufunc) or function in HANDLERS:
        return functools.partial(MEANINGS[np.ufunc], function)
    return MEANINGS[object](function)  # type: ignore[no-any-return]


def _is_users(function: Any) -> bool:
    return isinstance(function, FunctionType) and not belongs_to_a_library(function.__code__.co_filename)
