"""A call of a function with the formulas of its results and of their derivatives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from diffmagic.core.errors import DiffmagicError
from diffmagic.core.recording import Argnums, traced
from diffmagic.core.structures import flatten
from diffmagic.core.tracing import is_traced
from diffmagic.labels import component
from diffmagic.results import Entry
from diffmagic.symbolic.calculus import Partials
from diffmagic.symbolic.elementary import readable
from diffmagic.symbolic.formulas import formulas

PARTIALS = 2_500
"""The most partial derivatives that are written out."""

WORK = 100_000
"""The most operations in the formulas that are differentiated for that, all together."""


class Call:
    """``f(*args)``, traced, as formulas.

    Parameters
    ----------
    f, args, argnums
        As for `diffmagic.differentiate`; these arguments become symbols.
    inputs, results : sequence of str
        What to call the inputs and the results.
    wrt : int or list of int, optional
        Which of these arguments to differentiate with respect to, counted among them; by default all.

    Attributes
    ----------
    recording : Recording
    formulas : Formulas
    names : tuple of str
        What the results are called.
    symbols : list of Symbol
        One for each number of the inputs.
    point : list of float
        Their values.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: Argnums,
        inputs: Sequence[str] = (),
        results: Sequence[str] = (),
        wrt: int | list[int] | None = None,
    ) -> None:
        self.recording = traced(f, args, {}, argnums)
        variables = self.recording.program.inputs
        for variable, name in zip(variables, inputs, strict=False):
            variable.name = name
        self.names = tuple(results) or (str(getattr(f, "__name__", "")).replace("<lambda>", ""),)
        self.formulas = formulas(self.recording.program)
        self.symbols = [symbol for array in self.formulas.symbols for symbol in array.flat]
        self.point = [float(number) for variable in variables for number in np.ravel(variable.value)]
        self._partial = Partials(self.symbols)
        self._wrt = wrt
        owners = [place for place, count in enumerate(self.recording.counts) for _ in range(count)]
        chosen = range(len(owners)) if wrt is None else [wrt] if isinstance(wrt, int) else wrt
        self._counts = [owner in chosen for owner in owners]
        self._arrays = [a for a, counts in zip(self.formulas.symbols, self._counts, strict=True) if counts]

    def results(self) -> list[Any]:
        """The formula of every number of the results."""
        return [one for output in self.formulas.outputs for one in output.flat]

    def check_value(self) -> None:
        """Refuse where the function is not a number, which its formula may well be: √x² at -1."""
        if any(np.isnan(leaf).any() for _, leaf in flatten(self.recording.value())[0]):
            raise DiffmagicError("the function is not a number here", rewrite="a point where it is one")

    def derivatives(self, order: int, simplify: bool = False) -> list[Any]:
        """The formula of every number of the derivative, in the order in which `structured` takes them."""
        self._check_count(order)
        found = [
            self._partial(one, *wrt)
            for output, *arrays in itertools.product(self.formulas.outputs, *[self._arrays] * order)
            for one, *wrt in itertools.product(output.flat, *[array.flat for array in arrays])
        ]
        return [sp.simplify(one) for one in found] if simplify else found

    def partials(self, order: int, simplify: bool = False) -> list[Entry]:
        """Each partial derivative once, written for reading, under the users' names. Of order 0, the results."""
        self._check_count(order)
        labels = self.formulas.labels
        symbols = [symbol for array in self._arrays for symbol in array.flat]
        rows = itertools.product(self._labelled(), itertools.combinations_with_replacement(symbols, order))
        found = [(of, wrt, self._partial(one, *wrt)) for (of, one), wrt in rows]
        return [
            Entry(of, tuple(labels[symbol] for symbol in wrt), readable(sp.simplify(one) if simplify else one))
            for of, wrt, one in found
        ]

    def structured(self, numbers: Sequence[Any], order: int) -> Any:
        """A derivative's numbers in the structure of the results and, within, of the inputs; of order 0, the value."""
        rest = iter(numbers)

        def nested(shape: tuple[int, ...], depth: int, real: bool) -> Any:
            if depth == 0:
                return _shaped(list(itertools.islice(rest, math.prod(shape))), shape, real)
            pairs = zip(self.formulas.symbols, self._counts, strict=True)
            parts = [nested(shape + a.shape, depth - 1, real) if counts else None for a, counts in pairs]
            return self._chosen(self.recording.like_inputs(parts))

        values = flatten(self.recording.value())[0]
        return self.recording.rebuild_output([nested(np.shape(v), order, not np.iscomplexobj(v)) for _, v in values])

    def _chosen(self, parts: Any) -> Any:
        """Of one part for each argument, those that count."""
        if self._wrt is None:
            return parts
        return parts[self._wrt] if isinstance(self._wrt, int) else tuple(parts[place] for place in self._wrt)

    def entries(self, derivative: Any, order: int) -> list[Entry]:
        """The numbers and arrays of a derivative under the users' names."""
        inputs = [variable.name for variable in self.recording.program.inputs]
        labels = itertools.product(self._paths(), *[inputs] * order)
        blocks = [block for _, block in flatten(derivative)[0]]
        return [Entry(of, tuple(wrt), block) for (of, *wrt), block in zip(labels, blocks, strict=True)]

    def _paths(self) -> list[str]:
        value = self.recording.value()
        parts = [value] if len(self.names) == 1 else value
        return [path for part, name in zip(parts, self.names, strict=True) for path, _ in flatten(part, name)[0]]

    def _labelled(self) -> list[tuple[str, Any]]:
        return [
            (component(path, output.shape, k), one)
            for path, output in zip(self._paths(), self.formulas.outputs, strict=True)
            for k, one in enumerate(output.flat)
        ]

    def _check_count(self, order: int) -> None:
        each = math.comb(sum(array.size for array in self._arrays) + order - 1, order)
        count = len(self.results()) * each
        if count > PARTIALS or each * sum(one.count_ops() for one in self.results()) > WORK:
            raise DiffmagicError(
                f"the formula has {count:,} partial derivatives, which are too many or too long to write out",
                rewrite="a smaller example; or %%grad or %%numdiff, which need no formula",
            )


def _shaped(numbers: list[Any], shape: tuple[int, ...], real: bool) -> Any:
    """Numbers, some of them traced, as an array, or as the one number that it is."""
    if is_traced(numbers):
        return np.reshape(np.stack(numbers), shape) if shape else numbers[0]
    whole = np.array(numbers) * 1.0
    if real and whole.dtype.kind == "c":  # NumPy's functions of real numbers are not a number where SymPy's are complex
        whole = np.where(whole.imag == 0, whole.real, np.nan)
    return whole.reshape(shape) if shape else whole[0].item()
