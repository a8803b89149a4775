"""``%gradcheck`` and ``%%gradcheck`` in an IPython."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffmagic.notebook.render import html_of, text_of
from tests.notebook.pictures import svgs_in

Run = Callable[[str], Any]
Output = Callable[[str], str]

DATA = (
    "X = np.linspace(-1, 1, 12).reshape(4, 3)**2\ny = np.array([0.0, 1.0, 1.0, 0.0])\nw0 = np.array([0.1, -0.2, 0.3])"
)
LOSS = """\
def loss(w):
    p = 1 / (1 + np.exp(-X @ w))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

def my_grad(w):
    p = 1 / (1 + np.exp(-X @ w))
    return X.T @ (p - y){}
"""


def test_right(run: Run) -> None:
    run(DATA)
    found = run("%%gradcheck w=w0\n" + LOSS.format(" / len(y)"))
    assert found
    assert [row.verdict for row in found.rows] == ["right"] * 3
    assert "slope 2.0" in text_of(found)
    assert run("loss(w0)") > 0
    assert run("my_grad(w0)").shape == (3,)


def test_wrong(run: Run) -> None:
    run(DATA)
    found = run("%%gradcheck w=w0\n" + LOSS.format(""))
    assert found.verdict == "wrong"
    assert found.guesses == ["yours is 4 times the true gradient, and 4 is len(X): a sum where the function has a mean"]
    assert [row.relative_error for row in found.rows] == pytest.approx([0.75] * 3)
    text, page = text_of(found), html_of(found)
    assert "Yours is 4 times the true gradient" in text
    assert "∂loss/∂w[0]" in text
    assert "slope 1.0" in text
    (picture,) = svgs_in(page)
    assert all(f">{label}<" in picture for label in ("remainder", "slope 1", "slope 2"))
    assert max(map(len, text.splitlines())) <= 100


def test_the_worst_stands_first(run: Run) -> None:
    found = run("%%gradcheck w=np.ones(3)\ndef f(w):\n    return w @ w\ndef g(w):\n    return 2 * w + [0, 1, 0.5]")
    assert [row.label for row in found.rows] == ["∂f/∂w[1]", "∂f/∂w[2]", "∂f/∂w[0]"]


def test_no_picture_of_nothing(run: Run) -> None:
    found = run("%%gradcheck x=0.0\ndef f(x):\n    return np.abs(x)\ndef g(x):\n    return 1.0")
    assert not svgs_in(html_of(found))


def test_by_name(run: Run) -> None:
    run(DATA + "\n" + LOSS.format(" / len(y)"))
    assert run("%gradcheck loss my_grad w=w0")
    assert run("%gradcheck loss w=w0 --gradient my_grad")


def test_the_gradient_is_named(run: Run) -> None:
    run(DATA)
    cell = LOSS.format(" / len(y)") + "\ndef helper(w):\n    return w"
    assert run("%%gradcheck w=w0 --gradient my_grad\n" + cell)


def test_several_inputs(run: Run) -> None:
    run("x0, t0 = np.array([1.0, 2.0]), np.array([0.5, 1.0])")
    cell = (
        "def loss(a, b, x, t):\n    return np.sum((a * x + b - t) ** 2)\n"
        "def gradient(a, b, x, t):\n    r = a * x + b - t\n    return {}"
    )
    right, swapped = "2 * np.sum(r * x), 2 * np.sum(r)", "2 * np.sum(r), 2 * np.sum(r * x)"
    assert run("%%gradcheck a=0.3, b=0.2, x=x0, t=t0 --wrt a,b\n" + cell.format(right))
    found = run("%%gradcheck a=0.3, b=0.2, x=x0, t=t0 --wrt a,b\n" + cell.format(swapped))
    assert not found
    assert any("b" in guess and "a" in guess for guess in found.guesses)


def test_arguments_by_position(run: Run) -> None:
    run("a = 3.0")
    assert run("%%gradcheck w=np.ones(2)\ndef f(w):\n    return w @ w\ndef g(v):\n    return 2 * v")
    assert run("%%gradcheck b=1.0\ndef f(a, b):\n    return a * b**2\ndef g(s, t):\n    return 2 * s * t")
    assert run("%%gradcheck b=1.0\ndef f(a, b):\n    return a * b**2\ndef g(b, a):\n    return 2 * a * b")


def test_many_components(run: Run) -> None:
    found = run(
        "%%gradcheck w=np.linspace(0, 1, 40)\ndef f(w):\n    return np.sum(w**3)\ndef g(w):\n    return 3 * w**2"
    )
    assert found
    assert "… 28 more" in text_of(found)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%%gradcheck w=1.0\nx = 1\nx * w", "the cell does not end in a def"),
        ("%%gradcheck w=1.0\ndef f(w):\n    return w", "the cell defines f and no other function"),
        (
            "%%gradcheck w=1.0 --gradient gg\ndef f(w):\n    return w\ndef g(w):\n    return 1.0",
            "no function gg\n  Instead: g",
        ),
        ("%%gradcheck w=1.0\ndef f(w):\n    return w\ndef g(w):\n    pass", "g returns None"),
        ("%%gradcheck w=np.ones(2)\ndef f(w):\n    return w @ w\ndef g(w):\n    return np.ones(3)", "3"),
        (
            "%%gradcheck w=1.0\ndef f(w):\n    return w\ndef g(w, k):\n    return k",
            "g takes w, k, and the function takes w",
        ),
        ("%gradcheck np.sin x=1.0", "the line names a function and its gradient"),
        ("%gradcheck np.pi np.cos x=1.0", "np.pi is not a function"),
    ],
)
def test_what_is_refused(output: Output, source: str, message: str) -> None:
    assert message in output(source)


def test_the_users_own_errors_stay(output: Output) -> None:
    said = output("%%gradcheck w=1.0\ndef f(w):\n    return w\ndef g(w):\n    return undefined_name")
    assert "NameError" in said
    assert "gradient_check" not in said


def test_a_function_that_changes_its_input_is_checked_where_it_was_asked(run: Run) -> None:
    found = run("%%gradcheck w=np.ones(2)\ndef f(w):\n    w *= 2\n    return w @ w\ndef g(w):\n    return 8 * w")
    assert found
    assert [row.mine for row in found.rows] == [8.0, 8.0]


def test_inputs_are_not_changed(run: Run) -> None:
    run("w0 = np.ones(3)")
    found = run("%%gradcheck w=w0\ndef f(w):\n    return w @ w\ndef g(w):\n    w *= 2\n    return w")
    assert found
    np.testing.assert_array_equal(run("w0"), np.ones(3))
