"""Value and gradient of real code, in both modes and in a cell, against fifty digits."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from diffmagic import jacobian, jvp, traceable, value_and_grad

from . import (  # noqa: F401 — each adds its cases
    CASES,
    Case,
    algebra,
    basics,
    finance,
    geometry,
    learning,
    numbers_of,
    physics,
    signals,
    statistics,
)

each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
exact = functools.cache(lambda name: CASES[name].exact())


def agree(found: Any, expected: Any) -> None:
    """Every number has twelve digits."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for name, number in expected.items():
            agree(found[name], number)
    else:
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


@each
def test_plain_value(case: Case) -> None:
    agree(case.function(**case.point), exact(case.name)[0])


@each
def test_reverse(case: Case) -> None:
    derive = value_and_grad(traceable(case.function), tuple(case.point))
    value, gradient = derive(*case.point.values())
    assert value == case.function(**case.point)
    agree(dict(zip(case.point, gradient, strict=True)), exact(case.name)[1])


@each
def test_forward(case: Case) -> None:
    f, primals = traceable(case.function), list(case.point.values())
    gradient = exact(case.name)[1]
    found = jacobian(f, tuple(case.point), mode="forward")(*primals)
    agree(dict(zip(case.point, found, strict=True)), gradient)
    value, steepest = jvp(f, primals, list(gradient.values()))
    assert value == case.function(**case.point)
    agree(steepest, np.sum(np.square(numbers_of(gradient))))


@each
def test_cell(case: Case, shell: InteractiveShell) -> None:
    source = inspect.getsource(case.function)
    inputs = ", ".join(f"{name}=point['{name}']" for name in case.point)
    notebook = vars(sys.modules[case.function.__module__])
    shell.reset()
    shell.push({name: value for name, value in notebook.items() if not name.startswith("_")} | {"point": case.point})
    cell = shell.run_cell(f"%%grad {inputs}\n{source[source.index('def ') :]}")
    cell.raise_error()
    agree(cell.result.derivative, exact(case.name)[1])


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> InteractiveShell:
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config, ipython_dir=str(tmp_path_factory.mktemp("ipython")))
    shell.run_line_magic("load_ext", "diffmagic")
    return shell
