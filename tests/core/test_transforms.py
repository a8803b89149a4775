"""The functional interface."""

import dataclasses
import gc
import math
import tracemalloc
import warnings
from collections import Counter, OrderedDict, defaultdict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diffmagic
from diffmagic import (
    DiffmagicError,
    DiffmagicNote,
    derivative,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    linearize,
    trace,
    value_and_grad,
    vjp,
)

Pair = namedtuple("Pair", "a b")


@dataclasses.dataclass
class Model:
    w: np.ndarray
    b: float


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


class TestArguments:
    @pytest.mark.parametrize(
        ("argnums", "expected"),
        [(0, 12.0), (1, 4.0), (-1, 4.0), ("x", 4.0), ((0, 1), (12.0, 4.0)), (("x", "w"), (4.0, 12.0)), ([1], (4.0,))],
    )
    def test_argnums(self, argnums, expected):
        assert grad(lambda w, x: w * w * x, argnums)(2.0, 3.0) == pytest.approx(expected)
        if argnums != -1:  # the last positional argument is w here
            assert grad(lambda w, x: w * w * x, argnums)(2.0, x=3.0) == expected

    def test_an_argument_that_is_not_there(self):
        with pytest.raises(DiffmagicError, match="argnums asks for 'y'"):
            grad(lambda w, x: w, "y")(1.0, 2.0)
        with pytest.raises(DiffmagicError, match="argnums asks for 5"):
            grad(lambda w, x: w, 5)(1.0, 2.0)

    def test_structures(self):
        f = lambda p: p["a"] ** 2 * np.sum(p["rest"][0]) * p["rest"][1][0]
        result = grad(f)({"a": 3.0, "rest": [np.ones(2), (2.0,)]})
        assert result["a"] == 24.0
        np.testing.assert_array_equal(result["rest"][0], [18.0, 18.0])
        assert result["rest"][1] == (18.0,)
        assert grad(lambda p: p.a * p.b)(Pair(2.0, 3.0)) == Pair(3.0, 2.0)
        model = grad(lambda m: np.sum(m.w) * m.b)(Model(np.ones(2), 3.0))
        np.testing.assert_array_equal(model.w, [3.0, 3.0])
        assert model.b == 2.0
        assert grad(lambda p: p["a"] * 2 if p["skip"] is None else 0)({"a": 1.0, "skip": None}) == {
            "a": 2.0,
            "skip": None,
        }

    def test_positions_of_numpy_and_in_any_sequence(self):
        f = lambda w, x: w * w * x
        assert grad(f, np.int64(1))(2.0, 3.0) == 4.0
        assert grad(f, np.array([1, 0]))(2.0, 3.0) == grad(f, range(1, -1, -1))(2.0, 3.0) == (4.0, 12.0)

    @pytest.mark.parametrize("argnums", [None, 1.0, (None,), (0, 1.0), True])
    def test_what_is_not_a_position(self, argnums):
        with pytest.raises(DiffmagicError, match="argnums"):
            grad(lambda w, x: w * x, argnums)(2.0, 3.0)

    @pytest.mark.parametrize("argnums", [(0, 0), (0, -2), ("w", 0), (1, "x")])
    @pytest.mark.parametrize("x", [3.0, np.ones(2), {"a": 1.0}])
    def test_one_argument_chosen_twice(self, argnums, x):
        with pytest.raises(DiffmagicError, match="twice"):
            grad(lambda w, x: w, argnums)(x, x)

    def test_a_name_is_a_parameter_and_not_a_place_among_further_arguments(self):
        def f(w, *more, x=1.0):
            return w * sum(more) * x

        with pytest.raises(DiffmagicError, match="'x'"):
            grad(f, "x")(2.0, 3.0, 4.0)
        with pytest.raises(DiffmagicError, match="'more'"):
            grad(f, "more")(2.0, 3.0, 4.0)
        assert grad(f, "x")(2.0, 3.0, 4.0, x=5.0) == 14.0

    def test_a_derivative_has_the_parameters_of_its_function(self):
        f = lambda w, x: w * x**3
        assert grad(grad(f, "x"), "x")(2.0, 3.0) == hessian(f, "x")(2.0, 3.0) == hvp(f, "x")(2.0, 3.0, 1.0) == 36.0
        assert hessian(f, 1)(2.0, x=3.0) == 36.0
        with pytest.raises(DiffmagicError, match="argnums among 'w', 'x'"):
            hessian(f, "y")(2.0, 3.0)

    def test_mappings_stay_what_they_are(self):
        def last(p):
            p.move_to_end("a")
            return list(p.values())[-1] ** 2

        result = grad(last)(OrderedDict(a=3.0, b=4.0))
        assert isinstance(result, OrderedDict)
        assert list(result.items()) == [("a", 6.0), ("b", 0.0)]
        assert grad(lambda p: p["a"] * p["missing"])(defaultdict(lambda: 7.0, a=2.0))["a"] == 7.0
        assert grad(lambda p: p["a"] ** 2)(Counter(a=3.0)) == {"a": 6.0}
        assert grad(lambda p: p["a"] ** 2)(MappingProxyType({"a": 3.0})) == {"a": 6.0}

    def test_a_zero_dimensional_array_gives_one(self):
        for f in (lambda x: x[...] * x, lambda x: x + x[None].sum() * x, lambda x: x**2):
            assert type(grad(f)(np.array(3.0))) is np.ndarray

    def test_integers_are_taken_as_floats_with_a_note(self):
        with pytest.warns(DiffmagicNote, match="integer"):
            assert grad(lambda x: x**2)(3) == 6.0
        with pytest.warns(DiffmagicNote, match="integers"):
            np.testing.assert_array_equal(grad(lambda x: np.sum(x**2))(np.arange(3)), [0.0, 2.0, 4.0])

    def test_dtypes_are_kept(self):
        assert grad(lambda x: np.sum(x * np.ones(3)))(np.ones(3, np.float32)).dtype == np.float32
        assert type(grad(lambda x: np.exp(x))(0.5)) is float

    @pytest.mark.parametrize(
        "bad", ["text", object(), np.array(["a"]), np.array([None]), {"a": "b"}, np.ma.ones(2), [1.0, "x"]]
    )
    def test_what_is_not_a_number(self, bad):
        with pytest.raises(DiffmagicError):
            grad(lambda x: x)(bad)

    def test_complex_arguments_follow_the_convention(self):
        assert grad(lambda z: np.abs(z) ** 2)(1 + 2j) == pytest.approx(2 - 4j)
        assert grad(lambda z: np.real(z**2))(1 + 2j) == pytest.approx(2 + 4j)


class TestResults:
    def test_an_array_names_jacobian(self):
        with pytest.raises(DiffmagicError) as caught:
            grad(lambda x: x * 2)(np.ones(2))
        assert "shape (2,)" in str(caught.value)
        assert "jacobian" in str(caught.value)

    @pytest.mark.parametrize(
        ("f", "words"),
        [
            (lambda x: None, "returned None"),
            (lambda x: "text", "a string"),
            (lambda x: object(), "an object"),
            (lambda x: (x, x), "a tuple"),
            (lambda x: x * 1j, "complex"),
        ],
    )
    def test_what_is_not_one_real_number(self, f, words):
        with pytest.raises(DiffmagicError, match=words):
            grad(f)(1.0)

    def test_no_influence_gives_zeros_and_a_note(self):
        with pytest.warns(DiffmagicNote, match="does not depend"):
            assert grad(lambda x: 3.0)(1.0) == 0.0
        with pytest.warns(DiffmagicNote, match="does not depend"):
            np.testing.assert_array_equal(jacobian(lambda x: np.ones(2))(np.ones(3)), np.zeros((2, 3)))

    def test_one_of_two_without_influence(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            a, b = grad(lambda a, b: a * 2, (0, 1))(1.0, np.ones(2))
        assert a == 2.0
        np.testing.assert_array_equal(b, np.zeros(2))

    def test_aux(self):
        (value, aux), gradient = value_and_grad(lambda x: (x**2, {"twice": 2 * x, "n": "text"}), has_aux=True)(3.0)
        assert (value, gradient, aux["n"]) == (9.0, 6.0, "text")
        assert value_and_grad(lambda x: (x**2, [2 * x]), has_aux=True)(3.0) == ((9.0, [6.0]), 6.0)
        with pytest.raises(DiffmagicError, match="pair"):
            value_and_grad(lambda x: x, has_aux=True)(3.0)

    def test_aux_is_plain_beside_what_is_no_number(self):
        (_, aux), _ = value_and_grad(lambda x: (x**2, ["text", {"twice": 2 * x}]), has_aux=True)(3.0)
        assert type(aux[1]["twice"]) is float

    def test_aux_keeps_the_tracers_of_an_outer_trace(self):
        def aux(x):
            return value_and_grad(lambda y: (y * x, {"both": x * y, "outer": x * x}), has_aux=True)(2.0)[0][1]

        assert grad(lambda x: aux(x)["both"])(3.0) == 2.0
        assert grad(lambda x: aux(x)["outer"])(3.0) == 6.0

    def test_names_of_the_functions_made(self):
        assert grad(rosenbrock).__name__ == "grad_rosenbrock"


class TestDirections:
    def test_jvp_and_vjp_agree(self):
        x, t, u = np.array([1.0, 2.0, 3.0]), np.array([0.1, -0.2, 0.3]), np.array([[1.0, 2, 3], [0, 1, 0], [2, 0, 1]])
        value, tangent = jvp(np.outer, (x, x), (t, 2 * t))
        _, pullback = vjp(np.outer, x, x)
        np.testing.assert_array_equal(value, np.outer(x, x))
        a, b = pullback(u)
        assert np.sum(u * tangent) == pytest.approx(a @ t + b @ (2 * t), rel=1e-14)

    def test_linearize_does_not_call_again(self):
        calls = []
        value, pushforward = linearize(lambda x: calls.append(1) or x**2, 3.0)
        assert (value, pushforward(1.0), pushforward(2.0), len(calls)) == (9.0, 6.0, 12.0, 1)

    def test_structures_of_results(self):
        value, tangent = jvp(lambda x: {"a": x * 2, "b": (x**2, 7.0)}, (3.0,), (1.0,))
        assert value == {"a": 6.0, "b": (9.0, 7.0)}
        assert tangent == {"a": 2.0, "b": (6.0, 0.0)}
        _, pullback = vjp(lambda x: {"a": x * 2, "b": (x**2, 7.0)}, 3.0)
        assert pullback({"a": 1.0, "b": (10.0, 0.0)}) == (62.0,)

    def test_what_does_not_fit(self):
        with pytest.raises(DiffmagicError, match="2 tangents for 1 argument"):
            jvp(np.sin, (1.0,), (1.0, 2.0))
        with pytest.raises(DiffmagicError, match=r"shape \(3,\)"):
            jvp(np.sin, (np.ones(2),), (np.ones(3),))
        with pytest.raises(DiffmagicError, match=r"shape \(\)"):
            vjp(np.sin, np.ones(2))[1](1.0)
        with pytest.raises(DiffmagicError, match="primals are a float"):
            jvp(np.sin, 1.0, 1.0)
        with pytest.raises(DiffmagicError, match="tangents are a ndarray"):
            jvp(np.sin, (1.0,), np.ones(1))

    def test_structures_are_matched_by_name_and_not_by_order(self):
        f = lambda p: 3 * p["a"] + 5 * p["b"]
        assert jvp(f, ({"a": 1.0, "b": 2.0},), ({"b": 1.0, "a": 10.0},))[1] == 35.0
        _, pullback = vjp(lambda x: {"a": 3 * x, "b": 5 * x}, 1.0)
        assert pullback({"b": 1.0, "a": 10.0}) == (35.0,)
        assert hvp(lambda p: p["a"] ** 2 * p["b"])({"a": 1.0, "b": 2.0}, {"b": 0.0, "a": 1.0}) == {"a": 4.0, "b": 2.0}
        for other in ({"a": 1.0, "c": 1.0}, {"a": 1.0}, (1.0, 1.0)):
            with pytest.raises(DiffmagicError, match="structure"):
                pullback(other)

    @pytest.mark.parametrize("kind", [np.float32, int, bool])
    def test_directions_of_other_dtypes_lose_nothing(self, kind):
        x, ones = np.array([1.0, 2.0]), np.ones(2, kind)
        f = lambda x: x * np.pi
        np.testing.assert_array_equal(jvp(f, (x,), (ones,))[1], [np.pi, np.pi])
        np.testing.assert_array_equal(vjp(f, x)[1](ones)[0], [np.pi, np.pi])

    def test_a_complex_direction_of_a_real_value_is_refused(self):
        with pytest.raises(DiffmagicError, match="complex"):
            jvp(np.sin, (1.0,), (1j,))
        with pytest.raises(DiffmagicError, match="complex"):
            vjp(np.sin, np.ones(2))[1](1j * np.ones(2))


class TestOrders:
    def test_derivative(self):
        x = np.linspace(0.1, 2, 5)
        for order, expected in enumerate([np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]):
            np.testing.assert_allclose(derivative(np.sin, order)(x), expected(x), rtol=1e-14, atol=1e-14)
        assert derivative(lambda x, n: x**n, 3)(2.0, 5) == 240.0
        np.testing.assert_array_equal(elementwise_grad(lambda x: x**2)(x), 2 * x)

    def test_python_numbers_divide_by_zero_as_numpys_do_at_every_order(self):
        with np.errstate(divide="ignore"):
            assert derivative(np.log, 1)(0.0) == np.inf
            assert derivative(np.log, 2)(0.0) == -np.inf
        assert grad(np.sqrt)(0.0) == np.inf

    def test_high_orders(self):
        assert derivative(np.exp, 8)(0.5) == pytest.approx(math.exp(0.5), rel=1e-13)

    @pytest.mark.parametrize("order", [-1, 1.5, "2"])
    def test_an_order_that_is_not_one(self, order):
        with pytest.raises(DiffmagicError, match="order"):
            derivative(np.sin, order)

    def test_a_function_that_mixes_elements_is_refused(self):
        for f in (np.cumsum, np.sort, lambda x: x - np.mean(x), lambda x: x[::-1], lambda x: x / np.linalg.norm(x)):
            with pytest.raises(DiffmagicError, match="not elementwise"):
                derivative(f)(np.ones(3))

    def test_what_broadcasts_is_elementwise(self):
        f = lambda x: np.broadcast_to(x, (2, 3)) ** 2 + x * x + np.ones((2, 3))
        np.testing.assert_array_equal(derivative(f, np.int64(2))(np.arange(3.0)), np.full((2, 3), 4.0))

    def test_hessian(self):
        x = np.array([1.0, 2.0, 3.0])
        expected = [[402.0, -400, 0], [-400, 3802, -800], [0, -800, 200]]
        np.testing.assert_array_equal(hessian(rosenbrock)(x), expected)
        v = np.array([1.0, -1.0, 2.0])
        np.testing.assert_allclose(hvp(rosenbrock)(x, v), np.array(expected) @ v, rtol=1e-14)
        np.testing.assert_array_equal(jacobian(grad(rosenbrock), mode="reverse")(x), expected)

    def test_hessian_of_structures(self):
        h = hessian(lambda p: p["a"] * np.sum(p["b"] ** 2))({"a": 2.0, "b": np.ones(2)})
        assert h["a"]["a"] == 0.0
        np.testing.assert_array_equal(h["a"]["b"], [2.0, 2.0])
        np.testing.assert_array_equal(h["b"]["b"], 4 * np.eye(2))
        (aa, ab), (ba, bb) = hessian(lambda a, b: a**2 * b, (0, 1))(2.0, 3.0)
        assert (aa, ab, ba, bb) == (6.0, 4.0, 4.0, 0.0)

    def test_hvp_of_one_of_several_arguments(self):
        np.testing.assert_array_equal(hvp(lambda x, y: np.sum(x**3) * y)(np.ones(2), 2.0, np.ones(2)), [12.0, 12.0])


class TestJacobian:
    def f(self, x):
        return np.stack([x[0] * x[1], np.sin(x[1]), x[0] ** 2])

    @pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
    def test_modes_agree(self, mode):
        x = np.array([2.0, 3.0])
        expected = [[3.0, 2.0], [0.0, math.cos(3.0)], [4.0, 0.0]]
        np.testing.assert_allclose(jacobian(self.f, mode=mode)(x), expected, rtol=1e-15)

    def test_shape_is_output_shape_and_input_shape(self):
        assert jacobian(lambda x: np.outer(x, x))(np.ones(3)).shape == (3, 3, 3)
        assert jacobian(lambda x: x.T)(np.ones((2, 3))).shape == (3, 2, 2, 3)

    def test_the_cheaper_mode_and_why(self):
        from diffmagic.core.transforms import cheaper_mode

        assert cheaper_mode(trace(self.f, np.ones(2))) == ("forward", "2 inputs, 3 outputs: 2 passes forward give all")
        assert cheaper_mode(trace(rosenbrock, np.ones(5))) == (
            "reverse",
            "5 inputs, 1 output: one pass back gives every derivative",
        )

    @pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
    def test_complex_values_in_every_mode(self, mode):
        x, z = np.array([0.5, 1.5]), 1 + 2j
        phase = lambda x: np.exp(1j * x)
        np.testing.assert_allclose(jacobian(phase, mode=mode)(x), np.diag(1j * phase(x)), rtol=1e-15)
        assert jacobian(lambda z: z**3, mode=mode)(z) == pytest.approx(3 * z**2, rel=1e-15)
        parts = jacobian(lambda z: np.stack([np.abs(z) ** 2, np.real(z), np.imag(z)]), mode=mode)(z)
        np.testing.assert_allclose(parts, [2 - 4j, 1, -1j], rtol=1e-15)
        mixed = jacobian(lambda x, z: x * z, (0, 1), mode=mode)(x[0], z)
        assert mixed == pytest.approx((z, x[0]))

    def test_no_such_mode(self):
        with pytest.raises(DiffmagicError, match="sideways"):
            jacobian(self.f, mode="sideways")


class TestNesting:
    """Perturbation confusion: Siskind and Pearlmutter 2005, and its relatives."""

    def test_siskind_pearlmutter(self):
        assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
        assert derivative(lambda x: x * derivative(lambda y: x + y)(1.0))(1.0) == 1.0

    @pytest.mark.parametrize("outer", [grad, derivative])
    @pytest.mark.parametrize("inner", [grad, derivative])
    def test_modes_within_modes(self, outer, inner):
        # d/dx [x · d/dy (x²y³) at y = 2] = d/dx 12 x³ = 36 x²
        assert outer(lambda x: x * inner(lambda y: x**2 * y**3)(2.0))(3.0) == 324.0

    def test_a_closure_over_a_tracer_of_each_level(self):
        f = lambda x: grad(lambda y: grad(lambda z: x * y * z * z)(y) * y)(x)  # 2xy³ → 6x³ → 18x²
        assert grad(f)(2.0) == 72.0

    def test_a_curried_function(self):
        def offset(u):
            return lambda f: lambda x: f(x + u)

        # Manzyuk et al. 2019, "Perturbation confusion in forward automatic differentiation of higher-order functions"
        _, (pushed,) = jvp(lambda u: (derivative(offset(u)(np.exp))(0.5),), (0.0,), (1.0,))
        assert pushed == pytest.approx(math.exp(0.5), rel=1e-15)

    def test_hessian_vector_products_of_all_four_kinds(self):
        f = lambda x: np.sum(np.sin(x) * x[::-1] ** 2)
        x, v = np.array([0.3, 0.7, 1.1]), np.array([1.0, -2.0, 0.5])
        forward_over_reverse = jvp(grad(f), (x,), (v,))[1]
        reverse_over_forward = grad(lambda x: jvp(f, (x,), (v,))[1])(x)
        reverse_over_reverse = grad(lambda x: np.sum(grad(f)(x) * v))(x)
        forward_over_forward = np.array([jvp(lambda x, e=e: jvp(f, (x,), (e,))[1], (x,), (v,))[1] for e in np.eye(3)])
        for other in (reverse_over_forward, reverse_over_reverse, forward_over_forward, hessian(f)(x) @ v):
            np.testing.assert_allclose(other, forward_over_reverse, rtol=1e-13)

    @given(st.integers(1, 6), st.floats(-2, 2))
    def test_nested_gradients_of_a_polynomial(self, order, x):
        f = lambda x: x**7 + 3 * x**2
        nested, coefficients = f, np.poly1d([1, 0, 0, 0, 0, 3, 0, 0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DiffmagicNote)
            for _ in range(order):
                nested = grad(nested)
            assert nested(x) == pytest.approx(coefficients.deriv(order)(x), rel=1e-12, abs=1e-12)


class TestLongPrograms:
    def loop(self, turns):
        def f(x):
            for _ in range(turns):
                x = x * 0.99999 + 1e-5
            return x

        return f

    def test_two_hundred_thousand_equations(self):
        program = trace(self.loop(100_000), 2.0)
        assert len(program) == 200_000
        assert grad(self.loop(100_000))(2.0) == pytest.approx(0.99999**100_000, rel=1e-9)
        assert jvp(self.loop(100_000), (2.0,), (1.0,))[1] == pytest.approx(0.99999**100_000, rel=1e-9)

    def test_memory_is_linear_in_the_length_and_given_back(self):
        def peak(turns):
            gc.collect()
            tracemalloc.start()
            grad(self.loop(turns))(2.0)
            peak = tracemalloc.get_traced_memory()[1]
            left = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
            return peak, left

        grad(self.loop(10))(2.0)
        (small, _), (large, left) = peak(5_000), peak(20_000)
        assert large < 4.4 * small
        assert left < 0.02 * large


def test_what_is_let_go_in_a_gradient_is_never_read():
    """`grad` drops large arrays that no partial reads; `vjp` keeps all."""
    x = np.linspace(0.1, 1, 20_000)

    def f(x):
        y = x
        for _ in range(3):
            a = np.tanh(np.sin(y) * x - y / (2 + x))
            b = np.exp(-a) + np.sqrt(x) / 2 + a**2 + x**a
            y = np.where(a > 0, b * 0.5, a * a) + np.maximum(a, b) + np.hypot(a, b) + np.clip(b, 0.2, 0.9)
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(x), vjp(f, x)[1](1.0)[0])


def test_public_names_are_documented_and_functions_have_an_example():
    for name in diffmagic.__all__:
        thing = getattr(diffmagic, name)
        assert thing.__doc__, name
        assert isinstance(thing, type) or ">>> " in thing.__doc__, name
