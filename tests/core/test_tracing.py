"""Plain NumPy code reaches the program, or is refused with the line, the reason and the rewrite."""

import copy
import functools
import math
import pickle
from math import sin
from pathlib import Path

import numpy as np
import pytest

from diffmagic import DiffmagicError, grad, jacobian, linearize, trace, vjp
from diffmagic.core.tracing import Tracer


def primitives(program):
    return [equation.primitive.name for equation in program.equations]


class TestDecisions:
    def test_a_branch_is_a_guard(self):
        program = trace(lambda x: x**2 if x > 1 else -x, 2.0)
        assert program.conditions() == ["x > 1"]
        assert primitives(program) == ["np.greater", "np.power"]

    def test_the_other_branch(self):
        assert trace(lambda x: x**2 if x > 1 else -x, 0.5).conditions() == ["not (x > 1)"]

    def test_while_takes_as_many_turns_as_it_needs(self):
        def babylon(x):
            root = x
            while abs(root * root - x) > 1e-12:
                root = (root + x / root) / 2
            return root

        program = trace(babylon, 2.0)
        assert len(program.guards) == 6
        assert grad(babylon)(2.0) == pytest.approx(1 / (2 * math.sqrt(2)), rel=1e-10)

    def test_int_and_index_are_guards(self):
        program = trace(lambda x, n: sum(x for _ in range(int(n))), 1.5, 3.0)
        assert program.conditions() == ["n is 3"]

    def test_a_traced_mask_is_a_guard(self):
        program = trace(lambda x: x[x > 0], np.array([1.0, -1.0]))
        assert program.conditions() == ["x > 0 is [True, False]"]

    def test_truth_of_an_array_is_ambiguous_as_in_numpy(self):
        with pytest.raises(ValueError, match="ambiguous"):
            grad(lambda x: x if x > 0 else -x)(np.ones(2))

    def test_guards_reach_the_outer_trace(self):
        program = trace(lambda x: grad(lambda y: y * y if y > 0 else y)(x), 2.0)
        assert len(program.guards) == 1


class TestPython:
    def test_formatting_shows_the_value(self):
        texts = []

        def f(x):
            texts.extend([f"{x:.2f}", str(x), repr(x)])
            return x

        grad(f)(0.5)
        assert texts == ["0.50", "0.5", "0.5"]

    def test_containers(self):
        def f(x):
            first, *rest = x
            assert len(x) == 3
            assert 2.0 in x
            assert 7.0 not in x
            smallest, *_ = sorted(x)
            return first * sum(rest) + sum(row * row for row in x) + smallest + max(x)

        np.testing.assert_array_equal(grad(f)(np.array([3.0, 1.0, 2.0])), [3 + 6 + 1, 3 + 2 + 1, 3 + 4])

    def test_a_zero_dimensional_value_is_not_iterable(self):
        with pytest.raises(TypeError, match="0-d"):
            grad(lambda x: sum(x))(1.0)

    def test_copies_are_the_value_itself(self):
        assert grad(lambda x: copy.deepcopy(x) * copy.copy(x))(3.0) == 6.0

    def test_divmod_and_rounding(self):
        def f(x):
            quotient, rest = divmod(x, 2.0)
            return quotient + rest * 3 + round(x, 1) + x.__floor__() + x.__ceil__()

        assert grad(f)(5.3) == 3.0

    def test_an_unknown_attribute_is_the_users_own_error(self):
        with pytest.raises(AttributeError, match="'float' object has no attribute 'foo'"):
            grad(lambda x: x.foo)(1.0)
        with pytest.raises(AttributeError, match="'ndarray' object has no attribute 'foo'"):
            grad(lambda x: x.foo)(np.ones(2))

    def test_a_key_would_lose_the_value(self):
        cached = functools.lru_cache(lambda x: x * x)
        for f in (cached, lambda x: {x: 1}[x], lambda x: len({x}) * x):
            with pytest.raises(DiffmagicError, match="key"):
                grad(f)(3.0)

    def test_division_by_zero_is_the_users_own_error(self):
        with pytest.raises(ZeroDivisionError):
            grad(lambda x: 1 / x)(0.0)


class TestAttributes:
    @pytest.mark.parametrize("name", ["shape", "ndim", "size", "dtype", "itemsize", "nbytes"])
    def test_same_as_the_array(self, name):
        x = np.ones((2, 3), np.float32)
        seen = []
        grad(lambda x: seen.append(getattr(x, name)) or x.sum())(x)
        assert seen == [getattr(x, name)]

    def test_views(self):
        def f(x):
            return np.sum(x.T @ x) + x.real.sum() + x.imag.sum() + sum(x.flat) + x.flatten().sum() + x.mT.sum()

        x = np.arange(6.0).reshape(2, 3)
        expected = 2 * x.sum(axis=1, keepdims=True) + 4
        np.testing.assert_allclose(grad(f)(x), np.broadcast_to(expected, x.shape), rtol=1e-15)

    def test_item_and_tolist(self):
        assert grad(lambda x: x.item() ** 2)(np.array(3.0)) == 6.0
        np.testing.assert_array_equal(
            grad(lambda x: x.item(1) * x.tolist()[0][0])(np.array([[2.0, 3.0]])), [[3.0, 2.0]]
        )

    def test_public_attributes_of_arrays_and_floats_are_there_or_refused(self):
        public = {name for name in (*dir(np.ndarray), *dir(float)) if not name.startswith("_")}
        assert public <= set(dir(Tracer))
        for name in ("resize", "tobytes", "flags", "setflags", "as_integer_ratio"):
            with pytest.raises(DiffmagicError, match=rf"\.{name} of a traced value"):
                grad(lambda x, name=name: getattr(x, name))(np.ones(2))

    def test_assigned_dtype_is_refused(self):
        with pytest.raises(DiffmagicError, match="same memory"):
            grad(lambda x: setattr(x, "dtype", int))(np.ones(2))

    def test_flat_has_positions(self):
        np.testing.assert_array_equal(grad(lambda x: x.flat[1] * x.flat[2])(np.eye(2)), [[0.0, 0.0], [0.0, 0.0]])
        np.testing.assert_array_equal(grad(lambda x: x.flat[1])(np.eye(2)), [[0.0, 1.0], [0.0, 0.0]])


class TestValues:
    def test_inputs_and_constants_are_not_changed_and_later_changes_do_not_reach_the_program(self):
        w = np.array([1.0, 2.0])
        data = np.array([3.0, 4.0])
        _, pullback = vjp(lambda w: np.sum(w * w * data), w)
        w *= 100
        data *= 100
        np.testing.assert_array_equal(pullback(1.0)[0], [6.0, 16.0])

    def test_a_buffer_that_is_filled_again(self):
        buffer = np.zeros(2)

        def f(x):
            total = 0.0
            for k in (1.0, 2.0):
                buffer[:] = k
                total = total + np.sum(x * buffer)
            return total

        np.testing.assert_array_equal(grad(f)(np.ones(2)), [3.0, 3.0])

    def test_a_large_buffer_that_is_filled_again_is_refused(self):
        buffer = np.zeros(100_000)

        def f(x):
            total = 0.0
            for k in (1.0, 2.0):
                buffer[:] = k
                total = total + np.sum(x * buffer)
            return total

        with pytest.raises(DiffmagicError, match=r"buffer\[:\] = k\n.*is changed in place"):
            grad(f)(np.ones(100_000))
        assert buffer.flags.writeable

    def test_a_single_element_of_a_large_constant_that_changes_is_noticed(self):
        data = np.ones(100_000)
        view = data[500:]

        def through(changed):
            def f(x):
                y = np.sum(x * data)
                changed[::100] = 7.0
                return y

            return f

        for changed in (data, view):
            with pytest.raises(DiffmagicError, match="is changed in place"):
                grad(through(changed))(2.0)

    def test_a_large_constant_that_changes_before_the_pullback(self):
        for transform in (vjp, linearize):
            data = np.ones(100_000)
            _, linear = transform(lambda x, data=data: np.sum(x * data), 2.0)
            data[:] = 5
            assert np.sum(linear(1.0)) == 100_000

    def test_large_constants_stay_the_users(self):
        data = np.arange(100_000.0)
        locked = np.arange(100_000.0)
        locked.flags.writeable = False
        views = data[::2], data.reshape(10, -1)
        assert grad(lambda x: np.sum(x * data) + sum(np.sum(x * v) for v in views) + np.sum(x * locked))(0.0)
        assert [a.flags.writeable for a in (data, *views, locked)] == [True, True, True, False]
        with pytest.raises(ZeroDivisionError):
            grad(lambda x: np.sum(x * data) / 0 if np.sum(x * data) else 1 / 0)(0.0)
        assert data.flags.writeable

    def test_a_refusal_is_not_to_be_swallowed(self):
        def f(x):
            try:
                return x * float(x)
            except Exception:
                return x * 5.0

        with pytest.raises(DiffmagicError, match="plain float"):
            grad(f)(2.0)

    @pytest.mark.parametrize(
        ("f", "options"),
        [
            (np.take, [0, 1]),
            (np.repeat, [1, 2, 0]),
            (np.quantile, [0.0, 0.5]),
            (lambda x, places: x[places], [0, 1]),
            (np.dot, [1.0, 2.0, 3.0]),
            (lambda x, w: np.einsum("i,i->", x, w), [1.0, 2.0, 3.0]),
            (lambda x, w: np.where([True, False, True], x * x, w) * x, [1.0, 2.0, 3.0]),
        ],
    )
    @pytest.mark.parametrize("kind", [list, np.array])
    def test_options_and_lists_that_change_later(self, f, options, kind):
        def changed(x):
            given = kind(options)
            result = np.sum(f(x, given))
            given[:] = [0] * len(given)
            return result

        x = np.array([1.0, 2.0, 4.0])
        expected = grad(lambda x: np.sum(f(x, np.array(options))))(x)
        np.testing.assert_array_equal(grad(changed)(x), expected)

    def test_changes_of_the_value_do_not_reach_the_pullback(self):
        for transform in (vjp, linearize):
            value, linear = transform(np.exp, np.zeros(2))
            value[:] = 100
            np.testing.assert_array_equal(np.ravel(linear(np.ones(2))), [1.0, 1.0])

    def test_results_are_the_callers_own(self):
        gradient = grad(np.sum)(np.ones(3))
        gradient += 1
        a, b = grad(lambda a, b: np.sum(a + b), (0, 1))(np.ones(3), np.ones(3))
        a += 1
        np.testing.assert_array_equal(b, np.ones(3))

    def test_python_numbers_stay_python_numbers(self):
        x = np.ones(2, np.float32)
        assert trace(lambda x: x * 2.0 + 1, x).outputs[0].dtype == np.float32
        assert trace(lambda w, x: w * x, 2.0, x).outputs[0].dtype == np.float32

    def test_a_tracer_that_outlives_its_trace_is_its_value(self):
        kept = []
        grad(lambda x: kept.append(x * 2) or x)(3.0)
        assert float(kept[0]) == 6.0
        assert np.asarray(kept[0]) == 6.0
        assert grad(lambda x: x * kept[0])(1.0) == 6.0

    def test_a_tracer_that_outlives_its_trace_is_one_of_the_outer_trace(self):
        def kept(x):
            values = []
            grad(lambda y: values.append(y * x) or y)(5.0)
            return values[0]

        assert grad(kept)(2.0) == 5.0
        assert grad(lambda x: kept(x) * x)(2.0) == 20.0
        assert grad(lambda x: x * np.sum(kept(x)))(2.0) == 20.0

    def test_lists_of_numbers_are_arrays(self):
        np.testing.assert_array_equal(grad(lambda x: np.dot(x, [1, 2]))(np.ones(2)), [1.0, 2.0])
        np.testing.assert_array_equal(grad(lambda x: np.dot(x, (1, 2)))(np.ones(2)), [1.0, 2.0])
        np.testing.assert_array_equal(grad(lambda x: np.sum(x * [1, 2]))(np.ones(2)), [1.0, 2.0])
        np.testing.assert_array_equal(grad(lambda x: np.sum(x * [x[0], 2]))(np.ones(2)), [2.0, 2.0])


def assign(x):
    r = np.zeros(2)
    r[0] = x
    return r.sum()


def assign_slice(x):
    r = np.zeros(2)
    r[:] = x
    return r.sum()


def add_to_plain(x):
    y = np.zeros(2)
    y += x
    return y.sum()


REFUSED = {
    "float": (lambda x: float(x) * x, "plain float", "leave float() out"),
    "complex": (lambda x: complex(x), "complex number", "a + 1j"),
    "math": (lambda x: math.sin(x), "math.sin", "np.sin"),
    "a name from math": (lambda x: sin(x), "math.sin", "np.sin"),
    "full": (lambda x: np.full(2, x), "plain array", "np.ones"),
    "method of a plain array": (lambda x: np.ones(1).dot(x * np.ones(1)), "plain array", "a @ x"),
    "random numbers": (lambda x: np.random.default_rng(0).normal(x), "plain array", "draw plain"),
    "traced option": (lambda x: np.quantile(x * np.ones(2), x), "traced option", "plain number"),
    "math without a twin": (lambda x: math.lgamma(x), "math.lgamma", "NumPy functions"),
    "asarray": (lambda x: np.asarray(x), "plain array", "leave np.asarray"),
    "array of a list": (lambda x: np.array([x, 1.0]), "plain array", "np.stack"),
    "sum of a list": (lambda x: np.sum([x, 1.0]), "plain array", "np.stack"),
    "sin of a list": (lambda x: np.sin([x, 1.0]), "plain array", "np.stack"),
    "assignment into a plain array": (assign, "stored in a plain array", "np.stack"),
    "slice assignment": (assign_slice, "stored in a plain array", "np.stack"),
    "in-place operator on a plain array": (add_to_plain, "into a plain array", "y = y + x"),
    "out=": (lambda x: np.sin(x, out=np.zeros(())), "into a plain array", "name"),
    "ufunc where=": (lambda x: np.sin(x, where=np.array(True)), "where=", "np.where"),
    "ufunc dtype=": (lambda x: np.sin(x, dtype=np.float32), "dtype=", "astype"),
    "out= of a function": (lambda x: np.sum(x, out=np.zeros(())), "into a plain array", "name"),
    "unknown function": (lambda x: np.strings.upper(x * np.ones(2)), "np.strings.upper", "other NumPy functions"),
    "ufunc.at": (lambda x: np.add.at(np.zeros(2), 0, x), "into a plain array", "a copy made here"),
    "pickle": (lambda x: pickle.dumps(x), "pickled", "plain numbers"),
}


@pytest.mark.parametrize(("f", "reason", "rewrite"), REFUSED.values(), ids=REFUSED)
def test_refused_with_line_reason_and_rewrite(f, reason, rewrite):
    with pytest.raises(DiffmagicError) as caught:
        grad(f)(0.5)
    assert reason in caught.value.reason
    assert rewrite in caught.value.rewrite
    assert caught.value.location.text.strip() in Path(__file__).read_text(encoding="utf-8")
    assert f"line {caught.value.location.line}: " in str(caught.value)
    assert f.__code__.co_firstlineno <= caught.value.location.line <= f.__code__.co_firstlineno + 3


def test_whole_numbers_are_decisions_wherever_they_go():
    order, chosen = np.zeros(3, int), np.zeros(3, bool)

    def f(x):
        order[:] = np.argsort(x)
        chosen[:] = x > 1
        share = float(np.argmax(x)) + math.sqrt(np.count_nonzero(x > 1) + 2)
        return np.sum(x[order] * [1.0, 2.0, 3.0]) * share + np.sum(x[chosen])

    x = np.array([2.0, 0.5, 3.0])
    np.testing.assert_array_equal(grad(f)(x), [8.0 + 1, 4.0, 12.0 + 1])
    assert "holds while" in str(trace(f, x))


def test_numbers_are_augmented_as_python_does():
    def f(x):
        y = x
        y += x
        y *= 3
        return y + x

    assert grad(f)(1.0) == 7.0


def test_nothing_is_recorded_for_a_question():
    program = trace(lambda x: x * np.shape(x)[0] * np.ndim(x) * np.zeros_like(x).size, np.ones(3))
    assert primitives(program) == ["np.multiply"] * 3


def test_functions_of_libraries_point_at_the_users_line():
    program = trace(lambda x: np.linalg.multi_dot([x, x, x]), np.eye(2))
    assert program.equations[0].location.code.co_filename == __file__


def test_jacobian_of_several_results():
    result = jacobian(lambda x: {"a": x * 2, "b": (x[0], x.sum())})(np.ones(2))
    np.testing.assert_array_equal(result["a"], 2 * np.eye(2))
    np.testing.assert_array_equal(result["b"][0], [1.0, 0.0])
    np.testing.assert_array_equal(result["b"][1], [1.0, 1.0])
