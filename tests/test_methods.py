"""`differentiate` and its registry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffmagic
from diffmagic import Derivative, DiffmagicError, differentiate
from diffmagic.methods import GROUP, METHODS, Method, find, names, run
from diffmagic.numerical.chebyshev import HIGHEST


@pytest.mark.parametrize("method", METHODS)
def test_gradient(method: str) -> None:
    found = differentiate(lambda w, x: np.sum((w * x) ** 2), np.array([1.0, 2.0]), 3.0, argnums=(0, 1), method=method)
    assert isinstance(found, Derivative)
    assert found.value == 45.0
    np.testing.assert_allclose(found.derivative[0], [18.0, 36.0], rtol=1e-5)
    np.testing.assert_allclose(found.derivative[1], 30.0, rtol=1e-5)
    assert (found.method, found.order) == (method, 1)
    assert [entry.wrt for entry in found.entries] == [("w",), ("x",)]
    numerical = METHODS[method].family == "numerical"
    assert (found.program is None, found.step is not None) == (numerical, numerical)
    assert (found.error is None) == (METHODS[method].family == "automatic")
    assert found.evaluations >= 1


@pytest.mark.parametrize("method", METHODS)
def test_jacobian_and_structure(method: str) -> None:
    def f(p: Any) -> Any:
        return p["a"] * p["b"]

    found = differentiate(f, {"a": np.array([1.0, 2.0]), "b": 3.0}, method=method)
    np.testing.assert_allclose(found.derivative["a"], [[3.0, 0.0], [0.0, 3.0]], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.derivative["b"], [1.0, 2.0], rtol=1e-6)
    assert [entry.wrt for entry in found.entries] == [("p['a']",), ("p['b']",)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("order", [2, 3, 4])
def test_higher_orders(method: str, order: int) -> None:
    if (METHODS[method].orders or order) < order:
        with pytest.raises(DiffmagicError, match=f"{method} goes up to order"):
            differentiate(np.exp, 1.0, method=method, order=order)
        return
    found = differentiate(np.exp, 1.0, method=method, order=order)
    assert found.derivative == pytest.approx(np.e, rel=1e-13 if METHODS[method].family != "numerical" else 0.05)
    assert found.order == order


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.orders != 1])
def test_hessian(method: str) -> None:
    found = differentiate(lambda v: v[0] ** 2 * v[1], np.array([1.0, 2.0]), method=method, order=2)
    np.testing.assert_allclose(found.derivative, [[4.0, 2.0], [2.0, 0.0]], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.family == "numerical"])
def test_every_step_that_was_tried_is_told(name: str) -> None:
    found = differentiate(np.exp, 1.0, method=name)
    assert found.trials
    assert found.why
    for trial in found.trials:
        assert trial.step > 0
        assert trial.wrt in ("x", "x1")
        assert np.isnan(trial.error) or trial.error >= max(trial.truncation, trial.roundoff)


def test_adaptive_goes_as_far_as_its_expansion() -> None:
    assert METHODS["adaptive"].orders == HIGHEST


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
        ({"method": "ridder"}, "there is no method 'ridder'\n  Instead: 'ridders'"),
        ({"method": "complex-step", "order": 3}, "complex-step goes up to order"),
        ({"method": "central-difference", "stp": 1e-6}, "central-difference has no option 'stp'\n  Instead: step="),
        ({"order": 0}, "order 0 is not a positive whole number"),
        ({"order": 1.5}, "order 1.5"),
        ({"method": "adaptive", "order": 3, "argnums": (0, 1)}, "adaptive goes up to order 2 for several numbers"),
        ({"step": 1e-6}, "reverse has no option 'step'"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DiffmagicError) as caught:
        differentiate(lambda x, y=0.0: np.sin(x), 1.0, 2.0, **options)
    assert message in str(caught.value)


def test_printed_form_is_the_same_on_every_run() -> None:
    def f(x: Any) -> Any:
        return x * x

    assert repr(differentiate(f, 3.0)) == repr(differentiate(f, 3.0))
    assert "elapsed" not in repr(differentiate(f, 3.0))
    assert differentiate(f, 3.0).elapsed > 0


def test_public_names() -> None:
    assert all(hasattr(diffmagic, name) for name in diffmagic.__all__)


class Offered:
    """An entry point as another package would have it."""

    value = "another.package:method"

    def __init__(self, name: str, content: Any) -> None:
        self.name, self.content = name, content

    def load(self) -> Any:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


def halves(f: Any, args: Any, argnums: Any, *, order: int, inputs: Any, results: Any) -> Derivative:
    return Derivative(f(*args), 0.5, "halves")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            ImportError("no module named quux"),
            "the method halves of another.package:method cannot be loaded: ImportError",
        ),
        (3, "another.package:method is not a diffmagic.methods.Method"),
        (Method("halves", "system", halves, orders=1), ""),
    ],
)
def test_other_packages_offer_methods(monkeypatch: pytest.MonkeyPatch, content: Any, message: str) -> None:
    asked: list[str] = []

    def entry_points(group: str) -> list[Offered]:
        asked.append(group)
        return [Offered("halves", content)]

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    monkeypatch.setattr("diffmagic.methods.METHODS", dict(METHODS))
    from diffmagic.methods import _offered

    _offered.cache_clear()
    try:
        assert names()[-1] == "halves"
        if message:
            with pytest.raises(DiffmagicError, match=message):
                differentiate(np.sin, 1.0, method="halves")
        else:
            assert differentiate(np.sin, 1.0, method="halves").derivative == 0.5
            assert run(find("halves"), np.sin, (1.0,)).method == "halves"
    finally:
        _offered.cache_clear()
    assert asked == [GROUP]
