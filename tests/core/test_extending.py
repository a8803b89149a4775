"""Rules of the user's own, values treated as constant, and recomputing instead of storing."""

import gc
import math
import tracemalloc
import warnings

import numpy as np
import pytest

from diffmagic import (
    DiffmagicError,
    DiffmagicNote,
    checkpoint,
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    primitive,
    stop_gradient,
    trace,
    vjp,
)


def gaussian(x):
    return 2 / math.sqrt(math.pi) * np.exp(-x * x)


def by_partials():
    return primitive(lambda x: np.vectorize(math.erf)(x)).define_partials(lambda y, x: gaussian(x))


def by_jvp():
    @primitive
    def erf(x):
        return np.vectorize(math.erf)(x)

    return erf.define_jvp(lambda primals, tangents: (None, gaussian(primals[0]) * tangents[0]))


def by_vjp():
    @primitive
    def erf(x):
        return np.vectorize(math.erf)(x)

    return erf.define_vjp(lambda g, y, x: (g * gaussian(x),))


@pytest.mark.parametrize("make", [by_partials, by_jvp, by_vjp])
class TestPrimitive:
    def test_both_modes(self, make):
        erf, x, t = make(), np.array([0.3, -1.2]), np.array([1.0, 2.0])
        np.testing.assert_allclose(vjp(erf, x)[1](t)[0], gaussian(x) * t, rtol=1e-15)
        np.testing.assert_allclose(jvp(erf, (x,), (t,))[1], gaussian(x) * t, rtol=1e-15)
        np.testing.assert_array_equal(erf(x), np.vectorize(math.erf)(x))

    def test_higher_orders(self, make):
        erf, x = make(), 0.4
        first, second, third = gaussian(x), -2 * x * gaussian(x), (4 * x * x - 2) * gaussian(x)
        assert grad(erf)(x) == pytest.approx(first, rel=1e-14)
        assert grad(grad(erf))(x) == pytest.approx(second, rel=1e-14)
        assert jvp(grad(erf), (x,), (1.0,))[1] == pytest.approx(second, rel=1e-14)
        assert grad(lambda x: jvp(erf, (x,), (1.0,))[1])(x) == pytest.approx(second, rel=1e-14)
        assert grad(grad(grad(erf)))(x) == pytest.approx(third, rel=1e-13)

    def test_inside_a_computation(self, make):
        erf = make()
        x = np.array([0.3, -1.2, 0.8])
        found = grad(lambda x: np.sum(erf(x * x) * np.sin(x)))(x)
        values = np.vectorize(math.erf)(x * x)
        np.testing.assert_allclose(found, gaussian(x * x) * 2 * x * np.sin(x) + values * np.cos(x), rtol=1e-14)

    def test_it_is_one_equation(self, make):
        assert len(trace(make(), 0.5)) == 1


class TestRules:
    def test_several_operands_and_options(self):
        calls = []

        @primitive
        def scaled(a, b, *, power):
            calls.append((type(a), type(b)))
            return a * b**power

        scaled.define_vjp(lambda g, y, a, b, power: (g * b**power, g * a * power * b ** (power - 1)))
        assert grad(lambda a, b: scaled(a, b, power=3), (0, 1))(2.0, 3.0) == (27.0, 54.0)
        assert jvp(lambda a, b: scaled(a, b, power=3), (2.0, 3.0), (1.0, 1.0))[1] == 81.0
        assert set(calls) == {(float, float)}

    def test_one_operand_that_does_not_count(self):
        @primitive
        def pick(x, k):
            return x * k

        pick.define_partials(lambda y, x, k: k, None)
        assert grad(lambda x: pick(x, 3.0))(2.0) == 3.0

    def test_a_matrix_function(self):
        @primitive
        def solve(a, b):
            return np.linalg.solve(a, b)

        solve.define_jvp(
            lambda primals, tangents: (None, np.linalg.solve(primals[0], tangents[1] - tangents[0] @ solve(*primals)))
        )
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(3, 3)), rng.normal(size=3)
        for ours, numpys in zip(
            grad(lambda a, b: np.sum(solve(a, b) ** 3), (0, 1))(a, b),
            grad(lambda a, b: np.sum(np.linalg.solve(a, b) ** 3), (0, 1))(a, b),
            strict=True,
        ):
            np.testing.assert_allclose(ours, numpys, rtol=1e-12)
        np.testing.assert_allclose(
            hessian(lambda b: np.sum(solve(a, b) ** 3))(b),
            hessian(lambda b: np.sum(np.linalg.solve(a, b) ** 3))(b),
            rtol=1e-12,
        )

    def test_without_a_rule_it_is_refused(self):
        @primitive
        def mystery(x):
            return x

        assert mystery(2.0) == 2.0
        for differentiate in (grad, derivative):
            with pytest.raises(DiffmagicError, match="mystery has no derivative yet"):
                differentiate(mystery)(2.0)

    def test_it_keeps_the_functions_name_and_docstring(self):
        @primitive
        def named(x):
            """What it does."""
            return x

        assert (named.__name__, named.__doc__) == ("named", "What it does.")


class TestStopGradient:
    def test_no_derivative_flows(self):
        assert grad(lambda x: x * stop_gradient(x))(3.0) == 3.0
        assert jvp(lambda x: x * stop_gradient(x), (3.0,), (1.0,))[1] == 3.0
        assert grad(lambda x: stop_gradient({"a": x, "b": [x * 2]})["b"][0] + x)(3.0) == 1.0

    def test_of_all_orders(self):
        assert hessian(lambda x: np.sum(stop_gradient(x) * x**2))(np.array([2.0])) == [[4.0]]

    def test_the_outer_derivative_stops_too(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DiffmagicNote)
            assert grad(lambda x: grad(lambda y: y * stop_gradient(x * y))(x))(3.0) == 0.0


class TestCheckpoint:
    def layer(self, p, x, scale, kind="tanh"):
        return {"out": np.tanh(p["w"] * x + p["b"]) * scale, "kind": None} if kind == "tanh" else x

    def test_same_derivatives(self):
        p, x = {"w": np.array([0.5, -0.3]), "b": 0.1}, np.array([1.0, 2.0])
        kept = lambda f: lambda p: np.sum(f(p, f(p, x, 2)["out"], scale=3.0, kind="tanh")["out"])
        ours, plain = kept(checkpoint(self.layer)), kept(self.layer)
        assert ours(p) == plain(p)
        found, expected = grad(ours)(p), grad(plain)(p)
        np.testing.assert_allclose(found["w"], expected["w"], rtol=1e-15)
        assert found["b"] == pytest.approx(expected["b"], rel=1e-15)
        t = {"w": np.array([1.0, 0.5]), "b": 2.0}
        assert jvp(ours, (p,), (t,))[1] == pytest.approx(jvp(plain, (p,), (t,))[1], rel=1e-15)
        for mine, usual in zip(hvp(ours)(p, t).values(), hvp(plain)(p, t).values(), strict=True):
            np.testing.assert_allclose(mine, usual, rtol=1e-14)

    def test_several_results(self):
        pair = checkpoint(lambda x: (np.sin(x), [x * 2, 3.0]))
        value = jacobian(lambda x: (lambda a, b: a * b[0] + b[1])(*pair(x)))(np.array([0.5, 1.0]))
        x = np.array([0.5, 1.0])
        np.testing.assert_allclose(value, np.diag(np.cos(x) * 2 * x + 2 * np.sin(x)), rtol=1e-15)

    def test_what_is_not_an_argument_is_refused(self):
        with pytest.raises(DiffmagicError, match="not among its arguments"):
            grad(lambda w: checkpoint(lambda x: x * w)(w))(2.0)

    def test_it_takes_less_memory(self):
        def block(x):
            for _ in range(50):
                x = np.sin(x) * 1.01
            return x

        def chain(step):
            def f(x):
                for _ in range(10):
                    x = step(x)
                return np.sum(x)

            return f

        def peak(f):
            gc.collect()
            tracemalloc.start()
            grad(f)(np.linspace(0, 1, 5_000))
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return found

        assert peak(chain(checkpoint(block))) < 0.25 * peak(chain(block))


@pytest.mark.parametrize("kind", [primitive, checkpoint])
def test_a_function_that_changes_its_argument_is_refused(kind):
    def doubled(x):
        x *= 2
        return x.sum()

    x = np.ones(3)
    with pytest.raises(DiffmagicError, match="doubled changes its argument in place"):
        grad(lambda x: kind(doubled)(x * 1))(x)
