"""The equations of a program as Python statements, first to last.

A value that is used once is written where it is used, as far as the line stays short: so few names are needed, and
arrays do not outlive their use. An array that only the function itself has is changed in place.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.core.primitives import primitive_of
from diffmagic.core.program import Equation, Program, Variable
from diffmagic.core.runnable import (
    Dialect,
    constant_operand,
    expression,
    is_list,
    is_write,
    literal,
    may_look_at,
    scalar,
)
from diffmagic.core.tracing import concrete
from diffmagic.core.written import ATOM, UNARY, Written, key_text

_WIDTH, _OPERATIONS = 76, 5  # what a person reads at once
_LONGEST, _MOST = 2000, 40  # what Python does
_FEW = 4  # elements that are set one by one
_NUMBERED = re.compile(r"(((grad|d\d*)_)*v\d+(_\w+)?)?")
_TAKEN = frozenset({"np", "math", "cmath", "scipy", "abs", "complex", "float", "int", "range", "slice"})
_SIGNS = {"assign": "", "np.subtract.at": "-"}
_ADD = primitive_of(np.add)


def identifier(wish: str) -> str:
    """A name that a variable can have in source.

    Examples
    --------
    >>> identifier("x̂"), identifier("p['w'][0]"), identifier("lambda"), identifier("np")
    ('x̂', 'p_w_0', 'lambda_', 'np_')
    """
    name = wish if wish.isidentifier() else re.sub(r"\W+", "_", wish).strip("_") or "x"
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN else f"x{name}" if name[0].isdigit() else name


@dataclass(slots=True)
class Pending:
    """A value that will be written where it is used.

    Attributes
    ----------
    written : Written
    reads : list of Variable
        The variables whose names are in it.
    operations : int
    scatter : Equation or None
        The equation, if it adds a part to zeros: `written` is the part, and will be added to what the sum goes on with.
    """

    written: Written
    reads: list[Variable]
    operations: int = 0
    scatter: Equation | None = None


class Statements:
    """Statements for the equations of a program.

    Parameters
    ----------
    program : Program
    dialect : {"traced", "numpy", "math"}
    wishes : mapping of Variable to str, optional
        For people: what to call each variable, and what the user named is a statement of its own. Without wishes names
        are used again as soon as their values are not.
    arrays : mapping of str to ndarray, optional
        What large constants are called that are equal to these.

    Attributes
    ----------
    lines : list of str
    names : dict of Variable to str
    taken : set of str
        Names that mean something.
    constants : dict of str to ndarray
        Those that are not written out, by name.
    """

    def __init__(
        self,
        program: Program,
        dialect: Dialect,
        wishes: Mapping[Variable, str] | None = None,
        arrays: Mapping[str, Any] | None = None,
    ) -> None:
        self.lines: list[str] = []
        self.names: dict[Variable, str] = {}
        self.taken = set(_TAKEN)
        self.constants: dict[str, Any] = {}
        self._program, self._dialect, self._wishes, self._arrays = program, dialect, wishes, arrays or {}
        self._pending: dict[Variable, Pending] = {}
        self._idle: list[str] = []  # names whose values are not used any more
        self._counts = Counter[str]()  # of the names that are ours, by their first letter
        self._ends = {out for out in program.outputs if isinstance(out, Variable)}
        self._left = Counter(o for e in program.equations for o in e.operands if isinstance(o, Variable))
        self._left.update(out for out in program.outputs if isinstance(out, Variable))
        self._own: set[Variable] = set()  # arrays that nobody else has
        self._bases: dict[Variable, set[Variable]] = {}  # whose memory an array may look at
        self._viewers: defaultdict[Variable, list[Variable]] = defaultdict(list)
        sums = (e for e in program.equations if e.primitive is _ADD and isinstance(e.operands[0], Variable))
        self._next = {equation.operands[0]: equation.results[0] for equation in sums}
        for position, variable in enumerate(program.inputs, start=1):
            self.names[variable] = self._free(wishes[variable] if wishes else variable.name or f"x{position}")

    def write(self, asserted: bool = False) -> None:
        """All equations; with assertions of what Python decided, if asked for."""
        guards = list(self._program.guards) if asserted else []
        self._left.update(guard.variable for guard in guards)
        for position, equation in enumerate(self._program.equations):
            while guards and guards[0].position <= position:
                guard = guards.pop(0)
                self._assert(guard.variable, guard.value)
            self._equation(equation)
        for guard in guards:
            self._assert(guard.variable, guard.value)

    def output(self, out: Any) -> str:
        """An output's text, after all equations."""
        if not isinstance(out, Variable):
            if np.ndim(out):
                return self._filled(self._numbered("t"), out)
            return literal(out, self._large).replace("np.", "math." if self._dialect == "math" else "np.")
        pending = self._pending.get(out)
        if pending is not None and pending.scatter is None and self._left[out] == 1 and self._wishes is None:
            return pending.written.text
        self._settle(out)
        value = concrete(out.value)
        bare = self._wishes is not None and isinstance(value, np.ndarray) and value.ndim == 0
        return f"{self.names[out]}[()]" if bare else self.names[out]

    # Expressions.

    def _equation(self, equation: Equation) -> None:
        result = equation.results[0]
        if is_write(equation):
            self._write(equation)
        elif self._goes_on(equation):
            total, last = equation.operands
            self._add_in(total, last, result)
        elif is_list(equation):
            right = self._right(equation)
            left = [self._name(v) if self._left[v] else "_" for v in equation.results]
            self._append(f"{', '.join(left)}{',' * (len(left) == 1)} = {right.written.text}", right.reads)
            self._look(equation)
        else:
            self._pending[result] = self._right(equation)
            self._look(equation)
            if self._left[result] != 1 or self._is_asked_for(result):
                self._settle(result)

    def _right(self, equation: Equation) -> Pending:
        """The right side of an equation, with what is pending put in as far as it stays readable."""
        used = [o for o in equation.operands if isinstance(o, Variable) and o in self._pending]
        for variable in used:
            if self._pending[variable].scatter is not None:
                self._settle(variable)
        while True:
            used = [variable for variable in used if variable in self._pending]
            written = expression(equation, [self._operand(o, equation) for o in equation.operands], *self._way)
            operations = 1 + sum(self._pending[variable].operations for variable in used)
            if not used or self._is_short(written.text, operations):
                break
            self._settle(max(used, key=lambda v: (self._pending[v].operations, len(self._pending[v].written.text))))
        reads = []
        for o in equation.operands:
            if isinstance(o, Variable):
                reads += self._pending.pop(o).reads if o in self._pending else [o]
        return Pending(written, reads, operations)

    @property
    def _way(self) -> tuple[Any, ...]:
        return self._dialect, self._large

    def _is_short(self, text: str, operations: int) -> bool:
        if self._wishes is None:
            return len(text) <= _LONGEST and operations <= _MOST
        return len(text) <= _WIDTH and operations <= _OPERATIONS

    def _operand(self, operand: Any, equation: Equation) -> Written:
        if not isinstance(operand, Variable):
            return constant_operand(operand, equation, *self._way)
        return self._pending[operand].written if operand in self._pending else Written(self.names[operand])

    def _large(self, value: Any) -> str:
        """A constant that is not written out: its name, or what it is of one that has a name."""
        named = {name: array for name, array in self._arrays.items() if name not in self.taken}
        for name, known in (self.constants | named).items():
            for text, same in ((name, known), (f"{name}.T", np.transpose(known))):
                if same.dtype == value.dtype and np.array_equal(same, value, equal_nan=value.dtype.kind in "fc"):
                    self.constants[name] = known
                    self.taken.add(name)
                    return text
        name = self._numbered("c")
        self.constants[name] = value
        return name

    # Statements and names.

    def _append(self, line: str, reads: Sequence[Variable]) -> None:
        """A line, which has read these variables."""
        self.lines.append(line)
        for variable in reads:
            self._left[variable] -= 1

    def _settle(self, variable: Variable) -> None:
        """Give a pending value its name."""
        pending = self._pending.pop(variable, None)
        if pending is None:
            return
        if pending.scatter is not None:
            self._fill(variable, np.zeros(variable.shape, variable.dtype))
            self._change(variable, pending, pending.scatter.params["key"])
            return
        for read in pending.reads:
            self._left[read] -= 1
            if self._wishes is None and not self._left[read] and read not in self._program.inputs:
                self._idle.append(self.names[read])
        self.lines.append(f"{self._name(variable)} = {pending.written.text}")

    def _name(self, variable: Variable, of: Variable | None = None) -> str:
        """A new name for a variable, that of another for which it will serve, or one that is idle."""
        wish = "" if self._wishes is None else self._wishes[of or variable]
        name = self._free(wish) if wish else self._idle.pop() if self._idle else self._numbered("t")
        self.names[variable] = name
        return name

    def _numbered(self, letter: str) -> str:
        self._counts[letter] += 1
        return self._free(f"{letter}{self._counts[letter]}")

    def _free(self, wish: str) -> str:
        """A name like the one that is wished for."""
        wish = identifier(wish)
        name, number = wish, 1
        while name in self.taken:
            number += 1
            name = f"{wish}_{number}"
        self.taken.add(name)
        return name

    def _is_asked_for(self, variable: Variable) -> bool:
        """Whether people look for a statement of its own: of an output, or of what the user named."""
        return self._wishes is not None and (variable in self._ends or not _NUMBERED.fullmatch(self._wishes[variable]))

    def _assert(self, variable: Variable, value: Any) -> None:
        """What Python decided must be decided so again."""
        pending = self._pending.pop(variable, None) or Pending(Written(self.names[variable]), [variable])
        written = pending.written
        if isinstance(value, bool | np.bool_):
            line = f"assert {written.text}" if value else f"assert not {written.within(UNARY)}"
        elif np.ndim(value):
            line = f"assert np.array_equal({written.text}, {literal(value, self._large)})"
        else:
            whole = written.within(ATOM) if variable.dtype.kind in "iu" else f"int({written.text})"
            line = f"assert {whole} == {literal(value, self._large)}"
        self._append(line, pending.reads)

    # Arrays that change.

    def _look(self, equation: Equation) -> None:
        """Keep in mind whose memory the results may look at."""
        if not may_look_at(equation):
            self._own.update(result for result in equation.results if result.shape)
            return
        operands = [o for o in equation.operands if isinstance(o, Variable)]
        bases = set(operands).union(*(self._bases.get(o, ()) for o in operands))
        for result in equation.results:
            self._bases[result] = bases
            for base in bases:
                self._viewers[base].append(result)

    def _is_alone(self, array: Variable) -> bool:
        """Whether an array is the function's own, and nothing else that is still used may look at its memory."""
        return array in self._own and not any(self._left[viewer] for viewer in self._viewers[array])

    def _write(self, equation: Equation) -> None:
        """An array like another with a part changed."""
        part, result = self._part(equation), equation.results[0]
        if equation.primitive.name == "scatter":
            part.scatter = equation
            self._pending[result] = part
            if self._left[result] != 1 or self._is_asked_for(result):
                self._settle(result)
            return
        old = equation.operands[-1]
        if not isinstance(old, Variable):
            self._fill(result, old)
        elif self._is_last_use(old, part):
            self._go_on(old, result)
        else:
            self._append(f"{self._name(result)} = {self.names[old]}.copy()", [old])
        self._own.add(result)
        self._change(result, part, equation.params["key"], equation.primitive.name)

    def _is_last_use(self, old: Variable, part: Pending) -> bool:
        """Whether an array is not used any more once a part of it has been changed."""
        self._settle(old)
        if not self._is_alone(old):
            return False
        self._settle_readers(old)
        return self._is_alone(old) and self._left[old] == 1 + part.reads.count(old)

    def _settle_readers(self, array: Variable) -> None:
        """Let go of an array, which will be changed, what is pending and reads it."""
        for variable in [v for v, pending in self._pending.items() if array in pending.reads]:
            self._settle(variable)

    def _go_on(self, old: Variable, new: Variable) -> None:
        """The name is from now on that of the changed array."""
        self.names[new] = self.names[old]
        self._left[old] -= 1

    def _part(self, equation: Equation) -> Pending:
        """What is written into an array."""
        new = equation.operands[0]
        if not isinstance(new, Variable):
            return Pending(constant_operand(new, equation, *self._way), [])
        if new in self._pending and self._pending[new].scatter is not None:
            self._settle(new)
        return self._pending.pop(new, None) or Pending(Written(self.names[new]), [new])

    def _fill(self, variable: Variable, value: Any) -> None:
        """A new array of constants, which is called as the sum that it is the first part of."""
        total = variable
        while self._wishes and not self._wishes[total] and total in self._next:
            total = self._next[total]
        self._filled(self._name(variable, total), value)
        self._own.add(variable)

    def _filled(self, name: str, value: Any) -> str:
        """Give a name to a new array of constants: as it is or, if it is nearly all zeros, by its other elements."""
        others = np.argwhere(value).tolist() if np.size(value) > _FEW else []
        if 0 < len(others) <= _FEW:
            self.lines.append(f"{name} = {literal(np.zeros_like(value), self._large)}")
            self.lines += [f"{name}[{', '.join(map(str, k))}] = {scalar(value[tuple(k)])}" for k in others]
        else:
            text = literal(value, self._large)
            self.lines.append(f"{name} = {text if '(' in text else f'{text}.copy()'}")
        return name

    def _change(self, array: Variable, part: Pending, key: Any, function: str = "np.add.at") -> None:
        """Assign a part of an array, or add to it."""
        name, parts = self.names[array], key if isinstance(key, tuple) else (key,)
        if function != "assign" and any(isinstance(each, np.ndarray | list) for each in parts):
            line = f"{function}({name}, {literal(key, self._large)}, {part.written.text})"
        else:
            place = key_text(key, lambda value: literal(value, self._large))
            line = f"{name}[{place}] {_SIGNS.get(function, '+')}= {part.written.text}"
        self._append(line, part.reads)

    def _goes_on(self, equation: Equation) -> bool:
        """Whether an equation adds what was zeros but for a part: then the part is added in place.

        Elsewhere zero would be added, which changes nothing but the sign of a zero.
        """
        if equation.primitive is not _ADD:
            return False
        total, last = equation.operands
        pending = self._pending.get(last) if isinstance(last, Variable) else None
        result = equation.results[0]
        if pending is None or pending.scatter is None or self._left[last] != 1 or last.shape != result.shape:
            return False
        if not isinstance(total, Variable):
            return np.shape(total) in ((), result.shape) and np.result_type(total) == result.dtype
        if total is last or self._left[total] != 1 or total.shape != result.shape or total.dtype != result.dtype:
            return False
        first = self._pending.get(total)
        return (first is not None and first.scatter is not None) or self._is_alone(total)

    def _add_in(self, total: Any, last: Variable, result: Variable) -> None:
        part = self._pending.pop(last)
        assert part.scatter is not None
        if isinstance(total, Variable):
            self._settle(total)
            self._settle_readers(total)
            self._go_on(total, result)
        else:
            self._fill(result, np.broadcast_to(total, result.shape))
        self._own.add(result)
        self._change(result, part, part.scatter.params["key"])
