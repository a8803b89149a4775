"""`differentiate` and its registry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffmagic
from diffmagic import Derivative, DiffmagicError, differentiate
from diffmagic.methods import METHODS


@pytest.mark.parametrize("method", METHODS)
def test_gradient(method: str) -> None:
    found = differentiate(lambda w, x: np.sum((w * x) ** 2), np.array([1.0, 2.0]), 3.0, argnums=(0, 1), method=method)
    assert isinstance(found, Derivative)
    assert found.value == 45.0
    np.testing.assert_allclose(found.derivative[0], [18.0, 36.0])
    np.testing.assert_allclose(found.derivative[1], 30.0)
    assert (found.method, found.order, found.error) == (method, 1, None)
    assert found.program is not None


@pytest.mark.parametrize("method", METHODS)
def test_jacobian_and_structure(method: str) -> None:
    def f(p: Any) -> Any:
        return p["a"] * p["b"]

    found = differentiate(f, {"a": np.array([1.0, 2.0]), "b": 3.0}, method=method)
    np.testing.assert_allclose(found.derivative["a"], [[3.0, 0.0], [0.0, 3.0]])
    np.testing.assert_allclose(found.derivative["b"], [1.0, 2.0])
    assert [entry.wrt for entry in found.entries] == [("p['a']",), ("p['b']",)]


@pytest.mark.parametrize("method", METHODS)
def test_higher_orders(method: str) -> None:
    assert differentiate(lambda x: x**4, 2.0, method=method, order=3).derivative == 48.0
    found = differentiate(lambda v: v[0] ** 2 * v[1], np.array([1.0, 2.0]), method=method, order=2)
    np.testing.assert_allclose(found.derivative, [[4.0, 2.0], [2.0, 0.0]])


def test_notes() -> None:
    found = differentiate(lambda x, y: np.floor(x), 2, 3.0, argnums=(0, 1))
    assert found.derivative == (0.0, 0.0)
    assert len(found.notes) == 3
    assert "integer" in found.notes[0]
    assert "only through np.floor" in found.notes[1]
    assert "does not depend on y" in found.notes[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "revers"}, "there is no method 'revers'\n  Instead: 'reverse'"),
        ({"method": "zzz"}, "'forward' or 'reverse'"),
        ({"order": 0}, "order 0 is not a positive whole number"),
        ({"order": 1.5}, "order 1.5"),
        ({"step": 1e-6}, "reverse has no option 'step'"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DiffmagicError) as caught:
        differentiate(np.sin, 1.0, **options)
    assert message in str(caught.value)


def test_printed_form_is_the_same_on_every_run() -> None:
    def f(x: Any) -> Any:
        return x * x

    assert repr(differentiate(f, 3.0)) == repr(differentiate(f, 3.0))
    assert "elapsed" not in repr(differentiate(f, 3.0))
    assert differentiate(f, 3.0).elapsed > 0


def test_public_names() -> None:
    assert all(hasattr(diffmagic, name) for name in diffmagic.__all__)
