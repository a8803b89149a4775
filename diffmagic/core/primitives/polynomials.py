"""Polynomials as arrays of coefficients, highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.primitives import define_kernel, implements, primitive_of, said
from diffmagic.core.tracing import apply, composite, concrete, refuse


def _vector(p: Any) -> Any:
    """Coefficients as an array of one dimension at least."""
    return np.atleast_1d(np.stack(p) if isinstance(p, list | tuple) else p)


# Values.


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    result: Any = np.zeros_like(x)
    for coefficient in np.stack(p) if isinstance(p, list | tuple) else p:
        result = result * x + coefficient
    return result


@composite(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    count = np.size(x) if N is None else N
    powers = np.stack([x**k for k in range(count)], axis=-1)
    return powers if increasing else np.flip(powers, axis=-1)


# Arithmetic.


@composite(np.polyadd, operands=2)
def _polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = _vector(a1), _vector(a2)
    count = max(np.size(a1), np.size(a2))
    return np.pad(a1, (count - np.size(a1), 0)) + np.pad(a2, (count - np.size(a2), 0))


@composite(np.polysub, operands=2)
def _polysub(a1: Any, a2: Any) -> Any:
    return np.polyadd(a1, -_vector(a2))


@composite(np.polymul, operands=2)
def _polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(_vector(a1), _vector(a2))


@composite(np.polydiv, operands=2)
def _polydiv(u: Any, v: Any) -> Any:
    """Long division. As many leading zeros of the remainder are left out as NumPy leaves out."""
    _, kept = np.polydiv(concrete(u), concrete(v))
    u, v = _vector(u) + 0.0, _vector(v) + 0.0
    steps = np.size(u) - np.size(v) + 1
    rest, quotient = u, []
    for k in range(steps):
        quotient.append(rest[k] / v[0])
        rest = rest - np.pad(quotient[-1] * v, (k, steps - 1 - k))
    return np.stack(quotient) if quotient else np.zeros(1), rest[np.size(u) - np.size(kept) :]


@composite(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    p = _vector(p)
    for _ in range(m):
        p = p[:-1] * np.arange(np.size(p) - 1, 0, -1)
    return p


def _integral(p: Any, k: Any = 0.0, m: int = 1) -> Any:
    constants = np.broadcast_to(_vector(k), m)
    p = _vector(p)
    for n in range(m):
        p = np.append(p / np.arange(np.size(p), 0, -1), constants[n])
    return p


define_kernel(np.polyint, body=_integral).function = lambda p, k=None, m=1: np.polyint(p, m, k)


@implements(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    return apply(primitive_of(np.polyint), (p,) if k is None else (p, _vector(k)), said(m=(m, 1)))


# Roots.


def _product(zeros: Any) -> Any:
    """The product of (x - root) over all roots, or over the eigenvalues of a matrix."""
    roots = np.linalg.eigvals(zeros) if np.ndim(zeros) == 2 else zeros
    product: Any = np.ones(1)
    for root in roots:
        product = np.append(product, 0.0) - root * np.append(0.0, product)
    return np.real(product) if np.isrealobj(np.poly(concrete(zeros))) else product


define_kernel(np.poly, body=_product)


@implements(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    return apply(primitive_of(np.poly), (_vector(seq_of_zeros),))


def _push_roots(i: int, t: Any, y: Any, p: Any) -> Any:
    """The root stays one: p(y) = 0, so p'(y) dy = -dp(y). A multiple root has no derivative."""
    return -np.polyval(t, y) / np.polyval(np.polyder(p), y)


define_kernel(np.roots, push=_push_roots)


@implements(np.roots)
def _roots(p: Any) -> Any:
    return apply(primitive_of(np.roots), (_vector(p),))


# Least squares.


def _polyfit(x: Any, y: Any, w: Any = None, *, deg: int, rcond: Any = None, cov: Any = False) -> Any:
    """As NumPy does: the columns of the matrix are scaled to the length of one."""
    rows, right = np.vander(x, deg + 1), y
    if w is not None:
        rows = rows * np.expand_dims(w, 1)
        right = right * (np.expand_dims(w, 1) if np.ndim(y) == 2 else w)
    scale = np.sqrt(np.sum(rows * rows, axis=0))
    solution, residuals, *_ = np.linalg.lstsq(
        rows / scale, right, np.size(x) * np.finfo(float).eps if rcond is None else rcond
    )
    found = np.moveaxis(np.moveaxis(solution, 0, -1) / scale, -1, 0)
    if not cov:
        return found
    base = np.linalg.inv(np.matmul(np.transpose(rows / scale), rows / scale)) / np.outer(scale, scale)
    if cov == "unscaled":
        return found, base
    factor = residuals / (np.size(x) - deg - 1)
    return found, base * factor if np.ndim(y) == 1 else np.expand_dims(base, -1) * factor


define_kernel(np.polyfit, body=_polyfit).function = lambda x, y, w=None, **options: np.polyfit(x, y, w=w, **options)


@implements(np.polyfit)
def _polyfit_of(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    if full:
        refuse("np.polyfit with full=True is not traced", "np.polyfit(x, y, deg), and the residuals from np.polyval")
    if np.ndim(deg):
        refuse("np.polyfit with a list of powers is not traced", "np.linalg.lstsq of the powers of x")
    options = {"deg": deg, **said(rcond=(rcond, None), cov=(cov, False))}
    return apply(primitive_of(np.polyfit), (x, y) if w is None else (x, y, w), options)
