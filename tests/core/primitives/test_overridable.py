"""Every function of NumPy that can be overridden is differentiable, constant, or refused with a way out.

What each is stands in `docs/numpy-functions.md`, and must be what is measured now.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy._core import overrides

from diffmagic import DiffmagicError
from diffmagic.core.primitives import HANDLERS, Primitive
from diffmagic.core.tracing import apply, concrete
from tests.core.primitives.overridable import functions, measure, stored

PAGE = Path(__file__).parents[3] / "docs" / "numpy-functions.md"
STORED = stored(PAGE.read_text(encoding="utf-8"))
FUNCTIONS = functions()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_outcome_is_the_one_in_the_table(name):
    outcome = measure(name, FUNCTIONS[name])
    assert outcome.kind in ("differentiable", "constant", "refused")
    assert outcome == STORED.get(name, outcome)  # the table is of one NumPy; others have a few functions more or less


def test_table_is_of_these_functions():
    assert len(FUNCTIONS.keys() & STORED.keys()) > 350


@overrides.array_function_dispatch(lambda a: (a,))
def _of_a_later_numpy(a: Any) -> Any:
    return a * a


def test_a_function_that_is_not_known_is_refused():
    assert measure("np.later", _of_a_later_numpy).kind == "refused"


def _refused_without_a_way_out(m: Any) -> Any:
    raise DiffmagicError("no")


def _array_of_objects(m: Any) -> Any:
    objects = np.empty(6, object)
    for k in range(6):
        objects[k] = m[5 - k]
    return objects


_without_rule = Primitive("np.flip", np.flip)
_wrong_rule = Primitive("np.flip", np.flip, push=lambda i, t, y, m: t, pull=lambda i, g, y, m: g)
_wrong_transpose = Primitive("np.flip", np.flip, push=lambda i, t, y, m: np.flip(t), pull=lambda i, g, y, m: g)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m: 2 * np.roll(m, 1),
        lambda m: np.flip(concrete(m)),
        _array_of_objects,
        lambda m: apply(_without_rule, (m,)),
        lambda m: apply(_wrong_rule, (m,)),
        lambda m: apply(_wrong_transpose, (m,)),
        _refused_without_a_way_out,
    ],
    ids=["value", "plain", "objects", "without a rule", "tangent", "transpose", "way out"],
)
def test_there_is_no_fourth_outcome(monkeypatch, wrong):
    assert measure("np.flip", np.flip).kind == "differentiable"
    monkeypatch.setitem(HANDLERS, np.flip, wrong)
    with pytest.raises(AssertionError):
        measure("np.flip", np.flip)
