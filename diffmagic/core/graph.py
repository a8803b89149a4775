"""A program as a graph: values on nodes, local partial derivatives on edges, loops and long stretches as groups."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate as running
from itertools import groupby
from typing import Any, Literal, NamedTuple

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.forward import forward, local_partial
from diffmagic.core.loops import lines, loops
from diffmagic.core.program import Equation, Program, Variable, operation
from diffmagic.core.recording import inexact
from diffmagic.core.reverse import reverse
from diffmagic.core.zeros import accumulate

GraphMode = Literal["forward", "reverse", "plain"]
_ALONE = 12
"""So many equations are few enough to stand each on its own."""
_ROOM = 24
_MOST = 40
_INPUTS = 16
_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Value:
    """One value on a node.

    Attributes
    ----------
    name : str
    value : number or ndarray
    moved : tuple
        Its tangents or cotangents, one for each seed of the graph; None where nothing moves.
    result : str
        What it is called as a result of the program; empty if it is none.
    """

    name: str
    value: Any
    moved: tuple[Any, ...] = ()
    result: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """An input, an operation, a result that is constant, or a group of operations or inputs.

    Attributes
    ----------
    kind : {"input", "operation", "constant", "group"}
    text : str
        The operation as one would write it, or what the group is; empty for an input.
    values : tuple of Value
        What it gives: of a group, those that are read outside of it.
    first, last : int
        The numbers of its equations; 0 for what has none.
    lines : str
        Where the user wrote it.
    """

    kind: Literal["input", "operation", "constant", "group"]
    text: str
    values: tuple[Value, ...]
    first: int = 0
    last: int = 0
    lines: str = ""

    def marks(self, *values: Value) -> list[str]:
        """What it is besides an operation, for these of its values or for all of them: ``input``, ``result y``."""
        results = [v.result for v in values or self.values if v.result]
        names = [v.name for v in values or self.values]
        inputs = ["input"] if self.kind == "input" else []
        return inputs + [f"result {name}" if name not in names else "result" for name in results]


@dataclass(frozen=True, slots=True)
class Edge:
    """A value that is read.

    Attributes
    ----------
    source, target : int
        Positions of nodes.
    name : str
        Which of the source's values.
    partial : number, ndarray, str or None
        The derivative of the target's value with respect to it; a word where it is no number and no array of the
        target's shape, None where the target has several values.
    """

    source: int
    target: int
    name: str
    partial: Any = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A program as a graph. Nodes stand in the order of evaluation, edges in that of their targets and operands.

    Attributes
    ----------
    mode : {"forward", "reverse", "plain"}
        What besides the value is on the nodes: tangents, cotangents, nothing.
    seeds : tuple of str
        For tangents the input that each is with respect to, for cotangents the result that each is of; empty for a
        seed of the user's.
    nodes : list of Node
    edges : list of Edge
    """

    mode: GraphMode
    seeds: tuple[str, ...]
    nodes: list[Node]
    edges: list[Edge]

    def derivative(self, seed: str, name: str) -> str:
        """What a tangent or cotangent of a value is called."""
        if not seed:
            return "tangent" if self.mode == "forward" else "cotangent"
        return f"∂{name}/∂{seed}" if self.mode == "forward" else f"∂{seed}/∂{name}"


class Stretch(NamedTuple):
    """Consecutive equations that are one node, from one position up to another, and what they are called."""

    start: int
    stop: int
    text: str = ""


def graph_of(
    program: Program,
    mode: Literal["auto", "forward", "reverse", "plain"] = "auto",
    *,
    results: Sequence[str] = (),
    seeds: Mapping[Variable, Any] | None = None,
) -> Graph:
    """The graph of a program.

    Parameters
    ----------
    program : Program
    mode : {"auto", "forward", "reverse", "plain"}
        Whether tangents, cotangents or neither are on the nodes; ``"auto"`` takes reverse if it can be, else forward,
        else neither.
    results : sequence of str
        What the outputs are called, where they have a name of their own.
    seeds : mapping of Variable to tangent or cotangent, optional
        By default there is a tangent for each input or a cotangent for each output, if these are at most three numbers.

    Raises
    ------
    DiffmagicError
        If there are more.
    """
    names = program.names()
    given = results or [""] * len(program.outputs)
    called: dict[Variable, list[str]] = {}
    for out, result in zip(program.outputs, given, strict=True):
        if isinstance(out, Variable):
            called.setdefault(out, []).append(result or names[out])
    mode, columns = _columns(program, mode, names, called, seeds)

    def value(variable: Variable) -> Value:
        moved = tuple(found.get(variable) for _, found in columns)
        return Value(names[variable], variable.value, moved, " and ".join(dict.fromkeys(called.get(variable, []))))

    nodes: list[Node] = []
    edges: list[Edge] = []
    place: dict[Variable, int] = {}
    first = program.inputs if len(program.inputs) <= _INPUTS else program.inputs[: _INPUTS // 2]
    for variable in first:
        place[variable] = len(nodes)
        nodes.append(Node("input", "", (value(variable),)))
    if more := program.inputs[len(first) :]:
        place.update(dict.fromkeys(more, len(nodes)))
        nodes.append(Node("group", f"{len(more)} more inputs", tuple(map(value, more))))
    reads = {operand: k for k, equation in enumerate(program.equations) for operand in _read(equation)}
    for start, stop, text in _stretches(program, reads, called):
        part = program.equations[start:stop]
        made = [result for equation in part for result in equation.results]
        outgoing = made
        if text:
            outgoing = [v for v in made if reads.get(v, -1) >= stop or v in called] or list(part[-1].results)
        for variable in dict.fromkeys(operand for equation in part for operand in _read(equation)):
            if variable in place:
                edge = Edge(place[variable], len(nodes), names[variable], _partial(part, variable, outgoing))
                edges.append(edge)
        place.update(dict.fromkeys(made, len(nodes)))
        kind: Literal["group", "operation"] = "group" if text else "operation"
        text = text or operation(part[0], names)
        nodes.append(Node(kind, text, tuple(map(value, outgoing)), start + 1, stop, lines(part)))
    for number, (out, result) in enumerate(zip(program.outputs, given, strict=True), start=1):
        if not isinstance(out, Variable):
            name = result or ("result" if len(given) == 1 else f"result {number}")
            nodes.append(Node("constant", "", (Value(name, out, (None,) * len(columns), name),)))
    return Graph(mode, tuple(seed for seed, _ in columns), nodes, edges)


def _read(equation: Equation) -> list[Variable]:
    return [operand for operand in equation.operands if isinstance(operand, Variable)]


def _columns(
    program: Program,
    mode: str,
    names: Mapping[Variable, str],
    called: Mapping[Variable, Sequence[str]],
    seeds: Mapping[Variable, Any] | None,
) -> tuple[GraphMode, list[tuple[str, dict[Variable, Any]]]]:
    """The mode, and for each seed the tangents or cotangents of all variables."""
    of = {out: names[out] if result in names.values() else result for out, (result, *_) in called.items()}
    ends = {"reverse": of, "forward": {variable: along(variable, names) for variable in program.inputs}}
    mode = modes_of(program)[0] if mode == "auto" else mode
    if mode == "plain":
        return "plain", []
    if seeds is None and mode not in modes_of(program):
        what = "cotangents, one for each number of the result" if mode == "reverse" else "tangents, one for each input"
        raise DiffmagicError(f"a node has room for {_COLUMNS} {what}", rewrite="a plain graph, or one with a seed")
    runs = {"": seeds} if seeds is not None else {name: {v: inexact(v.value).type(1)} for v, name in ends[mode].items()}
    if mode == "forward":
        return "forward", [(name, accumulate(forward, program, run, program.outputs)) for name, run in runs.items()]
    back = [(name, accumulate(reverse, program, run, program.inputs, keep=True)) for name, run in runs.items()]
    return "reverse", back


def along(variable: Variable, names: Mapping[Variable, str]) -> str:
    """What a tangent is with respect to whose seed is 1: of a complex input it is one along the real axis."""
    return names[variable] + ".real" * (variable.dtype.kind == "c")


def modes_of(program: Program) -> list[GraphMode]:
    """What the nodes can carry: cotangents or tangents only of up to three numbers."""
    outputs = {out for out in program.outputs if isinstance(out, Variable)}
    ends: dict[GraphMode, Collection[Variable]] = {"reverse": outputs, "forward": program.inputs}
    few = [mode for mode, some in ends.items() if 0 < len(some) <= _COLUMNS and not any(v.shape for v in some)]
    return [*few, "plain"]


def _partial(equations: Sequence[Equation], variable: Variable, outgoing: Sequence[Variable]) -> Any:
    """The derivative of what a stretch gives with respect to a value that it reads."""
    if len(outgoing) > 1:
        return None
    (result,) = outgoing
    elementwise = all(equation.primitive.partials is not None for equation in equations)
    same = {each.shape for equation in equations for each in equation.results} == {variable.shape}
    with np.errstate(all="ignore"):
        if len(equations) == 1 and equations[0].primitive.partials:
            pairs = enumerate(zip(equations[0].operands, equations[0].primitive.partials, strict=True))
            parts = [local_partial(equations[0], i) for i, (o, p) in pairs if o is variable and p is not None]
            return sum(parts[1:], parts[0]) if parts else "constant"
        one = np.ones(result.shape) if result.shape else 1.0
        found = accumulate(reverse, Program([variable], list(equations), [result]), {result: one}, [variable])
    if found.get(variable) is None:
        return "constant"
    if not result.shape or (elementwise and same):
        return found[variable]
    return f"{math.prod(result.shape)}×{math.prod(variable.shape)} matrix"


def _stretches(program: Program, reads: Mapping[Variable, int], outputs: Container[Variable]) -> list[Stretch]:
    """What each node stands for: an equation, or several where there are many."""
    equations = program.equations
    if len(equations) <= _ALONE:
        return _each(0, len(equations))
    found = _looped(equations, 0, len(equations))
    if len(found) > _ROOM:
        links = [_is_link(equations, stretch, reads, outputs) for stretch in found]
        chains = list(running(not link for link in links))
        found = _merged(found, chains, 3, lambda s: f"{s.stop - s.start} operations in a row")
    if len(found) > _MOST:
        places = [lines(equations[s.start : s.stop]) for s in found]
        by_line = _merged(found, places, 2, lambda s: f"{s.stop - s.start} operations")
        found = by_line if len(by_line) > 3 else found  # all of it in one box says nothing
    if len(found) > _MOST:
        size = math.ceil(len(found) / _ALONE)
        found = _merged(found, [k // size for k in range(len(found))], 2, lambda s: f"steps {s.start + 1} to {s.stop}")
    return found


def _each(start: int, stop: int) -> list[Stretch]:
    return [Stretch(k, k + 1) for k in range(start, stop)]


def _looped(equations: Sequence[Equation], start: int, stop: int) -> list[Stretch]:
    """Of each loop the first pass, one stretch for the passes between, and the last pass."""
    found: list[Stretch] = []
    at = start
    for loop in loops(equations[start:stop]):
        begin, end = start + loop.start, start + loop.stop
        second, last = begin + loop.length, end - loop.length
        found += _each(at, begin) + _looped(equations, begin, second)
        found.append(Stretch(second, last, f"{loop.passes - 2} more passes"))
        found += _looped(equations, last, end)
        at = end
    return found + _each(at, stop)


def _is_link(
    equations: Sequence[Equation], stretch: Stretch, reads: Mapping[Variable, int], outputs: Container[Variable]
) -> bool:
    """Whether it only goes on with what the equation before it gives, and nobody else reads that."""
    if stretch.text or stretch.start == 0:
        return False
    before = equations[stretch.start - 1].results
    return (
        set(_read(equations[stretch.start])) == set(before)
        and len(before) == 1
        and reads[before[0]] == stretch.start
        and before[0] not in outputs
    )


def _merged(
    stretches: Sequence[Stretch], keys: Sequence[Any], least: int, text: Callable[[Stretch], str]
) -> list[Stretch]:
    """Neighbours with the same key as one, where there are enough of them."""
    found: list[Stretch] = []
    for _, pairs in groupby(zip(keys, stretches, strict=True), key=lambda pair: pair[0]):
        same = [stretch for _, stretch in pairs]
        one = Stretch(same[0].start, same[-1].stop)
        found += same if len(same) < least else [one._replace(text=text(one))]
    return found
