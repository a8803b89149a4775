"""The source of a cell as a function of its inputs."""

from __future__ import annotations

import ast
import copy
import inspect
import io
import sys
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.hook import as_written, call, compile_hooked
from diffmagic.core.source import Location, origin
from diffmagic.core.structures import flatten
from diffmagic.core.tracing import active
from diffmagic.notebook.figures import figures_aside
from diffmagic.notebook.namespace import Names, Snapshot, free_names, plain, reachable_names
from diffmagic.results import Finding

_FLAGS = {"divide by zero": "a division by zero", "overflow": "an overflow", "invalid value": "an invalid value"}
_FINISH = "end the cell with the result on a line of its own"


@dataclass(slots=True)
class Subject:
    """What is differentiated: code that runs in the notebook, and how its result is found.

    Attributes
    ----------
    codes : list of CodeType
        What it runs.
    results : tuple of str
        The result's names; one empty name if it has none.
    run : callable
        Takes the notebook's names, and returns the result; or the function to call, if `parameters` is not None.
    parameters : tuple of str or None
        Of the function to call.
    defaults : tuple of str
        The parameters that have a default.
    function : str
        The function's name.
    """

    codes: list[CodeType]
    results: tuple[str, ...]
    run: Callable[[Names], Any]
    parameters: tuple[str, ...] | None = None
    defaults: tuple[str, ...] = ()
    function: str = ""

    def reads(self) -> list[str]:
        """The notebook's names that the code reads itself."""
        return free_names(*self.codes)


def cell_subject(shell: InteractiveShell, cell: str, *, first_line: int = 2, function: str = "") -> Subject:
    """The subject of a cell: its last expression, the last name assigned, or the function it ends in.

    Parameters
    ----------
    shell : InteractiveShell
    cell : str
    first_line : int
        What the user counts as the line where `cell` begins.
    function : str
        A function that the cell defines, to take instead of its end.

    Raises
    ------
    SyntaxError
        As Python raises it.
    DiffmagicError
        If the cell has no result.
    """
    source = "\n" * (first_line - 1) + cell
    name = shell.compile.cache(source, shell.displayhook.prompt_count, raw_code=source)
    tree = _parsed(shell, source, name)
    if not tree.body:
        raise DiffmagicError("the cell is empty", rewrite="write the function below the magic's line")
    last = next(each for each in defs_in(tree) if each.name == function) if function else tree.body[-1]
    if isinstance(last, ast.Expr):
        body = compile_hooked(ast.Module(tree.body[:-1], []), name, "exec")
        end = compile_hooked(ast.Expression(last.value), name, "eval")

        def evaluate(names: Names) -> Any:
            exec(body, names)
            return eval(end, names)

        return Subject([body, end], _named(last.value), evaluate)
    code = compile_hooked(tree, name, "exec")
    if isinstance(last, ast.FunctionDef):
        arguments = last.args
        positional = [a.arg for a in arguments.posonlyargs + arguments.args]
        by_name = [a.arg for a in arguments.kwonlyargs]
        optional = positional[len(positional) - len(arguments.defaults) :]
        optional += [n for n, default in zip(by_name, arguments.kw_defaults, strict=True) if default is not None]

        def define(names: Names) -> Any:
            exec(code, names)
            return names[last.name]

        return Subject([code], (last.name,), define, (*positional, *by_name), tuple(optional), last.name)
    results = _assigned(last)

    def assign(names: Names) -> Any:
        exec(code, names)
        return names[results[0]] if len(results) == 1 else tuple(names[result] for result in results)

    return Subject([code], results, assign)


def defs_in(tree: ast.Module) -> list[ast.FunctionDef]:
    """The functions that a cell defines, the last first."""
    return [statement for statement in reversed(tree.body) if isinstance(statement, ast.FunctionDef)]


def _parsed(shell: InteractiveShell, source: str, name: str) -> ast.Module:
    try:
        return ast.parse(source, name)
    except SyntaxError as error:
        line = source.splitlines()[(error.lineno or 1) - 1].strip()
        if shell.input_transformer_manager.transform_cell(line).strip() != line:
            raise DiffmagicError(
                f"the cell is differentiated as Python, and this line is for IPython: {line}",
                rewrite="move it to a cell of its own",
            ) from None
        raise


def _named(expression: ast.expr) -> tuple[str, ...]:
    """The names in an expression that is one name or several with commas between them; else one empty name."""
    parts = expression.elts if isinstance(expression, ast.Tuple) else [expression]
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return tuple(names) if names and len(names) == len(parts) else ("",)


def _assigned(statement: ast.stmt) -> tuple[str, ...]:
    """The names that a statement assigns last: several for a tuple."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name), *_]):
            return (name,)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()) | ast.AugAssign(target=ast.Name(id=name)):
            return (name,)
        case ast.Assign(targets=[ast.Tuple(elts=parts) | ast.List(elts=parts), *_]):
            if all(isinstance(part, ast.Name) for part in parts):
                return tuple(part.id for part in parts if isinstance(part, ast.Name))
        case ast.For(body=body) | ast.While(body=body) | ast.With(body=body):
            return _assigned(body[-1])
        case ast.If(body=body, orelse=orelse):
            names = _assigned(body[-1])
            if not orelse or _assigned(orelse[-1]) == names:
                return names
    raise DiffmagicError(
        f"line {statement.lineno}: {ast.unparse(statement).splitlines()[0]}\n"
        "the cell ends in neither an expression nor an assignment to a name nor a def, so it has no result",
        rewrite=_FINISH,
    )


def function_subject(function: Any, name: str) -> Subject:
    """The subject of a function that exists, under the name or attribute that the notebook has for it."""
    unknown = DiffmagicError(
        f"the parameters of {name} are not known", rewrite=f'an expression in quotes: "{name}(x)" x=1.0'
    )
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise unknown from None
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if parameters and not named:
        raise unknown
    return Subject(
        [compile(name, "", "eval"), *([function.__code__] if isinstance(function, FunctionType) else [])],
        (name,),
        lambda names: function,
        tuple(p.name for p in named),
        tuple(p.name for p in named if p.default is not p.empty),
        name,
    )


def ends_silently(cell: str) -> bool:
    """Whether the last token of a cell is a semicolon."""
    tokens = tokenize.generate_tokens(io.StringIO(cell).readline)
    quiet = {tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.ENDMARKER, tokenize.DEDENT, tokenize.INDENT}
    try:
        words = [token.string for token in tokens if token.type not in quiet]
    except (tokenize.TokenError, SyntaxError):
        return False
    return bool(words) and words[-1] == ";"


class CellFunction:
    """A subject as a function of a dict of inputs.

    The first call is the user's own run of the cell: it prints, and the names it defines stay, with ordinary values.
    Every later call runs the cell again as if it were the first time, unseen and without a trace in the notebook. As a
    context, it takes the notebook back to what it was before the first call if an error leaves it.

    Parameters
    ----------
    subject : Subject
    names : dict
        The notebook's namespace.
    constants : mapping
        Inputs that are given but not differentiated; later calls may have others.
    """

    def __init__(self, subject: Subject, names: Names, constants: Mapping[str, Any]) -> None:
        self._subject = subject
        self._names = names
        self.constants = constants
        self._reads = reachable_names(subject.codes, names)
        self._before = Snapshot(names, [*self._held(), *constants.values()])
        self._called = False
        self._drew = False
        self._met: dict[tuple[int, str], None] = {}
        self.__name__ = subject.function or "the cell"

    def __call__(self, inputs: Mapping[str, Any]) -> Any:
        """The result for these inputs, in containers of its own."""
        if self._called:
            return self._run_unseen(inputs)
        self._called = True
        with self._numpy_heard():
            result = self._run(inputs)
        self._drew = self._before.drew()
        seen: set[int] = set()
        for name in dict.fromkeys([*self._before.changed(), *self._reads]):
            if name in self._names:
                value = plain(self._names[name], seen)
                if value is not self._names[name]:
                    self._names[name] = value
        for name in self._set_names(inputs):
            self._before.put_back(name)
        return result

    def beside(self, subject: Subject) -> CellFunction:
        """Another function of the same cell; it is run unseen."""
        other = copy.copy(self)
        other._subject = subject
        return other

    def by_position(self, names: Sequence[str]) -> Callable[..., Any]:
        """The same as a function with these parameters, known by its own name and surroundings if it has them."""

        def function(*values: Any) -> Any:
            return self(dict(zip(names, values, strict=True)))

        parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
        vars(function)["__signature__"] = inspect.Signature(parameters)
        name = self._subject.function
        function.__name__ = self.__name__
        if name.partition(".")[0] in self._names:
            function.__name__ = name.rsplit(".", 1)[-1]
            vars(function)["__wrapped__"] = eval(name, self._names)
        return function

    def __enter__(self) -> CellFunction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.undo()

    def notes(self, findings: Sequence[Finding] = ()) -> list[str]:
        """What is to be said of the first call: random draws, and what NumPy met if no finding tells."""
        told = any(finding.kind in ("value", "derivative", "choice") for finding in findings)
        notes = [] if told else [f"line {line}: NumPy met {what}" for line, what in self._met]
        if self._drew:
            notes.append("the random numbers that were drawn are constants: no derivative comes through the draw")
        return notes

    @contextmanager
    def _numpy_heard(self) -> Iterator[None]:
        """What NumPy would warn of is kept: its warnings name files, which differ from machine to machine."""

        def hear(what: str, flag: int) -> None:
            self._met[Location(*origin(sys._getframe(1))).line, _FLAGS.get(what, what)] = None

        modes: dict[str, Any] = {name: "call" for name, mode in np.geterr().items() if mode == "warn"}
        with np.errstate(call=hear, **modes):
            yield

    def undo(self) -> None:
        """The notebook as it was before the first call."""
        self._before.restore()

    def _run_unseen(self, inputs: Mapping[str, Any]) -> Any:
        after = Snapshot(self._names, self._held(), lock=True)
        self._before.restore()
        try:
            with capture_output(), figures_aside(), warnings.catch_warnings(action="ignore"):
                return self._run(inputs) if active.traces else self._run_as_written(inputs)
        finally:
            after.restore()

    def _run_as_written(self, inputs: Mapping[str, Any]) -> Any:
        """Plain Python, so that a check sees what is wrong with our calls; code that differentiates needs them."""
        try:
            with as_written():
                return self._run(inputs)
        except DiffmagicError:
            self._before.restore()
            return self._run(inputs)

    def _held(self) -> list[Any]:
        return [self._names[name] for name in self._reads if name in self._names]

    def _set_names(self, inputs: Mapping[str, Any]) -> list[str]:
        """The inputs that are names of the notebook while the cell runs, and not parameters."""
        return [name for name in {**self.constants, **inputs} if name not in (self._subject.parameters or ())]

    def _run(self, inputs: Mapping[str, Any]) -> Any:
        values = {**self.constants, **{name: _fresh(value) for name, value in inputs.items()}}
        for name in self._set_names(inputs):
            self._names[name] = values[name]
        result = self._subject.run(self._names)
        if self._subject.parameters is not None:
            result = _call(result, self._subject, values, self._names)
        if result is None and self._subject.function:
            raise DiffmagicError(f"{self._subject.function} returns None", rewrite="end it with: return value")
        if result is None:
            raise DiffmagicError("the cell's last line gives None", rewrite=_FINISH)
        results = self._subject.results
        if len(results) == 1:
            return _own(result, results[0] or "the result")
        return tuple(_own(part, name) for part, name in zip(result, results, strict=True))


def _fresh(value: Any) -> Any:
    """An input whose arrays the cell may change; traced ones see to that themselves."""
    leaves, rebuild = flatten(value)
    if not any([type(leaf) is np.ndarray for _, leaf in leaves]):
        return value
    return rebuild([leaf.copy() if type(leaf) is np.ndarray else leaf for _, leaf in leaves])


def _own(value: Any, name: str) -> Any:
    """A result in containers of its own."""
    if inspect.isroutine(value) or isinstance(value, np.ufunc):
        raise DiffmagicError(f"{name} is a function", rewrite="end the cell with a call of it, or with its def")
    leaves, rebuild = flatten(value, name)
    if not leaves:
        raise DiffmagicError(f"{name} holds no numbers", rewrite=_FINISH)
    return rebuild([leaf for _, leaf in leaves])


def _call(function: Any, subject: Subject, values: Mapping[str, Any], names: Names) -> Any:
    """Call a function with the inputs, its defaults, and the notebook's variables for what is still missing."""
    parameters = inspect.signature(function).parameters.values()
    if [parameter.kind.name for parameter in parameters] == ["VAR_POSITIONAL", "VAR_KEYWORD"]:
        # a decorator without functools.wraps, which passes on what it is given
        wanted = [name for name in subject.parameters or () if name in values or name not in subject.defaults]
        return function(**{name: values[name] if name in values else names[name] for name in wanted})
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter in parameters:
        name = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in values:
            value = values[name]
        elif parameter.default is not parameter.empty:
            continue
        else:
            value = names[name]
        if parameter.kind is parameter.POSITIONAL_ONLY:
            args.append(value)
        else:
            kwargs[name] = value
    return call(function, *args, **kwargs)
