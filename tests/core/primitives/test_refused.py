"""What is refused, each with a way out; nothing of it may give a derivative that is silently wrong."""

from __future__ import annotations

import inspect
import io
import operator
from typing import Any

import numpy as np
import pytest
from scipy import special

from diffmagic import DiffmagicError, grad
from diffmagic.core.primitives import HANDLERS, PRIMITIVES, public_name
from diffmagic.core.primitives.creation import CREATING
from tests.core.primitives.samples import CONSTANT, DIFFERENTIABLE, REFUSED, Sample

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
    ("np.unwrap", lambda a, s: np.unwrap(a, period=s)),
    ("np.histogram", lambda a, s: s * np.histogram(a, 3, (0.0, s), density=True)[0]),
    ("np.histogram", lambda a, s: np.histogram_bin_edges(a, 3, (0.0, s))),
    ("np.cov", lambda a, s: s * np.cov(a, aweights=a)),
    ("np.nanquantile", lambda a, s: np.nanquantile(a, s)),
    ("np.fft.fft", lambda a, s: np.abs(np.fft.fft(a, s))),
    ("np.geomspace", lambda a, s: np.geomspace(a, 2.0, s)),
    ("np.gradient", lambda a, s: np.gradient(a, edge_order=s)),
]


@pytest.mark.parametrize(("name", "f"), OPTIONS, ids=range(len(OPTIONS)))
def test_options_that_would_lose_a_derivative(name, f):
    assert name in refusal(f, x, 1.0).reason


UNKNOWN: list[tuple[str, Any]] = [
    ("overwrite_input", lambda a: np.median(a, overwrite_input=True)),
    ("weights", lambda a: np.percentile(a, 30, weights=[1, 2, 3, 4], method="inverted_cdf")),
    ("axes", lambda a: np.matmul(a, a, axes=[(0,), (0,), ()])),
    ("axis", lambda a: np.vecdot(a, a, axis=0)),
    ("where", lambda a: np.sqrt(a, where=[True, False, True, True])),
    ("where", lambda a: np.add(a, 1.0, where=a > 2)),
    ("dtype", lambda a: np.sqrt(a, dtype=np.float32)),
    ("casting", lambda a: np.add(a, 1, casting="unsafe")),
    ("subok", lambda a: np.sin(a, subok=False)),
    ("order", lambda a: np.sin(a, order="F")),
    ("where", lambda a: np.subtract.reduce(a, where=a > 1)),
    ("initial", lambda a: np.hypot.reduce(a, initial=9.0)),
    ("dtype", lambda a: np.subtract.reduceat(a, [0, 2], dtype=np.float32)),
    ("device", lambda a: np.linspace(a, 2.0, 3, device="cpu")),
    ("full=True", lambda a: np.polyfit(a, [1.0, 2.0, 4.0, 3.0], 1, full=True)[0]),
    ("list of powers", lambda a: np.polyfit(a, [1.0, 2.0, 4.0, 3.0], [0, 2])),
    ("into a file", lambda a: np.save(io.BytesIO(), a)),
    ("takes dates", lambda a: np.is_busday(a)),
    ("takes text", lambda a: np.strings.isalpha(a)),
    ("mean", lambda a: np.std(a, mean=np.mean(a))),
    ("positional", lambda a: np.var(a, None, None, None, 1)),
    ("initial=", lambda a: np.max(a, where=[True, True, True, False])),
    ("mode='mean'", lambda a: np.pad(a, 1, mode="mean")),
    ("mode='linear_ramp'", lambda a: np.pad(a, 1, mode="linear_ramp")),
    ("mode='reflect'", lambda a: np.pad(a, 1, mode="reflect", reflect_type="odd")),
    ("lists of axes", lambda a: np.einsum(a, [0], [0])),
    ("another shape", lambda a: np.average(M, weights=a[:3])),
    ("by position", lambda a: np.flip(m=a)),
    ("plain array", lambda a: np.vectorize(np.sin)(a)),
    ("np.add.at", lambda a: np.add.at(out, [0], a[:1])),
    ("dtype object", lambda a: a.astype(object)),
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


WITHOUT_OPTIONS = {operator.getitem, np._core.umath.clip, *CREATING, *REFUSED}
FOR_THE_FUNCTION = {np.apply_along_axis, np.piecewise}  # their keywords are passed on to the user's functions
IN_PLACE = {np.put, np.place, np.putmask, np.copyto, np.fill_diagonal, np.put_along_axis}  # in test_mutation
FUNCTIONS = [
    f
    for f in HANDLERS
    if not isinstance(f, str)
    and f not in WITHOUT_OPTIONS | FOR_THE_FUNCTION | IN_PLACE
    and not public_name(f).startswith("np.linalg.")
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
