"""Generated source: what it looks like, that it runs in an empty namespace, and that its numbers are the trace's."""

from __future__ import annotations

import functools
import math
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from scipy import special

import diffmagic
from diffmagic import DiffmagicError, trace, traceable
from diffmagic.core.codegen import compiled, source
from diffmagic.core.derivative_program import with_gradient, with_tangents
from diffmagic.core.program import Program, Variable, summed
from diffmagic.core.recording import record
from diffmagic.core.tracing import concrete
from tests.core import test_mutation_programs as mutations
from tests.core import test_scipy as scipy_functions
from tests.core.primitives import test_special as special_functions
from tests.core.primitives.samples import CONSTANT, DIFFERENTIABLE, Sample, leaves
from tests.core.primitives.test_registry import directions, weights


def pasted(program: Program) -> Callable[..., list[Any]]:
    """A program by its source, in an empty namespace."""
    written = source(program, returned=lambda texts: f"[{', '.join(texts)}]")
    namespace: dict[str, Any] = {}
    exec(written.text, namespace)
    return functools.partial(namespace["f"], **written.constants)


def run(program: Program, inputs: list[Any] | None = None) -> list[Any]:
    """The outputs of a program by its source."""
    return pasted(program)(*([variable.value for variable in program.inputs] if inputs is None else inputs))


def same(found: Any, expected: Any, units: int) -> None:
    """Equal to so many units in the last place."""
    found, expected = np.asarray(concrete(found)), np.asarray(concrete(expected))
    assert found.shape == expected.shape
    equal = (found == expected) | ((found != found) & (expected != expected))
    if units and expected.dtype.kind in "fc":
        equal |= np.abs(found - expected) <= units * np.spacing(np.abs(expected))
    assert np.all(equal), (found, expected)


def text_of(f: Callable[..., Any], *args: Any) -> list[str]:
    """The body of the source of a function."""
    written = source(trace(traceable(f), *args)).text
    return [line.strip() for line in written.partition("def ")[2].splitlines()[1:]]


# Every primitive: one loop over the registry.

ALL = [sample for table in (DIFFERENTIABLE, CONSTANT) for samples in table.values() for sample in samples]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sample", ALL, ids=repr)
def test_every_primitive(sample: Sample) -> None:
    """The value to the last bit; the gradient and the derivative along a direction to the last but one."""
    f, operands = sample.of_moving(), sample.operands
    program = record(f, range(len(operands)), tuple(operands), {}).program
    outputs = [out.value if isinstance(out, Variable) else out for out in program.outputs]
    for found, expected in zip(run(program), outputs, strict=True):
        same(found, expected, 0)
    cotangent = weights(f(*operands))
    moving = [out if isinstance(out, Variable) and out.dtype.kind in "fc" else None for out in program.outputs]
    gradient = run(with_gradient(program, summed(moving, leaves(cotangent))))[len(outputs) :]
    for found, expected in zip(gradient, leaves(diffmagic.vjp(f, *operands)[1](cotangent)), strict=True):
        same(found, expected, 2)
    direction = directions(sample)
    along = with_tangents(program, [dict(zip(program.inputs, leaves(direction), strict=True))])
    tangent = run(along)[len(outputs) :]
    for found, expected in zip(tangent, leaves(diffmagic.jvp(f, operands, direction)[1]), strict=True):
        same(found, expected, 2)


CHOOSING = (
    *(np.median, np.nanmedian, np.quantile, np.nanquantile, np.percentile, np.nanpercentile, np.interp, np.bincount),
    *(np.histogram, np.histogram2d, np.histogramdd, np.histogram_bin_edges, np.unique, np.unique_values, np.unique_all),
    *(np.unique_counts, np.unique_inverse, np.intersect1d, np.setdiff1d, np.setxor1d, np.union1d),
)
"""What they take is chosen by values."""

BY_ORDER = (
    *(np.median, np.nanmedian, np.quantile, np.nanquantile, np.percentile, np.nanpercentile, np.unique),
    *(np.unique_values, np.unique_all, np.unique_counts, np.unique_inverse, np.setdiff1d, np.setxor1d, np.union1d),
)
"""Of these, those that need to know the order alone."""


def elsewhere(x: Any, turn: bool) -> Any:
    """Other numbers, if asked for in another order unless they must grow."""
    if isinstance(x, list | tuple):
        return type(x)(elsewhere(part, turn) for part in x)
    turned = int(turn and not np.all(np.diff(np.ravel(x)) > 0))
    return np.roll(np.ravel(x) * 1.01, turned).reshape(np.shape(x))[()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("turn", [False, True], ids=["in order", "turned"])
@pytest.mark.parametrize(
    ("function", "sample"),
    [(f, s) for table in (DIFFERENTIABLE, CONSTANT) for f in CHOOSING for s in table.get(f, ())],
    ids=repr,
)
def test_at_other_points_it_is_right_or_stops(function: Any, sample: Sample, turn: bool) -> None:
    f, operands = sample.of_moving(), sample.operands
    program = record(f, range(len(operands)), tuple(operands), {}).program
    cotangent, others = weights(f(*operands)), elsewhere(operands, turn)
    outputs = [out if isinstance(out, Variable) and out.dtype.kind in "fc" else None for out in program.outputs]
    gradient = pasted(with_gradient(program, summed(outputs, leaves(cotangent))))
    try:
        found = gradient(*leaves(others))
    except AssertionError:
        assert turn or function not in BY_ORDER
        return
    expected = [*leaves(f(*others)), *leaves(diffmagic.vjp(f, *others)[1](cotangent))]
    for part, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(part, other, rtol=1e-12)


def test_a_number_of_bins_that_is_chosen_by_the_numbers_holds_for_these():
    x = np.array([1.0, 3.0, 2.0, 3.0])
    program = trace(lambda x: np.histogram_bin_edges(x, "auto"), x)
    same(run(program)[0], np.histogram_bin_edges(x, "auto"), 0)
    with pytest.raises(AssertionError):
        run(program, [x * 1.1])


def check_gradient(f: Callable[..., Any], *args: Any) -> None:
    """The value and the gradient of a function with one result, summed."""
    program = record(f, range(len(args)), args, {}).program
    (out,) = program.outputs
    assert isinstance(out, Variable)
    seed = np.ones(out.shape)[()]
    value, *gradient = run(with_gradient(program, {out: seed}))
    same(value, out.value, 0)
    for found, expected in zip(gradient, diffmagic.vjp(f, *args)[1](seed), strict=True):
        same(found, expected, 2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", special_functions.CASES, ids=repr)
def test_special_functions(case: special_functions.Case) -> None:
    for point in case.points:
        check_gradient(case.function(point), *[float(point[k]) for k in case.moving])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", scipy_functions.CASES, ids=repr)
def test_functions_of_scipy(case: scipy_functions.Case) -> None:
    check_gradient(traceable(case.ours), np.array(case.point))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", scipy_functions.CONTINUOUS, ids=repr)
def test_distributions(case: scipy_functions.Distribution) -> None:
    for method in scipy_functions.methods(case):
        function, quantile = getattr(case.ours, method), method in ("ppf", "isf")
        z = 0.3 if quantile else scipy_functions.LOC + scipy_functions.SCALE * case.points[0]

        def f(x: Any, loc: Any, scale: Any, function: Any = function) -> Any:
            return function(x, *case.shapes, loc, scale)

        check_gradient(traceable(f), z, scipy_functions.LOC, scipy_functions.SCALE)


# Arrays that change.


@given(mutations.programs())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_programs_of_assignments_and_views(text: str) -> None:
    f, x = mutations.compiled(text), mutations.X.copy()
    program = trace(traceable(f), x)
    (out,) = program.outputs
    if not isinstance(out, Variable):
        return
    expected, slope = f(x.copy()), diffmagic.grad(traceable(f))(x)
    derived = with_gradient(program, {out: 1.0})
    generated = compiled(derived)
    for found in (run(derived, [x]), generated(x), generated(x)):
        np.testing.assert_allclose(found[0], expected, rtol=1e-14)
        np.testing.assert_allclose(found[1], slope, rtol=0, atol=1e-14 * np.max(np.abs(slope)) + 1e-300)
        np.testing.assert_array_equal(x, mutations.X)  # the input is not the function's own


def running(x: Any) -> Any:
    r = np.zeros(3)
    r[0] = x
    for k in range(1, 3):
        r[k] = r[k - 1] * x
    return np.sum(r)


def test_an_array_that_is_filled_is_changed_in_place():
    assert text_of(running, 2.0) == [
        "r = np.zeros(3)",
        "r[0] = x",
        "r[1] = r[0] * x",
        "r[2] = r[1] * x",
        "v8 = np.sum(r)",
        "return v8",
    ]


def overwritten(x: Any) -> Any:
    r = x * 2.0
    before = r[:2]
    total = np.sum(before)
    r[0] = 5.0
    return total * np.sum(r)


def seen(x: Any) -> Any:
    r = x * 2.0
    old = r.copy()
    r[0] = 5.0
    return np.sum(old) * np.sum(r)


def test_an_array_that_is_still_read_is_copied():
    assert text_of(overwritten, np.ones(3)) == [
        "r = x * 2.0",
        "before = r[:2]",
        "total = np.sum(before)",
        "r[0] = 5.0",
        "v6 = total * np.sum(r)",
        "return v6",
    ]
    assert text_of(seen, np.ones(3)) == [
        "r = x * 2.0",
        "old = np.copy(r, order='C')",
        "r[0] = 5.0",
        "v6 = np.sum(old) * np.sum(r)",
        "return v6",
    ]
    assert text_of(lambda x: x.__setitem__(0, 5.0) or np.sum(x), np.ones(2))[:2] == ["x_2 = x.copy()", "x_2[0] = 5.0"]


def test_cotangents_of_elements_are_added_in_place():
    program = trace(lambda x: x[0] * x[1] + np.sum(x[[0, 0, 2]]), np.arange(3.0))
    text = source(with_gradient(program, {program.outputs[0]: 1.0})).text
    assert text.partition("    grad_x = ")[2].splitlines() == [
        "np.array([2.0, 0.0, 1.0])",
        "    grad_x[1] += v1",
        "    grad_x[0] += v2",
        "    return v6, grad_x",
    ]


def test_a_loop_over_an_array_and_its_gradient_take_one_buffer_each():
    def f(x: Any) -> Any:
        r = np.zeros(100)
        r[0] = x[0]
        for k in range(1, 100):
            r[k] = np.sin(r[k - 1]) * x[k % 3] + r[k - 1]
        return r[-1]

    program = trace(traceable(f), np.array([0.3, 0.4, 0.5]))
    text = source(with_gradient(program, {program.outputs[0]: 1.0})).text
    assert ".copy()" not in text
    assert re.findall(r"(\w+) = np\.zeros\(", text) == ["r", "grad_r", "grad_x"]


# How it reads.


def test_a_value_that_is_used_once_is_written_where_it_is_used():
    assert text_of(lambda x: np.sin(2 * x) ** 2 - 1, 0.5) == ["v4 = np.sin(2 * x) ** 2 - 1", "return v4"]
    assert text_of(lambda x: (x - (x - 1)) / (x * 2) ** x, 0.5)[0] == "v5 = (x - (x - 1)) / (x * 2) ** x"
    assert text_of(lambda a, b: a - (b - a) - b / (a / b), 1.0, 2.0)[0] == "v5 = a - (b - a) - b / (a / b)"
    assert text_of(lambda a, b: (-a) ** 3 + a ** (-b), 1.0, 2.0)[0] == "v5 = (-a) ** 3 + a ** -b"
    assert text_of(lambda a, b: (a**b) ** a, 1.0, 2.0)[0] == "v2 = (a ** b) ** a"
    assert text_of(lambda a, b: (a > b) == (b < 2), 1.0, 2.0) == ["v3 = (a > b) == (b < 2)", "return v3"]


def named(x: Any) -> Any:
    area = x * x
    height = area + 1.0
    return height * 2.0


def test_what_the_user_named_is_a_statement():
    assert text_of(named, 3.0) == ["area = x * x", "height = area + 1.0", "v3 = height * 2.0", "return v3"]


def test_lines_stay_short():
    def f(x: Any) -> Any:
        for k in range(40):
            x = np.sin(x * k + 0.123456) if k % 2 else (x - k) * (x + k)
        return x

    assert max(map(len, text_of(f, 0.5))) <= 80
    assert max(map(len, text_of(lambda x: x * np.linspace(0.1, 0.9, 16) ** 2, np.ones(16)))) <= 96


def test_all_lines_are_short_enough_to_be_shown_in_two_indents():
    names = [f"the_parameter_of_layer_{k}" for k in range(8)]
    program = trace(lambda *given: given, *map(float, range(8)))
    for variable, name in zip(program.inputs, names, strict=True):
        variable.name = name
    about = f"Value and derivative with respect to {', '.join(names)}"
    written = source(program, about=about, returned=lambda texts: f"0, ({', '.join(texts)})").text
    assert max(map(len, written.splitlines())) <= 96
    namespace: dict[str, Any] = {}
    exec(written, namespace)
    assert namespace["f"](*range(8)) == (0, tuple(range(8)))
    assert " ".join(namespace["f"].__doc__.split()) == f"{about}."


def test_names_that_python_does_not_take():
    def f(parameters: Any, np_: Any) -> Any:
        return parameters["lambda"] * parameters["ä b"][0] + np_

    program = trace(f, {"lambda": 1.0, "ä b": [2.0]}, 3.0)
    program.inputs[-1].name = "np"
    assert "def f(parameters_lambda, parameters_ä_b_0, np_):" in source(program).text
    assert run(program) == [5.0]


def test_decisions_are_asserted():
    def f(x: Any, n: Any) -> Any:
        y = x[np.argsort(x)]
        if x[0] > x[1] and not x[1] > 1:
            return y[0] * sum(x[k] for k in range(int(n)))
        return x[1]

    x, n = np.array([0.9, 0.5, 0.7]), np.float64(2.0)
    program = trace(traceable(f), x, n)
    text = source(program, about="The least of them").text
    assert '"""The least of them, on the path that is asserted."""' in text
    for line in (
        "assert np.array_equal(np.argsort(x), np.array([1, 2, 0]))",
        "assert int(n) == 2",
        "assert not (v4 > 1)",
    ):
        assert f"    {line}\n" in text
    assert run(program) == [f(x, n)]
    with pytest.raises(AssertionError):
        run(program, [x[::-1], n])
    with pytest.raises(AssertionError):
        run(program, [x, np.float64(3.0)])


# Constants.

LARGE = np.random.default_rng(3).normal(size=(20, 3))


@pytest.mark.parametrize(
    ("constant", "text"),
    [
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (math.inf, "np.inf"),
        (np.float64(0.1), "0.1"),
        (np.array(0.1), "0.1"),
        (np.array([0.1, -np.inf]), "np.array([0.1, -np.inf])"),
        (np.array([1, 0, 0]), "np.array([1, 0, 0])"),
        (np.array([True, False]), "np.array([True, False])"),
        (np.array([0.1, 0.2], np.float32), "np.array([0.1, 0.2], dtype=np.float32)"),
        (np.zeros((2, 3)), "np.zeros((2, 3))"),
        (np.full(40, -0.0), "np.full(40, -0.0)"),
        (np.ones(4, np.int64), "np.ones(4, dtype=np.int64)"),
        (np.eye(9), "np.eye(9)"),
        (np.arange(30), "np.arange(30)"),
        (np.arange(30.0), "np.arange(30.0)"),
        (np.linspace(0.1, 0.9, 50), "np.linspace(0.1, 0.9, 50)"),
        (np.zeros((0, 2), np.float32), "np.zeros((0, 2), dtype=np.float32)"),
        (2j, "2.0j"),
        (complex(-0.0, 2.0), "complex(-0.0, 2.0)"),
    ],
)
def test_constants_are_written_out(constant, text):
    shape = np.shape(constant)
    with np.errstate(invalid="ignore"):
        program = trace(lambda x: np.where(True, x, 1.0) * constant, np.full(shape or (2,), 0.7))
        written = source(Program(program.inputs, program.equations, [program.outputs[0], constant]))
        assert written.constants == {}
        assert f" {text}\n" in written.text
        namespace: dict[str, Any] = {}
        exec(written.text, namespace)
        found = namespace["f"](program.inputs[0].value)
    same(found[0], program.outputs[0].value, 0)
    same(found[1], constant, 0)
    assert np.result_type(found[1]) == np.result_type(constant)
    np.testing.assert_array_equal(np.signbit(np.real(found[1])), np.signbit(np.real(constant)))


def test_large_constants_are_parameters():
    def f(w: Any) -> Any:
        return np.sum((LARGE @ w - LARGE[:, 0]) ** 2)

    program = trace(f, np.ones(3))
    written = source(with_gradient(program, {program.outputs[0]: 1.0}), about="It", arrays={"data": LARGE})
    assert written.constants.keys() == {"data", "c1"}
    assert '"""It; data (20×3), c1 (20) are constant."""' in written.text
    assert "grad_w = data.T @ (2 * v2)\n" in written.text
    assert written.text.count("def f(w, data, c1):") == 1
    value, slope = compiled(with_gradient(program, {program.outputs[0]: 1.0}))(np.ones(3))
    same(value, f(np.ones(3)), 0)
    same(slope, LARGE.T @ (2 * (LARGE @ np.ones(3) - LARGE[:, 0])), 2)


def test_a_constant_of_few_numbers_is_filled():
    program = trace(lambda x: x[3] - 2.0 * x[-1], np.arange(100.0))
    text = source(with_gradient(program, {program.outputs[0]: 1.0}), outputs=["", "grad_x"]).text
    assert text.partition("    t1 = ")[2].splitlines()[:3] == ["np.zeros(100)", "    t1[3] = 1.0", "    t1[99] = -2.0"]
    np.testing.assert_array_equal(np.flatnonzero(run(with_gradient(program, {program.outputs[0]: 1.0}))[1]), [3, 99])


def test_a_gradient_that_is_constant_is_written_as_its_parts():
    def f(x: Any) -> Any:
        return np.sum(x[0, :, 1:3] ** 2) + x[..., -1].sum() + x[1, [0, 2], 1].sum()

    program = trace(f, np.arange(24.0).reshape(2, 3, 4))
    written = source(with_gradient(program, {program.outputs[0]: 1.0}))
    assert written.constants == {}
    for line in ("grad_x = np.zeros((2, 3, 4))", "grad_x[1, 0, 1] = 1.0", "grad_x[..., -1] += np.ones((2, 3))"):
        assert f"    {line}\n" in written.text
    check_gradient(f, np.arange(24.0).reshape(2, 3, 4))


def test_a_constant_that_is_returned_is_not_the_function_s_own():
    program = trace(lambda w: w * 2.0, 1.0)
    generated = compiled(Program(program.inputs, program.equations, [LARGE]))
    generated(1.0)[0][...] = 0.0
    np.testing.assert_array_equal(generated(1.0)[0], LARGE)


def test_precision_is_kept():
    single = np.array([0.1, 0.7], np.float32)
    for f in (lambda x: x * np.float64(0.3), lambda x: x * 0.3, lambda x: np.astype(x, float) + np.array(1, np.int16)):
        program = trace(f, single)
        (found,) = run(program)
        same(found, f(single), 0)
        assert found.dtype == f(single).dtype


def test_numbers_of_python_and_of_numpy_compute_as_they_did():
    program = trace(traceable(lambda x: (np.multiply(x, 2.0), x * 2.0, np.float64(2.0) / x, abs(x), math.exp(x))), 0.5)
    text = source(program).text
    for part in ("np.multiply(x, 2.0)", "x * 2.0", "np.float64(2.0) / x", "abs(x)", "math.exp(x)"):
        assert f"= {part}\n" in text
    for found, expected in zip(run(program), [out.value for out in program.outputs], strict=True):
        assert type(found) is type(expected)


def test_an_absolute_value_of_numpy_is_not_python_s():
    with np.errstate(invalid="ignore"):
        program = trace(lambda x: (np.abs(x) - 1) ** 0.5, 0.5)
        same(run(program)[0], np.nan, 0)
    (found,) = run(trace(traceable(lambda x: np.float64(np.abs(x)) * x), -0.5))
    assert (found, type(found)) == (-0.25, np.float64)


# Functions of ours, and of the user.


def test_primitives_without_a_name_are_written_in_numpy():
    def f(x: Any, y: Any) -> Any:
        return np.logaddexp(x, y) + np.tanh(x) + special.logsumexp(np.array([x, y])) + np.linalg.det(np.diag([x, y]))

    program = trace(traceable(f), 0.5, 0.7)
    text = source(with_gradient(program, {program.outputs[0]: 1.0})).text
    assert "np.exp(" in text
    assert "np.square(np.cosh(x))" in text
    assert text.startswith("import numpy as np\nimport scipy.special\n\n\ndef f(x, y):\n")


def test_a_rule_of_the_user_is_written_as_the_numpy_code_it_consists_of():
    @diffmagic.primitive
    def cube(x: Any) -> Any:
        return x * x * x

    cube.define_partials(lambda y, x: 3 * x**2)
    program = trace(lambda x: cube(x), 2.0)
    assert source(with_gradient(program, {program.outputs[0]: 1.0})).text == (
        "def f(x):\n    v1 = x * x * x\n    grad_x = 3 * x ** 2\n    return v1, grad_x\n"
    )
    layer = diffmagic.checkpoint(lambda w, x: np.tanh(w * x))
    program = trace(layer, 0.5, 2.0)
    assert run(with_gradient(program, {program.outputs[0]: 1.0})) == [
        np.tanh(1.0),
        *diffmagic.grad(layer, (0, 1))(0.5, 2.0),
    ]


def test_a_rule_that_does_anything_else_is_refused():
    @diffmagic.primitive
    def erf(x: Any) -> Any:
        return math.erf(x)

    with pytest.raises(DiffmagicError, match="erf is not made of functions with a public name") as caught:
        source(trace(erf, 0.5))
    assert caught.value.rewrite == "erf in NumPy functions"
    assert caught.value.location is not None


# Functions that are generated: on numbers, and on a grid.


def thirty(x: Any, y: Any) -> Any:
    z = np.sin(x) * np.exp(-y / 3) + x**2
    for _ in range(3):
        z = np.sqrt(z * z + 1) - np.cos(z) / (2 + y)
    return (
        np.where(z > 1, z * y, np.tanh(z)) + 1 / (1 + np.exp(-z)) + np.arctan2(x, y) + np.logaddexp(x, y) + abs(x) ** y
    )


def test_a_program_of_numbers_runs_on_a_grid():
    program = trace(thirty, 0.7, 1.3)
    derived = with_gradient(program, {program.outputs[0]: 1.0})
    on_grid, by_hand = compiled(derived, "numpy"), diffmagic.value_and_grad(thirty, (0, 1))
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-2, 2, 200), rng.uniform(0.1, 2, 200)
    found = on_grid(x, y)
    assert [part.shape for part in found] == [(200,)] * 3
    expected = [by_hand(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    expected = np.array([(value, *slopes) for value, slopes in expected]).T
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_array_equal(on_grid(x.reshape(20, 10), y.reshape(20, 10)), np.reshape(found, (3, 20, 10)))


def test_math_is_python_s_own():
    program = trace(thirty, 0.7, 1.3)
    derived = with_gradient(program, {program.outputs[0]: 1.0})
    numbers = compiled(derived, "math")
    assert {type(part) for part in numbers(0.7, 1.3)} <= {float, np.float64}
    np.testing.assert_allclose(numbers(-0.4, 0.9), compiled(derived)(-0.4, 0.9), rtol=1e-14)
    assert compiled(trace(lambda x: x * np.inf, 1.0), "math")(2.0) == (math.inf,)
    root = compiled(trace(lambda x: np.sqrt(x) + x**1.5, 1.0), "math")
    assert root(4.0) == (10.0,)
    with pytest.raises(ValueError, match=r"domain error|nonnegative"):
        root(-1.0)
    with pytest.raises(ValueError, match="math domain error"):
        compiled(trace(lambda x: x**0.5, 1.0), "math")(-1.0)  # and not a complex number


def test_what_a_dialect_does_not_have_is_refused():
    with pytest.raises(DiffmagicError, match="without NumPy"):
        compiled(trace(np.sum, np.ones(2)), "math")
    with pytest.raises(DiffmagicError, match="without NumPy"):
        compiled(trace(lambda x: np.real(x * 1j), 1.0), "math")
    program = trace(traceable(lambda x: math.remainder(x, 2.0)), 0.5)
    assert compiled(program)(0.7) == (0.7,)
    with pytest.raises(DiffmagicError, match=r"math\.remainder does not take arrays"):
        compiled(program, "numpy")


def test_functions_of_math_take_arrays_in_the_other_dialect():
    def f(x: Any) -> Any:
        return (
            math.sin(x) + math.exp(x) ** math.pow(x, 2.0) + math.erf(x) + math.radians(x) + float(x) + math.atan2(x, 2)
        )

    x = np.linspace(0.1, 1.5, 7)
    found = compiled(trace(traceable(f), 0.5), "numpy")(x)[0]
    np.testing.assert_allclose(found, [f(each) for each in x.tolist()], rtol=1e-15)


def test_guards_are_returned_if_asked_for():
    def f(x: Any) -> Any:
        return x * x if x > 0.5 and not x > 2 else x

    program = trace(f, 1.0)
    x = np.array([0.0, 1.0, 3.0])
    assert len(compiled(program, "numpy")(x)) == 1
    value, above, beyond = compiled(program, "numpy", guards=True)(x)
    np.testing.assert_array_equal(value, x * x)
    np.testing.assert_array_equal(above, [False, True, True])
    np.testing.assert_array_equal(beyond, [False, False, True])


def test_arrays_do_not_outlive_their_use():
    def f(x: Any) -> Any:
        for k in range(50):
            x = np.sqrt(x * x + k) - x / (k + 2.0)
        return x

    program = trace(f, 0.7)
    derived = with_tangents(program, [{program.inputs[0]: 1.0}])
    assert len(derived) > 300
    generated, x = compiled(derived, "numpy"), np.linspace(0.1, 2.0, 100_000)
    tracemalloc.start()
    generated(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * x.nbytes


def test_it_is_the_same_on_every_run():
    texts = set()
    for _ in range(3):
        program = trace(thirty, 0.7, 1.3)
        texts.add(source(with_gradient(program, {program.outputs[0]: 1.0})).text)
    assert len(texts) == 1


def test_unused_results_and_empty_programs():
    program = trace(lambda a: np.linalg.eigh(a)[0], np.array([[2.0, 0.5], [0.5, 1.0]]))
    assert "v1_1, _ = np.linalg.eigh(a)" in source(program).text
    assert run(trace(lambda x: x, 0.5)) == [0.5]
    assert compiled(trace(lambda x: 3.0, 0.5))(0.1) == (3.0,)
    assert compiled(Program([], [], []))() == ()
