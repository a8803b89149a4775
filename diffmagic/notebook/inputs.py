"""The inputs of a cell: their values, and which of them to differentiate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.structures import flatten
from diffmagic.notebook.cells import Subject
from diffmagic.notebook.line import nearest
from diffmagic.notebook.namespace import Names


@dataclass(slots=True)
class Inputs:
    """Values for a subject.

    Attributes
    ----------
    varied : dict
        What to differentiate with respect to.
    constants : dict
        What is given besides.
    notes : list of str
    """

    varied: dict[str, Any]
    constants: dict[str, Any]
    notes: list[str]

    @property
    def paths(self) -> list[str]:
        """What to call each number or array among those that vary."""
        return [path for name, value in self.varied.items() for path, _ in flatten(value, name)[0]]


def evaluate(expression: str, names: Names, what: str) -> Any:
    """An expression of the magic's line, evaluated in the notebook."""
    try:
        return eval(expression, names)
    except Exception as error:
        reason = f"{what} cannot be evaluated: {expression}\n{type(error).__name__}: {error}"
        near = nearest(error.name, names) if isinstance(error, NameError) and error.name else ""
        raise DiffmagicError(reason, rewrite=near) from None


def chosen_inputs(subject: Subject, given: Mapping[str, Any], wrt: Iterable[str] | None, names: Names) -> Inputs:
    """Decide what varies: what ``--wrt`` names, else what the line gives, else the notebook's floats that are read.

    Raises
    ------
    DiffmagicError
        If nothing varies, or a name is not an input.
    """
    wanted = list(dict.fromkeys(wrt)) if wrt is not None else list(given)
    readable = subject.reads() if subject.parameters is None else [*subject.parameters, *subject.reads()]
    _refuse_misspelt(subject, given, readable)
    for name in wanted:
        if name not in given and (name not in names or name not in readable):
            _refuse_unknown(name, [*given, *(n for n in readable if n in names)])
    if wrt is None and not given:
        candidates = subject.reads() if subject.parameters is None else list(subject.parameters)
        wanted = [name for name in candidates if isinstance(names.get(name), float | np.floating)]
        if not wanted:
            _refuse_nothing(subject, candidates, names)
    missing = [
        name
        for name in subject.parameters or ()
        if name not in given and name not in wanted and name not in subject.defaults and name not in names
    ]
    if missing:
        raise DiffmagicError(
            f"{subject.function} needs {' and '.join(missing)}", rewrite=", ".join(f"{name}=1.0" for name in missing)
        )
    notes: list[str] = []
    varied = {name: _floats(name, given.get(name, names.get(name)), notes) for name in wanted}
    if not any(np.size(leaf) for value in varied.values() for _, leaf in flatten(value)[0]):
        raise DiffmagicError(f"{' and '.join(varied)} holds no numbers", rewrite=f"{wanted[0]}=1.0")
    return Inputs(varied, {name: value for name, value in given.items() if name not in varied}, notes)


def _floats(name: str, value: Any, notes: list[str]) -> Any:
    """A value with floats for integers, in arrays of its own."""
    leaves, rebuild = flatten(value, name)
    if not leaves:
        raise DiffmagicError(f"{name} holds no numbers", rewrite=f"{name}=1.0")
    whole = [isinstance(leaf, int) or np.result_type(leaf).kind in "iub" for _, leaf in leaves]
    if any(whole):
        one = isinstance(value, int | np.integer | np.bool_)
        notes.append(f"{name} {'is an integer, which is' if one else 'holds integers, which are'} taken as float")
    return rebuild([_floated(leaf) if each else _copied(leaf) for (_, leaf), each in zip(leaves, whole, strict=True)])


def _floated(leaf: Any) -> Any:
    return leaf.astype(np.float64) if isinstance(leaf, np.ndarray) else float(leaf)


def _copied(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _refuse_misspelt(subject: Subject, given: Mapping[str, Any], readable: list[str]) -> None:
    for name in given:
        if name not in readable:
            near = nearest(name, [other for other in readable if other not in given])
            if near:
                raise DiffmagicError(f"{subject.function or 'the cell'} does not read {name}", rewrite=near)


def _refuse_unknown(name: str, known: list[str]) -> None:
    near = nearest(name, known)
    raise DiffmagicError(
        f"there is no input {name}",
        rewrite=f"--wrt {near}" if near else f"give it a value, {name}=1.0, or leave it out of --wrt",
    )


def _refuse_nothing(subject: Subject, candidates: list[str], names: Names) -> None:
    what = subject.function or "the cell"
    numbers = [n for n in candidates if isinstance(names.get(n), np.ndarray | int) and not isinstance(names[n], bool)]
    arrays = [f"{n} ({'an array' if isinstance(names[n], np.ndarray) else 'an integer'})" for n in numbers]
    if numbers:
        raise DiffmagicError(
            f"{what} reads no float of the notebook, only {', '.join(arrays)}", rewrite=f"--wrt {numbers[0]}"
        )
    raise DiffmagicError(
        f"there is nothing to differentiate with respect to: {what} reads no number of the notebook",
        rewrite="give inputs on the magic's line: x=1.0",
    )
