"""Random programs of assignments, views, aliases and reads, beside plain NumPy.

Each program is a list of statements that are drawn, printed as source (so that a failure can be read), and run three
ways: as it is, traced, and with complex steps through plain NumPy, which give its derivative to the last digits.
"""

from __future__ import annotations

import linecache
import warnings
from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from diffmagic import grad, jvp, traceable

X = np.array([0.31, 0.72, 1.13, 0.54, 0.95, 1.36])
WEIGHTS = np.linspace(0.2, 1.7, 64)


def measure(array: Any) -> Any:
    """A number that depends on every element in its own way."""
    flat = np.ravel(array)
    weights = np.resize(WEIGHTS, flat.shape)
    return (weights * flat).sum() + (weights[::-1] * flat * flat).sum()


class Writer:
    """Draws statements about arrays whose shapes it knows, as it runs them on numbers."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"np": np, "x": X.copy()}
        self.count = 0

    def arrays(self, least: int = 0) -> list[str]:
        return [name for name, value in self.names.items() if isinstance(value, np.ndarray) and value.ndim >= least]

    def run(self, line: str) -> None:
        """Keep a statement if NumPy takes it and its numbers stay tame."""
        if "sort" in line and any(np.unique(self.names[name]).size < self.names[name].size for name in self.arrays()):
            return  # equal numbers with different derivatives have no order
        trial = dict(self.names)
        copies = {name: value.copy() for name, value in trial.items() if isinstance(value, np.ndarray)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                exec(line, trial)
        except (ValueError, IndexError, TypeError, RuntimeWarning, FloatingPointError, DeprecationWarning):
            for name, content in copies.items():
                if self.names[name].flags.writeable:
                    self.names[name][...] = content
            return
        trial.pop("__builtins__", None)
        self.names = trial
        self.lines.append(line)

    def fresh(self) -> str:
        self.count += 1
        return f"a{self.count}"

    def pick(self, options: list[Any]) -> Any:
        return self.draw(st.sampled_from(options))

    def index(self, length: int) -> str:
        return str(self.draw(st.integers(-length, length - 1)))

    def basic(self, shape: tuple[int, ...]) -> str:
        parts = []
        for length in shape:
            start, stop = self.draw(st.integers(-length, length)), self.draw(st.integers(-length, length))
            step = self.pick([1, 1, 2, -1])
            whole = ":" if step > 0 else "::-1"
            part = self.pick(["index", "slice", "whole"])
            parts.append(
                self.index(length)
                if part == "index" and length
                else f"{start}:{stop}:{step}"
                if part == "slice"
                else whole
            )
        kind = self.pick(["all", "first", "dots", "new"])
        if kind == "first":
            return parts[0]
        if kind == "dots":
            return f"..., {parts[-1]}"
        return ", ".join([*parts, "None"] if kind == "new" else parts)

    def key(self, name: str) -> str:
        array = self.names[name]
        shape = array.shape
        kind = self.pick(["basic", "basic", "fancy", "mask", "mixed"])
        if kind == "fancy" and shape[0]:
            return str([int(self.index(shape[0])) for _ in range(self.draw(st.integers(1, 4)))])
        if kind == "mask":
            return f"{name} > {self.pick([-0.5123, 0.4123, 0.8123, 1.5123])}"
        if kind == "mixed" and len(shape) > 1 and shape[0] and shape[1]:
            return f"[{self.index(shape[0])}, {self.index(shape[0])}], [{self.index(shape[1])}, {self.index(shape[1])}]"
        return self.basic(shape)

    def source(self) -> str:
        """Something to be written."""
        name = self.pick(self.arrays(1))
        shape = self.names[name].shape
        return self.pick(
            [
                name,
                f"{name}[{self.basic(shape)}]",
                f"{name}[{self.key(name)}]",
                f"x[{self.index(6)}] * {name}",
                f"np.sin({name})",
                f"x[{self.index(6)}]",
                f"x[{self.index(6)}] * x[{self.index(6)}]",
                str(self.pick([0.0, 0.25, 1.5, 2])),
                f"[x[{self.index(6)}], 0.5]",
                f"{name}.sum()",
            ]
        )

    def statement(self) -> None:
        name = self.pick(self.arrays(1))
        array = self.names[name]
        shape = array.shape
        new = self.fresh()
        size = array.size
        place = self.index(max(shape[0], 1))
        whole = self.pick([n for n in range(1, 5) if size % n == 0])
        line = self.pick(
            [
                f"{name}[{self.key(name)}] = {self.source()}",
                f"{name}[{self.key(name)}] = {self.source()}",
                f"{name}[{self.key(name)}] {self.pick(['+=', '-=', '*='])} {self.source()}",
                f"{name} {self.pick(['+=', '-=', '*='])} {self.source()}",
                f"{new} = {name}[{self.basic(shape)}]",
                f"{new} = {name}[{self.basic(shape)}]",
                f"{new} = {name}[{self.key(name)}]",
                f"{new} = {name}",
                f"{new} = {name}.copy()",
                f"{new} = {name} * {self.pick(['2', 'x[0]', 'x[1]', name])}",
                f"{new} = np.{self.pick(['zeros', 'ones', 'empty'])}_like({name}); {new}[...] = 0.5",
                f"{new} = np.zeros({self.pick(['4', '(2, 3)', 'x.shape', '(3, 1)'])}, x.dtype)",
                f"{new} = np.full({self.pick(['4', '(2, 3)'])}, x[{self.index(6)}])",
                f"{new} = {name}.reshape({whole}, -1)",
                f"{new} = {name}.{self.pick(['T', 'ravel()', 'flatten()'])}",
                f"{new} = np.{self.pick(['flip', 'squeeze', 'atleast_2d', 'asarray', 'array', 'sort', 'tile'])}({name}"
                + ")",
                f"{new} = np.stack([{name}, {name}])",
                f"{new} = np.concatenate([{name}, {name}])",
                f"{name}.fill({self.pick(['0.3', 'x[2]'])})",
                f"np.put({name}, [{self.draw(st.integers(0, max(size - 1, 0)))}, 0], {self.source()})",
                f"np.copyto({name}, {self.source()})",
                f"np.add.at({name}, {self.pick(['[0, 0]', '0', 'slice(None)'])}, {self.source()})",
                f"np.multiply({name}, {self.source()}, out={name})",
                f"np.multiply({name}, x[1], out={name}, where={name} > 0.5)",
                f"{name}[{place}], {name}[0] = {name}[0], {name}[{place}]",
                f"for row in {name}: row *= {self.pick(['2', 'x[3]'])}",
                f"{name}.sort()",
                f"x[{self.index(6)}] = {self.source()}",
            ]
        )
        self.run(line)


@st.composite
def programs(draw: Any) -> str:
    writer = Writer(draw)
    for _ in range(draw(st.integers(2, 12))):
        writer.statement()
    tame = all(np.all(np.abs(value) < 1e6) for value in writer.names.values() if isinstance(value, np.ndarray))
    assume(tame)
    total = " + ".join(f"measure({name})" for name in writer.arrays())
    return "def f(x):\n" + "".join(f"    {line}\n" for line in writer.lines) + f"    return {total}\n"


def compiled(source: str) -> Any:
    filename = f"<program {abs(hash(source))}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    names: dict[str, Any] = {"np": np, "measure": measure}
    exec(compile(source, filename, "exec"), names)
    return names["f"]


def complex_step(f: Any, v: Any) -> float:
    return float(f(X + 1e-200j * v).imag / 1e-200)


@given(programs(), st.integers(0, 10))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_programs(source: str, seed: int) -> None:
    f = compiled(source)
    v = np.random.default_rng(seed).uniform(-1, 1, X.size)
    expected = f(X.copy())
    value, tangent = jvp(traceable(f), (X,), (v,))
    assert value == expected
    gradient = grad(traceable(f))(X)
    slope = complex_step(f, v)
    scale = np.abs(gradient) @ np.abs(v) + 1
    assert abs(tangent - slope) <= 1e-11 * scale
    assert abs(v @ gradient - slope) <= 1e-11 * scale
