"""The functions of `scipy.linalg`: the rules are those of `np.linalg`, the numbers SciPy's own.

Where SciPy reads one triangle of a matrix, the derivative belongs to it, as in `np.linalg`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from diffmagic.core.hook import call
from diffmagic.core.libraries import composed, declare, listed, push_of, shares
from diffmagic.core.libraries import find as find
from diffmagic.core.meanings import means
from diffmagic.core.primitives import Primitive
from diffmagic.core.primitives.linalg import adjoint, refuse_undetermined
from diffmagic.core.tracing import apply, concrete, refuse


def _turned(a: Any, conjugate: bool = True) -> Any:
    return adjoint(a) if conjugate else np.matrix_transpose(a)


def _mirrored(a: Any, lower: bool = False, conjugate: bool = True) -> Any:
    """The symmetric matrix of which this is one triangle."""
    half = np.tril(a) if lower else np.triu(a)
    diagonal = np.real(half) if conjugate and np.iscomplexobj(half) else half
    return np.where(np.eye(np.shape(a)[-1], dtype=bool), diagonal, half + _turned(half, conjugate))


def _triangle(a: Any, lower: Any, unit_diagonal: Any = False) -> Any:
    if unit_diagonal:
        return np.eye(np.shape(a)[-1]) + (np.tril(a, -1) if lower else np.triu(a, 1))
    return np.tril(a) if lower else np.triu(a)


_symmetric = Primitive("symmetric", _mirrored, push=lambda i, t, y, a, **triangle: _mirrored(t, **triangle))


def _square(name: str, a: Any) -> None:
    if np.ndim(a) != 2 or np.shape(a)[0] != np.shape(a)[1]:
        refuse(f"{name} of other than a square matrix is not traced", "np.linalg.qr(a)")


# The same as in NumPy.

shares(linalg.inv, np.linalg.inv)
shares(linalg.det, np.linalg.det)
shares(linalg.eig, np.linalg.eig)
shares(linalg.norm, np.linalg.norm)
shares(linalg.svdvals, np.linalg.svdvals)
declare(
    Primitive("scipy.linalg.pinv", linalg.pinv, push=push_of(np.linalg.pinv)),
    linalg.pinv,
    lambda a, *, atol=None, rtol=None: None,
)


@means(linalg.eigvals)
def _eigvals(a: Any) -> Any:
    return call(linalg.eig, a)[0]  # SciPy may order them differently when it computes them alone


# Systems of equations.

_STRUCTURES = dict.fromkeys(("sym", "symmetric"), False) | dict.fromkeys(
    ("her", "hermitian", "pos", "positive definite"), True
)  # and whether the other triangle is conjugate


@composed(linalg.solve, 2)
def _solve(a: Any, b: Any, lower: Any = False, assume_a: Any = None, transposed: Any = False) -> Any:
    if assume_a in _STRUCTURES:
        a = apply(_symmetric, (a,), {"lower": bool(lower), "conjugate": _STRUCTURES[assume_a]})
    elif assume_a not in (None, "gen", "general"):
        refuse(f"scipy.linalg.solve with assume_a={assume_a!r} has no derivative here", "leave assume_a out")
    return np.linalg.solve(np.matrix_transpose(a) if transposed else a, b)


@composed(linalg.solve_triangular, 2)
def _solve_triangular(a: Any, b: Any, trans: Any = 0, lower: Any = False, unit_diagonal: Any = False) -> Any:
    a = _triangle(a, lower, unit_diagonal)
    if trans not in (0, "N"):
        a = _turned(a, conjugate=trans in (2, "C"))
    return np.linalg.solve(a, b)


# Cholesky factors.


def _push_cholesky(i: int, t: Any, y: Any, a: Any, lower: Any = False) -> Any:
    return push_of(np.linalg.cholesky)(i, t, y, a, upper=not lower)


def _push_cho_factor(i: int, t: Any, y: Any, a: Any, lower: Any = False) -> Any:
    """The other triangle holds what was there."""
    return _push_cholesky(i, t, _triangle(y, lower), a, lower) + (np.triu(t, 1) if lower else np.tril(t, -1))


def _solve_by_cholesky(c: Any, b: Any, lower: Any) -> Any:
    factor = _triangle(c, lower)
    first, second = (factor, adjoint(factor)) if lower else (adjoint(factor), factor)
    return np.linalg.solve(second, np.linalg.solve(first, b))


_cho_factor = Primitive(
    "scipy.linalg.cho_factor", lambda a, lower=False: linalg.cho_factor(a, lower)[0], push=_push_cho_factor
)
_cho_solve = Primitive(
    "scipy.linalg.cho_solve", lambda c, b, lower: linalg.cho_solve((c, lower), b), body=_solve_by_cholesky
)
declare(
    Primitive("scipy.linalg.cholesky", linalg.cholesky, push=_push_cholesky),
    linalg.cholesky,
    lambda a, lower=False: None,
)


@means(linalg.cho_factor)
def _call_cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return apply(_cho_factor, (listed(a),), {"lower": True} if lower else {}), lower


@means(linalg.cho_solve)
def _call_cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    c, lower = c_and_lower
    return apply(_cho_solve, (c, listed(b)), {"lower": bool(lower)})


# Factors of Gauss, P L U.


def _push_lu(i: int, t: Any, y: Any, a: Any) -> Any:
    permutation, lower, upper = y
    inner = np.linalg.solve(lower, np.matmul(np.matrix_transpose(permutation), t))
    inner = np.matmul(inner, np.linalg.inv(upper))
    return None, np.matmul(lower, np.tril(inner, -1)), np.matmul(np.triu(inner), upper)


def _order(piv: Any) -> Any:
    """The rows after the exchanges of pivoting."""
    order = np.arange(len(concrete(piv)))
    for k, other in enumerate(concrete(piv)):
        order[[k, other]] = order[[other, k]]
    return order


def _push_lu_factor(i: int, t: Any, y: Any, a: Any) -> Any:
    factors, piv = y
    lower, upper = _triangle(factors, True, unit_diagonal=True), _triangle(factors, False)
    _, below, above = _push_lu(0, t[_order(piv)], (np.eye(len(t)), lower, upper), a)
    return below + above, None


def _solve_by_lu(lu: Any, piv: Any, b: Any, trans: Any = 0) -> Any:
    lower, upper = _triangle(lu, True, unit_diagonal=True), _triangle(lu, False)
    if trans == 0:
        return np.linalg.solve(upper, np.linalg.solve(lower, b[_order(piv)]))
    lower, upper = _turned(lower, trans == 2), _turned(upper, trans == 2)
    return np.linalg.solve(lower, np.linalg.solve(upper, b))[np.argsort(_order(piv))]


_lu = Primitive("scipy.linalg.lu", linalg.lu, push=_push_lu)
_lu_factor = Primitive("scipy.linalg.lu_factor", linalg.lu_factor, push=_push_lu_factor)
_lu_solve = Primitive(
    "scipy.linalg.lu_solve", lambda lu, piv, b, trans=0: linalg.lu_solve((lu, piv), b, trans), body=_solve_by_lu
)


@means(linalg.lu)
def _call_lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True, p_indices: bool = False
) -> Any:
    _square("scipy.linalg.lu", a)
    if p_indices:
        refuse("scipy.linalg.lu with p_indices=True is not traced", "p, l, u = scipy.linalg.lu(a)")
    p, lower, upper = apply(_lu, (listed(a),))
    return (np.matmul(concrete(p), lower), upper) if permute_l else (concrete(p), lower, upper)


@means(linalg.lu_factor)
def _call_lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    _square("scipy.linalg.lu_factor", a)
    return apply(_lu_factor, (listed(a),))


@means(linalg.lu_solve)
def _call_lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    lu, piv = lu_and_piv
    return apply(_lu_solve, (lu, piv, listed(b)), {"trans": trans} if trans else {})


# Orthogonal factors, singular values and eigenvalues.

_qr = Primitive("scipy.linalg.qr", lambda a: linalg.qr(a, mode="economic"), push=push_of(np.linalg.qr))
_svd = Primitive("scipy.linalg.svd", linalg.svd, push=push_of(np.linalg.svd))


def _push_eigh(i: int, t: Any, y: Any, a: Any, lower: bool = True) -> Any:
    return push_of(np.linalg.eigh)(i, t, y, a, "L" if lower else "U")


_eigh = Primitive("scipy.linalg.eigh", linalg.eigh, push=_push_eigh)


@means(linalg.qr)
def _call_qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    rows, columns = np.shape(a)[-2:]
    if pivoting or mode == "raw" or (mode in ("full", "r") and rows > columns):
        refuse(
            "scipy.linalg.qr with pivoting, with mode='raw' or, of more rows than columns, other than mode='economic' "
            "has no derivative here",
            "scipy.linalg.qr(a, mode='economic')",
        )
    q, r = apply(_qr, (listed(a),))
    return (r,) if mode == "r" else (q, r)


@means(linalg.svd)
def _call_svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
) -> Any:
    if not compute_uv:
        return call(linalg.svdvals, a)
    if full_matrices:
        refuse_undetermined(a, "scipy.linalg.svd")
    return apply(_svd, (listed(a),), {"full_matrices": False})


@composed(linalg.eigvalsh, 2)
def _eigvalsh(a: Any, b: Any = None, *, lower: Any = True) -> Any:
    a = apply(_symmetric, (a,), {"lower": bool(lower)})
    if b is not None:
        inverse = np.linalg.inv(np.linalg.cholesky(apply(_symmetric, (b,), {"lower": bool(lower)})))
        a = np.matmul(np.matmul(inverse, a), adjoint(inverse))
    return np.linalg.eigvalsh(a)


@means(linalg.eigh)
def _call_eigh(a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, **options: Any) -> Any:
    if eigvals_only:
        return call(linalg.eigvalsh, a, b, lower=lower, **options)
    if b is not None or options.keys() - {"overwrite_a", "overwrite_b", "check_finite"}:
        refuse(
            "scipy.linalg.eigh of two matrices or with these options has no derivative here",
            "eigh(a) of one matrix, or eigvalsh(a, b) without the vectors",
        )
    return apply(_eigh, (listed(a),), {} if lower else {"lower": False})


# The exponential: the derivative along t is the upper right block of the exponential of [[a, t], [0, a]].


def _along(a: Any, t: Any) -> Any:
    n = np.shape(a)[-1]
    below = np.concatenate([np.zeros_like(concrete(a)), a], axis=-1)
    return apply(_expm, (np.concatenate([np.concatenate([a, t], axis=-1), below], axis=-2),))[..., :n, n:]


_expm = Primitive(
    "scipy.linalg.expm",
    linalg.expm,
    push=lambda i, t, y, a: _along(a, t),
    pull=lambda i, g, y, a: _along(np.matrix_transpose(a), g),
)
declare(_expm, linalg.expm, lambda A: None)


# Matrices of a pattern.


def _blocks(*arrs: Any) -> Any:
    arrs = tuple(map(np.atleast_2d, arrs))
    widths = [np.shape(part)[1] for part in arrs]
    rows = [
        [part if j == k else np.zeros((len(part), width)) for k, width in enumerate(widths)]
        for j, part in enumerate(arrs)
    ]
    return np.block(rows)


_block_diag = Primitive("scipy.linalg.block_diag", linalg.block_diag, body=_blocks)


@means(linalg.block_diag)
def _call_block_diag(*arrs: Any) -> Any:
    return apply(_block_diag, tuple(map(listed, arrs)))


@composed(linalg.toeplitz, 2)
def _toeplitz(c: Any, r: Any = None) -> Any:
    c, r = np.ravel(c), np.conjugate(np.ravel(c)) if r is None else np.ravel(r)
    whole = np.concatenate([np.flip(c), r[1:]])
    return whole[np.arange(np.size(c) - 1, -1, -1)[:, None] + np.arange(np.size(r))]


@composed(linalg.hankel, 2)
def _hankel(c: Any, r: Any = None) -> Any:
    c = np.ravel(c)
    whole = np.concatenate([c, np.zeros(np.size(c) - 1) if r is None else np.ravel(r)[1:]])
    columns = np.size(c) if r is None else np.size(r)
    return whole[np.arange(np.size(c))[:, None] + np.arange(columns)]


@composed(linalg.circulant)
def _circulant(c: Any) -> Any:
    places = np.arange(np.size(c))
    return np.ravel(c)[places[:, None] - places]


@composed(linalg.solve_toeplitz, 2)
def _solve_toeplitz(c_or_cr: Any, b: Any) -> Any:
    return np.linalg.solve(_toeplitz(c_or_cr), b)
