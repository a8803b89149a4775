"""The call hook: what people write around NumPy, with the value of plain Python and the derivative of the formula."""

import ast
import contextlib
import functools
import inspect
import logging
import math
from collections.abc import Callable
from math import sin as sine
from typing import Any

import numpy as np
import pytest

from diffmagic import DiffmagicError, grad, jacobian, jvp, trace, traceable, value_and_grad
from diffmagic.core.hook import compile_hooked, hooked

X = 0.5


def helper(y):
    return math.exp(y) + later(y)


def later(y):
    return float(y) * 2


def countdown(x, n):
    return x if n == 0 else math.sin(countdown(x, n - 1))


def powers(x):
    for k in range(3):
        yield math.pow(x, k)


def decorated(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


@decorated
def wrapped(x, *, factor=2.0):
    return math.log(x) * factor


class Shape:
    sides = 2

    def area(self):
        return math.pow(self.width, self.sides)


@contextlib.contextmanager
def during(x):
    yield math.sin(x)


def within(x):
    with during(x) as value:
        return value * 2


class Named:
    def __init__(self, x):
        self.log = math.log(x)


class Inherits(Named):
    pass


class Square(Shape):
    def __init__(self, width):
        super().__init__()
        self.width = np.asarray(width)

    def area(self):
        return super().area() * 3

    @staticmethod
    def half(x):
        return math.sqrt(x) / 2

    @classmethod
    def twice(cls, x):
        return cls.half(x) * 2

    @property
    def root(self):
        return self.width * 2

    def __call__(self, x):
        return float(x) * self.width


CASES = {
    # constructors and lists
    "array": (lambda x: np.array([x, x * x, 1.0]).sum(), 1 + 2 * X),
    "array of arrays": (lambda x: np.array([[x, 1], [2, x * x]])[1].sum(), 2 * X),
    "array with dtype": (lambda x: np.array([x, 1], dtype=np.float64)[0], 1.0),
    "array of one": (lambda x: np.array(x) * 2, 2.0),
    "array with ndmin": (lambda x: np.array(x, ndmin=2)[0, 0] * 2, 2.0),
    "asarray": (lambda x: np.asarray([x, 2 * x])[1], 2.0),
    "full": (lambda x: np.full(3, x).sum() + np.full((2, 2), x).sum(), 7.0),
    "arange": (lambda x: np.arange(0.0, 2.6, x).sum(), 15.0),
    "sum of a list": (lambda x: np.sum([x, x, 1.0]), 2.0),
    "ufunc of a list": (lambda x: np.sin([x, 1.0]).sum(), math.cos(X)),
    "mean of a nested list": (lambda x: np.mean([[x, 1.0], [x, x]]), 0.75),
    "concatenate": (lambda x: np.concatenate([[x, x], [1.0]]).sum(), 2.0),
    "method of a plain array": (lambda x: np.ones(3).dot(np.array([x, x, x])), 3.0),
    "methods of a plain array": (
        lambda x: np.arange(3.0).clip(x, 3 * x).sum() + np.arange(2.0).compress(np.array([x, 1.0]) > 0)[1] * x,
        1.0 + 3.0 + 1.0,
    ),
    "vectorize": (
        lambda x: np.vectorize(lambda t: math.sin(t) if t > 0 else 0.0)(np.array([x, -x])).sum(),
        math.cos(X),
    ),
    # math
    "math": (lambda x: math.sin(x) * 2, 2 * math.cos(X)),
    "a name from math": (lambda x: sine(x), math.cos(X)),
    "atan2": (lambda x: math.atan2(x, 2.0), 2 / (X * X + 4)),
    "log with base": (lambda x: math.log(x, 3), 1 / (X * math.log(3))),
    "hypot": (lambda x: math.hypot(x, 1.0, 2.0), X / math.sqrt(X * X + 5)),
    "dist": (lambda x: math.dist([x, 0.0], [1.0, 2.0]), (X - 1) / math.sqrt((X - 1) ** 2 + 4)),
    "prod and fsum": (lambda x: math.prod([x, x, 3.0]) + math.fsum([x, 1.0]), 6 * X + 1),
    "erf": (
        lambda x: math.erf(x) + math.erfc(2 * x),
        (2 * math.exp(-X * X) - 4 * math.exp(-4 * X * X)) / math.sqrt(math.pi),
    ),
    "floor": (lambda x: math.floor(10 * x) * x + math.ceil(x), 5.0),
    "isnan": (lambda x: 0.0 if math.isnan(x) or not math.isfinite(x) else x * 2, 2.0),
    # builtins
    "float": (lambda x: float(x) * 2 + float(np.array([x])[0]), 3.0),
    "complex": (lambda x: abs(complex(x, 1.0)), X / math.sqrt(X * X + 1)),
    "np.float64": (lambda x: np.float64(x) * 2, 2.0),
    "isinstance": (lambda x: x * 2 if isinstance(x, float) and not isinstance(x, str) else x, 2.0),
    "isinstance of an array": (lambda x: 3 * x if isinstance(np.array([x]), np.ndarray) else x, 3.0),
    "min, max, abs, pow, round, sum": (
        lambda x: min(x, 1.0) + max(x, 2.0) + abs(-x) + pow(x, 2) + round(x, 1) + sum([x, x]),
        4 + 2 * X,
    ),
    "sorted with a key": (lambda x: sum(sorted([1.0, x], key=lambda t: math.sin(t))[:1]), 1.0),
    "map, zip, enumerate": (
        lambda x: sum(k * a * b for k, (a, b) in enumerate(zip(map(math.sin, [x, x]), [1.0, 2.0], strict=True))),
        2 * math.cos(X),
    ),
    "filter by truth": (lambda x: sum(filter(None, [x, 0.0, x])), 2.0),
    "filter": (lambda x: sum(filter(lambda t: math.sin(t) > 0, [x, -x, 2 * x])), 3.0),
    "reduce": (lambda x: functools.reduce(lambda a, b: a * math.exp(b), [x, x]), (1 + X) * math.exp(X)),
    # the user's own functions
    "functions": (lambda x: helper(x), math.exp(X) + 2),
    "keywords": (lambda x: wrapped(x, factor=3.0), 3 / X),
    "partial": (lambda x: functools.partial(wrapped, factor=4.0)(x), 4 / X),
    "closures": (lambda x: (lambda f: f())(lambda: math.cos(x)), -math.sin(X)),
    "generators": (lambda x: sum(powers(x)), 1 + 2 * X),
    "comprehensions": (lambda x: sum([math.sin(k * x) for k in range(3)]), math.cos(X) + 2 * math.cos(2 * X)),
    "classes": (lambda x: Square(x).area(), 6 * X),
    "a library's decorator": (within, 2 * math.cos(X)),
    "an inherited constructor": (lambda x: Inherits(x).log, 1 / X),
    "static and class methods": (lambda x: Square.half(x) + Square.twice(x), 0.75 / math.sqrt(X)),
    "properties and callable objects": (lambda x: Square(x).root + Square(2.0)(x), 4.0),
}


@pytest.mark.parametrize(("f", "slope"), CASES.values(), ids=CASES)
def test_as_written(f, slope):
    ours = traceable(f)
    assert type(ours(X)) is type(f(X))
    assert ours(X) == f(X)
    assert grad(ours)(X) == pytest.approx(slope, rel=1e-14)
    assert jvp(ours, (X,), (1.0,))[1] == pytest.approx(slope, rel=1e-14)
    assert trace(ours, X).outputs[0].value == f(X)


def test_recursion():
    slope, value = 1.0, X
    for _ in range(5):
        slope, value = slope * math.cos(value), math.sin(value)
    assert grad(traceable(lambda x: countdown(x, 5)))(X) == pytest.approx(slope, rel=1e-14)


def test_gradients_within():
    slope = grad(traceable(lambda x: grad(lambda y: math.sin(x * y))(2.0)))(X)
    assert slope == pytest.approx(math.cos(2 * X) - 2 * X * math.sin(2 * X), rel=1e-14)


def test_second_order():
    assert grad(grad(traceable(lambda x: math.sin(x) * float(x))))(X) == pytest.approx(
        2 * math.cos(X) - X * math.sin(X), rel=1e-14
    )


def test_arrays_of_traced_numbers_have_jacobians():
    polar = traceable(lambda p: np.array([p[0] * math.cos(p[1]), p[0] * math.sin(p[1])]))
    np.testing.assert_allclose(
        jacobian(polar)(np.array([2.0, X])),
        [[math.cos(X), -2 * math.sin(X)], [math.sin(X), 2 * math.cos(X)]],
        rtol=1e-15,
    )


def test_decisions_are_guards():
    program = trace(traceable(lambda x: math.floor(x) * x if math.isfinite(x) else x), 2.5)
    assert program.conditions() == ["math.isfinite(x)", "math.floor(x) is 2"]


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: math.sqrt(-x), ValueError),
        (lambda x: math.exp(2000 * x), OverflowError),
        (lambda x: np.array([x, [1.0, 2.0]]), ValueError),
        (lambda x: float(np.array([x, x])), TypeError),
        (lambda x: undefined(x), NameError),  # noqa: F821
        (lambda x: x(1), TypeError),
        (lambda x: math.gcd(x), TypeError),
        (lambda x: helper(x, x, x), TypeError),
    ],
)
def test_errors_are_the_users_own(f, error):
    with pytest.raises(error) as plain:
        f(X)
    with pytest.raises(error) as ours:
        grad(traceable(f))(X)
    if error is not TypeError:
        assert str(ours.value) == str(plain.value)


@pytest.mark.parametrize(
    ("f", "name"), [(lambda x: np.nditer(np.array([x])), "np.nditer"), (lambda x: np.matrix([[x]]), "np.matrix")]
)
def test_what_has_no_meaning_is_refused(f, name):
    with pytest.raises(DiffmagicError, match=name):
        grad(traceable(f))(X)


TEXTS = [
    lambda x: "%.2f" % x,  # noqa: UP031
    lambda x: "%d of %s" % (x * 3, x),  # noqa: UP031
    lambda x: f"{x:.3f}",
    lambda x: f"{x} and {x!r}",
    lambda x: "{:.1e}".format(x),  # noqa: UP032
    lambda x: str(x) + repr(x),
    lambda x: format(x, "+.1f"),
    lambda x: np.array_str(np.array([x, x])),
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_texts_are_those_of_plain_numbers(text):
    seen = []

    def f(x):
        seen.append(text(x))
        return x * x

    program = trace(traceable(f), X)
    assert seen == [text(X)]
    assert not program.guards


@pytest.mark.parametrize("read", [float, complex, np.float64])
def test_a_number_read_from_such_a_text_is_refused(read):
    with pytest.raises(DiffmagicError, match="from the text"):
        grad(traceable(lambda x: x * read(str(x)).real))(X)
    assert grad(traceable(lambda x: x * read("2.5").real))(X) == 2.5


def test_logging(caplog):
    def f(x):
        logging.getLogger("loss").warning("loss is %.2f", x)
        return x * x

    assert grad(traceable(f))(X) == 1.0
    assert caplog.messages == ["loss is 0.50"]


def test_functions_stay_what_they_are():
    """Rewritten code is run and thrown away: what a cell defines is ordinary."""
    names = {}
    source = "import math\ndef f(x):\n  return [math.sin(t) for t in (x,)]\nclass A:\n  def g(self):\n    return f(1)\n"
    exec(compile_hooked(ast.parse(source), "<ordinary>", "exec"), names)
    plain = {}
    exec(compile(source, "<ordinary>", "exec"), plain)
    assert names["f"].__code__ == plain["f"].__code__
    assert names["A"].g.__code__ == plain["A"].g.__code__


def test_the_source_lines_and_columns_are_the_users():
    program = trace(traceable(helper), X)
    assert program.equations[0].location.expression == "math.exp(y)"
    assert program.equations[0].location.line == helper.__code__.co_firstlineno + 1


def test_signature_and_name_are_kept():
    ours = traceable(wrapped)
    assert ours.__name__ == "wrapped"
    assert inspect.signature(ours) == inspect.signature(wrapped)
    assert grad(ours, "x")(X) == pytest.approx(2 / X)


@pytest.mark.parametrize(
    "f",
    [lambda x: np.zeros(2).fill(x), lambda x: np.zeros(2).put(0, x)],
    ids=["fill", "put"],
)
def test_methods_that_write_are_refused(f):
    with pytest.raises(DiffmagicError):
        grad(traceable(f))(X)


def test_a_function_without_source_is_called_as_it_is():
    names = {"math": math}
    exec("def lost(x):\n    return math.sin(x)\n", names)
    assert hooked(names["lost"]) is names["lost"]
    with pytest.raises(DiffmagicError, match="plain float"):
        grad(traceable(names["lost"]))(X)
    assert hooked(np.full) is np.full


def is_true(x: Any) -> Any:
    return x * 2 if (x > 0) is True else -(x**2)


def is_not_false(x: Any) -> Any:
    return x * 2 if False is not (x > 0) else -(x**2)


def matched(x: Any) -> Any:
    match x > 0:
        case True:
            return x * 2
        case _:
            return -(x**2)


@pytest.mark.parametrize("f", [is_true, is_not_false, matched])
def test_a_traced_truth_is_the_truth(f: Callable[[Any], Any]) -> None:
    assert value_and_grad(traceable(f))(3.0) == (6.0, 2.0)
    assert value_and_grad(traceable(f))(-3.0) == (-9.0, 6.0)
    assert [guard.value for guard in trace(traceable(f), 3.0).guards] == [True]
