"""What is refused, each with a way out; nothing of it may give a derivative that is silently wrong."""

from __future__ import annotations

import inspect
import operator
from typing import Any

import numpy as np
import pytest
from scipy import special

from diffmagic import DiffmagicError, grad
from diffmagic.core.primitives import HANDLERS, PRIMITIVES, public_name
from tests.core.primitives.samples import CONSTANT, DIFFERENTIABLE, Sample

x = np.array([1.0, 2.0, 3.0, 4.0])
M = np.arange(9.0).reshape(3, 3)
out = np.zeros(4)


def refusal(f: Any, *args: Any) -> DiffmagicError:
    """The refusal when `f` is traced in all of its arguments."""
    with pytest.raises(DiffmagicError) as caught:
        grad(lambda *traced: np.sum(f(*traced)), argnums=tuple(range(len(args))))(*args)
    assert caught.value.reason
    assert caught.value.rewrite
    return caught.value


OPTIONS = [
    ("np.roll", lambda a, s: np.roll(a, s)),
    ("np.repeat", lambda a, s: np.repeat(a, s)),
    ("np.take", lambda a, s: np.take(a, s)),
    ("np.tile", lambda a, s: np.tile(a, s)),
    ("np.quantile", lambda a, s: np.quantile(a, s)),
    ("np.percentile", lambda a, s: np.percentile(a, s)),
    ("np.sum", lambda a, s: np.sum(a, axis=s)),
    ("np.var", lambda a, s: np.var(a, ddof=s)),
    ("np.std", lambda a, s: np.std(a, ddof=s)),
    ("np.round", lambda a, s: np.round(a, s)),
    ("np.linspace", lambda a, s: np.linspace(a, 2.0, s)),
    ("constant_values", lambda a, s: np.pad(a, 1, constant_values=s)),
    ("np.interp", lambda a, s: np.interp(a, [0.0, 1.0], [1.0, 2.0], left=s)),
    ("np.nan_to_num", lambda a, s: np.nan_to_num(a, nan=s)),
    ("np.isclose", lambda a, s: a * np.isclose(a, 1.0, rtol=s)),
    ("np.bincount", lambda a, s: s * np.bincount([0, 1, 1, 0], a)),
    ("np.bincount", lambda a, s: s * np.bincount([0, 1, 1, 0], weights=a)),
    ("np.histogram", lambda a, s: s * np.histogram([1, 2, 3, 4], [0, 2, 5], None, None, a)[0]),
    ("np.histogram", lambda a, s: s * np.histogram(a, bins=3)[1]),
    ("np.histogram", lambda a, s: np.histogram([1, 2, 3, 4], bins=a)[1] * s),
]


@pytest.mark.parametrize(("name", "f"), OPTIONS, ids=range(len(OPTIONS)))
def test_options_that_would_lose_a_derivative(name, f):
    assert name in refusal(f, x, 1.0).reason


UNKNOWN: list[tuple[str, Any]] = [
    ("overwrite_input", lambda a: np.median(a, overwrite_input=True)),
    ("method", lambda a: np.quantile(a, 0.3, method="lower")),
    ("weights", lambda a: np.percentile(a, 30, weights=[1, 2, 3, 4], method="inverted_cdf")),
    ("period", lambda a: np.interp(a, [0.0, 1.0], [1.0, 2.0], period=1.0)),
    ("returned", lambda a: np.average(a, returned=True)[0]),
    ("return_index", lambda a: np.unique(a, return_index=True)[0]),
    ("return_counts", lambda a: np.unique(a, return_counts=True)[0]),
    ("prepend", lambda a: np.diff(a, prepend=0.0)),
    ("append", lambda a: np.diff(a, append=a[:1])),
    ("axes", lambda a: np.matmul(a, a, axes=[(0,), (0,), ()])),
    ("axis", lambda a: np.vecdot(a, a, axis=0)),
    ("where", lambda a: np.sqrt(a, where=[True, False, True, True])),
    ("where", lambda a: np.add(a, 1.0, where=a > 2)),
    ("dtype", lambda a: np.sqrt(a, dtype=np.float32)),
    ("casting", lambda a: np.add(a, 1, casting="unsafe")),
    ("subok", lambda a: np.sin(a, subok=False)),
    ("order", lambda a: np.sin(a, order="F")),
    ("where", lambda a: np.add.reduce(a, where=a > 1)),
    ("initial", lambda a: np.maximum.reduce(a, initial=9.0)),
    ("retstep", lambda a: np.linspace(a, 2.0, 3, retstep=True)[0]),
    ("mean", lambda a: np.std(a, mean=np.mean(a))),
    ("positional", lambda a: np.var(a, None, None, None, 1)),
    ("initial=", lambda a: np.max(a, where=[True, True, True, False])),
    ("mode='mean'", lambda a: np.pad(a, 1, mode="mean")),
    ("mode='linear_ramp'", lambda a: np.pad(a, 1, mode="linear_ramp")),
    ("mode='reflect'", lambda a: np.pad(a, 1, mode="reflect", reflect_type="odd")),
    ("lists of axes", lambda a: np.einsum(a, [0], [0])),
    ("several axes", lambda a: np.median(np.reshape(a, (2, 2)), axis=(0, 1))),
    ("another shape", lambda a: np.average(M, weights=a[:3])),
    ("by position", lambda a: np.flip(m=a)),
    ("np.cov", lambda a: np.cov(a)),
    ("np.gradient", lambda a: np.gradient(a)),
    ("np.apply_along_axis", lambda a: np.apply_along_axis(np.sum, 0, a)),
    ("plain array", lambda a: np.vectorize(np.sin)(a)),
    ("np.add.at", lambda a: np.add.at(out, [0], a[:1])),
    ("np.add.reduceat", lambda a: np.add.reduceat(a, [0, 2])),
    ("list of traced", lambda a: a * [a[0], 1.0, 2.0, 3.0]),
    ("dtype object", lambda a: a.astype(object)),
    ("in place", lambda a: a.sort()),
    ("in place", lambda a: a.fill(0.0)),
]


@pytest.mark.parametrize(("said", "f"), UNKNOWN, ids=range(len(UNKNOWN)))
def test_options_and_functions_that_are_not_there(said, f):
    assert said in refusal(f, x).reason


UFUNCS = [f for f in PRIMITIVES if isinstance(f, np.ufunc) and f.signature is None]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("option", ["out", "where", "dtype"])
def test_options_of_every_ufunc(ufunc, option):
    results = tuple(np.zeros(4) for _ in range(ufunc.nout))
    value = {"out": results, "where": np.ones(4, bool), "dtype": np.float32}[option]
    error = refusal(lambda a: ufunc(*[a] * ufunc.nin, **{option: value}), x)
    assert option in error.reason


def _writing() -> list[Sample]:
    """One call of each function of the table that could write into an array it is given."""
    found = []
    for function, samples in (DIFFERENTIABLE | CONSTANT).items():
        if isinstance(function, str | np.ufunc) or function not in HANDLERS.keys() | PRIMITIVES.keys():
            continue
        try:
            parameters = inspect.signature(function).parameters
        except ValueError:
            continue
        if "out" in parameters:
            found += [sample for sample in samples if sample.code is None][:1]
    return found


@pytest.mark.parametrize("sample", _writing(), ids=repr)
def test_out_of_every_function(sample):
    result = np.array(sample(*sample.args))

    def f(*moving: Any) -> Any:
        return sample.of_moving(lambda *args: sample.function(*args, **{**sample.kwargs, "out": result}))(*moving)

    before = result.copy()
    error = refusal(f, *sample.operands)
    assert "out" in error.reason
    assert public_name(sample.function).removeprefix("np.a") in error.reason
    np.testing.assert_array_equal(result, before)


def test_writing_functions_are_found():
    assert {np.sum, np.clip, np.cumsum, np.take, np.argmax} <= {sample.function for sample in _writing()}


WITHOUT_OPTIONS = {operator.getitem, np.piecewise}  # the keywords of piecewise are for the user's functions
FUNCTIONS = [
    f
    for f in HANDLERS
    if not isinstance(f, str) and f not in WITHOUT_OPTIONS and not public_name(f).startswith("np.linalg.")
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=public_name)
def test_unknown_keywords_are_not_swallowed(function):
    sample = (DIFFERENTIABLE | CONSTANT)[function][0]
    f = sample.of_moving(lambda *args: function(*args, **sample.kwargs, nonsense=1))
    with pytest.raises((DiffmagicError, TypeError, ValueError), match="nonsense"):
        grad(lambda *moving: np.sum(f(*moving)), argnums=tuple(range(len(sample.operands))))(*sample.operands)


@pytest.mark.parametrize("kind", [np.matrix, lambda m: np.ma.array(m, mask=m > 3), lambda m: m.astype(object)])
@pytest.mark.parametrize("f", [lambda a, c: a * c, lambda a, c: c @ a, lambda a, c: np.multiply(c, a), np.dot])
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_constants_with_rules_of_their_own(kind, f):
    refusal(lambda a: f(a, kind(M)), M[0])


def test_a_function_of_another_library_is_not_called_one_of_numpy():
    assert refusal(special.zetac, x).reason.startswith("scipy.special.zetac has")
