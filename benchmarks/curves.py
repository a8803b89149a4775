"""The first derivative of a function of one number along a whole grid, by diffmagic, HIPS/autograd and JAX.

    python benchmarks/curves.py [--quick]

The function is one source, with 30 operations, run with plain NumPy on the grid, by `diffmagic.grid.Grid`, which gives
its values, too, by autograd's `elementwise_grad`, and by JAX's `vmap(grad)`, compiled, in double precision. Before
anything is timed all must agree. Samples are taken in turn, with the garbage collector off, and the medians are
compared with that of the function.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy
import jax
import jax.numpy
import numpy
from threadpoolctl import threadpool_limits

import diffmagic
from diffmagic.grid import Grid

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.timing import measure, microseconds, thirty

AGREEMENT = 1e-11


def of_one(np: Any) -> Callable[[Any], Any]:
    return lambda x: thirty(np)(x, x)


def systems() -> dict[str, Callable[[Any], Any]]:
    """Each gives the derivative at all points of an array."""
    plain = of_one(numpy)
    known = Grid(plain, (1,))
    return {
        "diffmagic, traced before": lambda x: known(x)[1],
        "diffmagic": lambda x: Grid(plain, (1,))(x)[1],
        "autograd elementwise_grad": autograd.elementwise_grad(of_one(autograd.numpy)),
        "JAX vmap(grad), compiled before": jax.jit(jax.vmap(jax.grad(of_one(jax.numpy)))),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="A derivative along a grid, by diffmagic, HIPS/autograd and JAX.")
    parser.add_argument("--quick", action="store_true", help="a few short samples: a look, not a measurement")
    options = parser.parse_args()
    rounds, seconds = (5, 0.02) if options.quick else (31, 0.05)
    jax.config.update("jax_enable_x64", True)

    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "autograd", "jax"))
    print(f"Python {platform.python_version()}, {packages}, diffmagic {diffmagic.__version__}")
    print(f"Medians of {rounds} samples of about {seconds * 1000:.0f} ms.\n")
    row = "{:>9}  {:<34}{:>12}{:>18}"
    print(row.format("points", "", "µs", "× the function"), flush=True)
    for points in (1_000, 100_000):
        x = numpy.linspace(-2.0, 2.0, points)
        calls = systems()
        reference = calls["autograd elementwise_grad"](x)
        for name, call in calls.items():
            gap = numpy.max(numpy.abs(numpy.asarray(call(x)) - reference)) / numpy.max(numpy.abs(reference))
            if not gap <= AGREEMENT:
                print(f"{name} differs by {gap:.1e} of the largest derivative")
                return 1
        finished = [lambda x, call=call: jax.block_until_ready(call(x)) for call in calls.values()]
        with threadpool_limits(1):
            function, *times = measure([of_one(numpy), *finished], (x,), rounds, seconds)
        print(row.format(f"{points:,}", "the function itself", microseconds(function), ""))
        for name, time in zip(calls, times, strict=True):
            print(row.format("", name, microseconds(time), f"{time / function:.2f}"), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
