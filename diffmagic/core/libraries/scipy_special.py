"""The functions of `scipy.special` that are no ufuncs."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from scipy import special

from diffmagic.core.hook import MEANINGS
from diffmagic.core.libraries import composed, declare, listed
from diffmagic.core.libraries import find as find
from diffmagic.core.primitives import Primitive
from diffmagic.core.tracing import apply, concrete, refuse

# Sums of exponentials. Their derivatives are made of the portions e^a / Σ b e^a. Moving all of `a` together changes no
# portion, so a tangent is measured from that of the largest element: what is left does not cancel when one has it all.


def _from_largest(t: Any, a: Any, axis: Any) -> Any:
    plain = concrete(a)
    largest = np.equal(plain, np.max(plain, axis=axis, keepdims=True))
    share = largest / np.maximum(np.sum(largest, axis=axis, keepdims=True), 1)
    return t - np.sum(share * t, axis=axis, keepdims=True)


def _weighted(b: Any, portion: Any) -> Any:
    """b times a portion, and nothing for a weight of zero, as SciPy has it."""
    nothing = np.equal(b, 0)
    return b * np.where(nothing, 0.0, portion) if np.any(nothing) else b * portion


def _portions_of(a: Any, b: Any, axis: Any) -> Any:
    """Infinities of one sign count as equal."""
    largest = np.max(np.where(np.equal(b, 0), -np.inf, a), axis=axis, keepdims=True)
    exponent = np.subtract(a, largest, out=np.zeros(np.shape(a)), where=np.not_equal(a, largest))
    portion = np.exp(exponent)
    return portion / np.sum(_weighted(b, portion), axis=axis, keepdims=True)


def _push_portions(i: int, t: Any, y: Any, a: Any, b: Any, axis: Any) -> Any:
    if i == 1:
        return -y * np.sum(y * t, axis=axis, keepdims=True)
    t = _from_largest(t, a, axis)
    return y * (t - np.sum(_weighted(b, y) * t, axis=axis, keepdims=True))


_portions = Primitive("portions", _portions_of, push=_push_portions)


def _push_logsumexp(
    i: int, t: Any, y: Any, a: Any, b: Any = 1.0, axis: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    a, b, t = np.broadcast_arrays(a, b, t)
    portion = apply(_portions, (a, b), {"axis": axis})
    rate = np.sum((_weighted(b, portion) if i == 0 else portion) * t, axis=axis, keepdims=keepdims)
    if return_sign:
        return rate, None
    lost = np.isnan(concrete(y))  # the logarithm of a negative sum
    return rate * np.where(lost, np.nan, 1.0) if np.any(lost) else rate


def _push_softmax(i: int, t: Any, y: Any, x: Any, axis: Any = None) -> Any:
    t = _from_largest(t, x, axis)
    return y * (t - np.sum(y * t, axis=axis, keepdims=True))


def _push_log_softmax(i: int, t: Any, y: Any, x: Any, axis: Any = None) -> Any:
    t = _from_largest(t, x, axis)
    return t - np.sum(apply(_portions, (x, 1.0), {"axis": axis}) * t, axis=axis, keepdims=True)


_logsumexp = Primitive(
    "scipy.special.logsumexp", lambda a, b=None, **options: special.logsumexp(a, b=b, **options), push=_push_logsumexp
)


def _call_logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    operands = (listed(a),) if b is None else (listed(a), listed(b))
    if any(map(np.iscomplexobj, operands)):
        refuse("scipy.special.logsumexp of complex numbers is not traced", "np.log(np.sum(b * np.exp(a)))")
    given = {"axis": axis, "keepdims": keepdims, "return_sign": return_sign}
    said = {name: value for name, value in given.items() if value is not None and value is not False}
    return apply(_logsumexp, operands, said)


MEANINGS[special.logsumexp] = _call_logsumexp
for _function, _push in ((special.softmax, _push_softmax), (special.log_softmax, _push_log_softmax)):
    _name = f"scipy.special.{_function.__name__}"
    declare(Primitive(_name, _function, push=_push), _function, _function)


# Written in ufuncs.


@composed(special.polygamma, 2)
def _polygamma(n: Any, x: Any) -> Any:
    higher = np.where(np.equal(n, 0), 1, n)
    other = (-1.0) ** (higher + 1) * special.gamma(higher + 1.0) * special.zeta(higher + 1.0, x)
    return np.where(np.equal(n, 0), special.psi(x), other)


@composed(special.comb, 2)
def _comb(N: Any, k: Any) -> Any:
    possible = np.logical_and(np.less_equal(k, N), np.logical_and(np.greater_equal(N, 0), np.greater_equal(k, 0)))
    return np.where(possible, special.binom(N, k), 0.0)


@composed(special.perm, 2)
def _perm(N: Any, k: Any) -> Any:
    possible = np.logical_and(np.less_equal(k, N), np.logical_and(np.greater_equal(N, 0), np.greater_equal(k, 0)))
    return np.where(possible, special.poch(N - k + 1.0, k), 0.0)


composed(special.factorial)(
    lambda n: np.where(np.less(n, 0), 0.0, special.gamma(np.where(np.less(n, 0), 0.0, n) + 1.0))
)
composed(special.multigammaln)(lambda a, d: functools.reduce(np.add, [special.gammaln(a - j / 2) for j in range(d)]))
if hasattr(special, "softplus") and not isinstance(special.softplus, np.ufunc):  # SciPy 1.15
    composed(special.softplus)(lambda x: np.logaddexp(0.0, x))
