"""Linear algebra: the factorisations and inverses have a rule each, all other functions are written in these.

Most rules give the tangent alone; its transpose is found by tracing. `t` is the tangent of a matrix, or of each matrix
of a stack, and Aᴴ is the conjugate transpose.

Conventions
-----------
Symmetric matrices
    `cholesky`, `eigh` and `eigvalsh` read one triangle, and their derivative belongs to it, as differences find. That
    of (A + Aᴴ) / 2, which other libraries give, has half of each element off the diagonal in either triangle.
Equal eigenvalues or singular values
    The vectors of values that agree to working precision are any basis of their subspace. They have no derivative, and
    what is computed from them gets NaN: leaving their terms out would be right for a projection and wrong, without a
    word, for V f(Λ) Vᴴ. The values themselves, and sums over all of them, have theirs.
Singular values of zero
    They have a kink, as the absolute value has: the mean of the one-sided derivatives is 0.

References
----------
M. Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation", Oxford University 2008.
"""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from diffmagic.core.primitives import HANDLERS, Primitive, define_kernel, implements, primitive_of
from diffmagic.core.tracing import apply, composite, concrete, refuse

_MISSING: Any = np._NoValue


def adjoint(a: Any) -> Any:
    a = np.matrix_transpose(a)
    return np.conjugate(a) if np.iscomplexobj(a) else a


def _hermitian(a: Any) -> Any:
    return (a + adjoint(a)) / 2


def mirrored(a: Any, lower: bool = True) -> Any:
    """The symmetric matrix of which one triangle is read."""
    half = np.tril(a, -1) if lower else np.triu(a, 1)
    return half + adjoint(half) + _real(a) * np.eye(np.shape(a)[-1], dtype=bool)


def _real(a: Any) -> Any:
    return np.real(a) if np.iscomplexobj(a) else a


def _strict_triangle(a: Any) -> Any:
    """The part below the diagonal."""
    rows, columns = np.shape(a)[-2:]
    return a * np.tri(rows, columns, k=-1, dtype=bool)


def _whole(scalars: Any) -> Any:
    """One number for each matrix, as a matrix that broadcasts."""
    return np.expand_dims(scalars, (-2, -1))


def _precision(a: Any) -> float:
    return float(np.finfo(np.result_type(a)).eps)


def _is_zero(gaps: Any, values: Any) -> Any:
    """Where a gap is zero to the precision that `values`, in the last axis, can have."""
    gaps, sizes = np.abs(concrete(gaps)), np.abs(concrete(values))
    tolerance = 4 * np.shape(sizes)[-1] * _precision(sizes) * np.max(sizes, axis=-1, keepdims=True, initial=0)
    return gaps <= (tolerance if np.ndim(gaps) == np.ndim(sizes) else np.expand_dims(tolerance, -1))


def _reciprocal(gaps: Any, values: Any) -> Any:
    """1 / gaps; NaN where a gap is closed, but 0 on the diagonal, where a vector meets itself."""
    closed = _is_zero(gaps, values)
    at_closed: Any = np.nan
    if np.ndim(gaps) > np.ndim(values):
        at_closed = np.where(np.eye(np.shape(gaps)[-1], dtype=bool), 0.0, np.nan)
    return np.where(closed, at_closed, 1 / np.where(closed, 1.0, gaps))


def _record_matrix_function(function: Any) -> None:
    primitive = primitive_of(function)
    HANDLERS[function] = lambda a: apply(primitive, (a,))


# Systems of equations and inverses.


def _push_solve(i: int, t: Any, y: Any, a: Any, b: Any) -> Any:
    if i == 1:
        return np.linalg.solve(a, t)
    if np.ndim(b) == 1:
        return -np.squeeze(np.linalg.solve(a, np.matmul(t, np.expand_dims(y, -1))), -1)
    return -np.linalg.solve(a, np.matmul(t, y))


def _pull_solve(i: int, g: Any, y: Any, a: Any, b: Any) -> Any:
    if np.ndim(b) == 1:
        g, y = np.expand_dims(g, -1), np.expand_dims(y, -1)
    part = np.linalg.solve(np.matrix_transpose(a), g)
    if i == 0:
        return -np.matmul(part, np.matrix_transpose(y))
    return np.squeeze(part, -1) if np.ndim(b) == 1 else part


def _push_inv(i: int, t: Any, y: Any, a: Any) -> Any:
    return -np.matmul(np.matmul(y, t), y)


def _push_pinv(i: int, t: Any, y: Any, a: Any, **cutoff: Any) -> Any:
    """At constant rank: G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413-432, equation (4.12)."""
    yh, u = adjoint(y), adjoint(t)
    outside_range = u - np.matmul(np.matmul(u, a), y)
    outside_rows = u - np.matmul(y, np.matmul(a, u))
    return (
        np.matmul(np.matmul(y, yh), outside_range)
        + np.matmul(outside_rows, np.matmul(yh, y))
        - np.matmul(np.matmul(y, t), y)
    )


define_kernel(np.linalg.solve, push=_push_solve, pull=_pull_solve)
define_kernel(np.linalg.inv, push=_push_inv)
define_kernel(np.linalg.pinv, push=_push_pinv)
_record_matrix_function(np.linalg.inv)


@implements(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    return apply(primitive_of(np.linalg.solve), (a, b))


@implements(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, *, rtol: Any = _MISSING) -> Any:
    cutoff = ({} if rcond is None else {"rcond": rcond}) | ({} if rtol is _MISSING else {"rtol": rtol})
    return apply(primitive_of(np.linalg.pinv), (a,), cutoff)


@composite(np.linalg.lstsq, operands=2)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    rows, columns = np.shape(a)
    precision = _precision(a)
    cutoff = precision * max(rows, columns) if rcond is None else precision if rcond == -1 else rcond
    rank = int(np.linalg.matrix_rank(concrete(a), rtol=cutoff))
    x = np.matmul(np.linalg.pinv(a, rcond=cutoff), b)
    residuals: Any = np.zeros(0)
    if rank == columns < rows:
        residuals = np.atleast_1d(np.sum(np.square(np.abs(np.matmul(a, x) - b)), axis=0))
    return x, residuals, rank, np.linalg.svdvals(a)


@composite(np.linalg.tensorsolve, operands=2)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        a = np.moveaxis(a, axes, range(-len(axes), 0))
    unknown = np.shape(a)[np.ndim(b) :]
    return np.reshape(np.linalg.solve(np.reshape(a, (np.size(b), -1)), np.ravel(b)), unknown)


@composite(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    shape = np.shape(a)
    left, right = shape[:ind], shape[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (int(np.prod(left)), -1))), right + left)


# Determinants. Their gradient is the matrix of cofactors, which is det(A) A⁻ᵀ where A has an inverse.


def _cofactors_by_svd(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    others = np.prod(np.where(np.eye(np.shape(a)[-1], dtype=bool), 1, np.expand_dims(s, -2)), axis=-1)
    sign = _whole(np.linalg.det(u) * np.linalg.det(vh))
    return sign * np.matmul(np.conjugate(u) * np.expand_dims(others, -2), np.conjugate(vh))


def _cofactors_by_minors(a: Any) -> Any:
    n = np.shape(a)[-1]
    places = np.arange(n)
    others = np.array([np.delete(places, k) for k in places], int)
    minors = a[..., others[:, None, :, None], others[None, :, None, :]]
    return np.linalg.det(minors) * (-1.0) ** (places[:, None] + places)


_cofactors = Primitive("cofactors", _cofactors_by_svd, body=_cofactors_by_minors)


def _gradient_det(y: Any, a: Any) -> Any:
    """The cofactors, by the inverse where it is good to half of the digits: higher orders divide by it again."""
    if np.all(concrete(y)):
        inverse = np.linalg.inv(a)
        condition = np.linalg.norm(concrete(a), axis=(-2, -1)) * np.linalg.norm(concrete(inverse), axis=(-2, -1))
        if np.all(condition < _precision(a) ** -0.5):
            return _whole(y) * np.matrix_transpose(inverse)
    return apply(_cofactors, (a,))


def _push_det(i: int, t: Any, y: Any, a: Any) -> Any:
    return np.sum(_gradient_det(y, a) * t, axis=(-2, -1))


def _push_slogdet(i: int, t: Any, y: Any, a: Any) -> Any:
    """The trace of A⁻¹t; for a singular matrix that of its cofactors over zero, which is infinite."""
    sign, _ = y
    singular = np.equal(concrete(sign), 0)
    regular = np.where(_whole(singular), np.eye(np.shape(a)[-1], dtype=np.result_type(a)), a) if np.any(singular) else a
    rate = np.sum(np.matrix_transpose(np.linalg.inv(regular)) * t, axis=(-2, -1))
    if np.any(singular):
        change = np.sum(apply(_cofactors, (a,)) * t, axis=(-2, -1))
        rate = np.where(singular, change / np.where(singular, 0.0, 1.0), rate)
    return sign * (1j * np.imag(rate)) if np.iscomplexobj(rate) else None, _real(rate)


define_kernel(np.linalg.det, push=_push_det)
define_kernel(np.linalg.slogdet, push=_push_slogdet)
_record_matrix_function(np.linalg.det)
_record_matrix_function(np.linalg.slogdet)


# Triangular factors.


def _push_cholesky(i: int, t: Any, y: Any, a: Any, upper: bool = False) -> Any:
    """L Φ(L⁻¹ t L⁻ᴴ), where Φ takes the lower triangle with half of the diagonal."""
    lower = adjoint(y) if upper else y
    inverse = np.linalg.inv(lower)
    inner = np.matmul(np.matmul(inverse, mirrored(t, not upper)), adjoint(inverse))
    change = np.matmul(lower, _strict_triangle(inner) + inner * np.eye(np.shape(y)[-1], dtype=bool) / 2)
    return adjoint(change) if upper else change


def _push_qr(i: int, t: Any, y: Any, a: Any) -> Any:
    """S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions", arXiv:1001.1654, 2010."""
    q, r = y
    k = np.shape(r)[-2]
    change = np.matrix_transpose(np.linalg.solve(np.matrix_transpose(r[..., :k]), np.matrix_transpose(t[..., :k])))
    inner = np.matmul(adjoint(q), change)
    below = _strict_triangle(inner)
    turn = below - adjoint(below)
    if np.iscomplexobj(inner):
        turn = turn + 1j * np.imag(inner) * np.eye(k, dtype=bool)  # the diagonal of R stays real
    return change - np.matmul(q, inner - turn), np.triu(np.matmul(adjoint(q), t) - np.matmul(turn, r))


define_kernel(np.linalg.cholesky, push=_push_cholesky)
define_kernel(np.linalg.qr, push=_push_qr)


@implements(np.linalg.cholesky)
def _cholesky(a: Any, *, upper: bool = False) -> Any:
    return apply(primitive_of(np.linalg.cholesky), (a,), {"upper": True} if upper else {})


@implements(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    rows, columns = np.shape(a)[-2:]
    if mode == "complete" and rows > columns:
        refuse(
            f"the last {rows - columns} columns of Q are not determined by the matrix, so they have no derivative",
            'np.linalg.qr(a), whose mode is "reduced"',
        )
    if mode not in ("reduced", "complete", "r"):
        refuse(f"np.linalg.qr with mode={mode!r} has no derivative here", 'mode="reduced"')
    factors = apply(primitive_of(np.linalg.qr), (a,))
    return factors.R if mode == "r" else factors


# Eigenvalues and singular values.


def _push_eigh(i: int, t: Any, y: Any, a: Any, UPLO: str = "L") -> Any:
    w, v = y
    moved = np.matmul(mirrored(t, UPLO in "Ll"), v)
    change = _real(np.sum(np.conjugate(v) * moved, axis=-2))
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    return change, np.matmul(v, _reciprocal(gaps, w) * np.matmul(adjoint(v), moved))


def _push_eig(i: int, t: Any, y: Any, a: Any) -> Any:
    """The columns of V keep unit length, and the component that is real stays real, as LAPACK has them."""
    w, v = y
    inner = np.linalg.solve(v, np.matmul(t, v))
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    change = np.matmul(v, _reciprocal(gaps, w) * inner)
    along = _real(np.sum(np.conjugate(v) * change, axis=-2, keepdims=True))
    if np.iscomplexobj(v):
        fixed = np.where(np.imag(concrete(v)) == 0, np.abs(concrete(v)), -1.0)
        k = np.argmax(fixed, axis=-2, keepdims=True)
        phase = np.imag(np.take_along_axis(change, k, axis=-2)) / np.real(np.take_along_axis(v, k, axis=-2))
        along = along + 1j * phase
    return np.linalg.diagonal(inner), change - v * along


def _push_svd(i: int, t: Any, y: Any, a: Any, full_matrices: bool = True) -> Any:
    """Giles's rule, with UᴴtV split into its symmetric part, over sⱼ - sᵢ, and the rest, over sⱼ + sᵢ."""
    u, s, vh = y
    v = adjoint(vh)
    moved = np.matmul(t, v)
    inner = np.matmul(adjoint(u), moved)
    symmetric = _hermitian(inner)
    column, row = np.expand_dims(s, -2), np.expand_dims(s, -1)
    turn = _reciprocal(column - row, s) * symmetric
    twist = _reciprocal(column + row, s) * (inner - symmetric)
    du, dv = np.matmul(u, turn + twist), np.matmul(v, turn - twist)
    rows, columns = np.shape(a)[-2:]
    if rows > columns:
        du = du + (moved - np.matmul(u, inner)) * np.expand_dims(_reciprocal(s, s), -2)
    if columns > rows:
        dv = dv + (np.matmul(adjoint(t), u) - np.matmul(v, adjoint(inner))) * np.expand_dims(_reciprocal(s, s), -2)
    ds = np.where(_is_zero(s, s), 0.0, _real(np.linalg.diagonal(inner)))
    return du, ds, adjoint(dv)


define_kernel(np.linalg.eigh, push=_push_eigh)
define_kernel(np.linalg.eig, push=_push_eig)
define_kernel(np.linalg.svd, push=_push_svd)
_record_matrix_function(np.linalg.eig)
primitive_of(np.linalg.matrix_rank)


@implements(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:
    return apply(primitive_of(np.linalg.eigh), (a,), {} if UPLO == "L" else {"UPLO": UPLO})


@composite(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    return np.linalg.eigh(a, UPLO).eigenvalues


@implements(np.linalg.eigvals)
def _eigvals(a: Any) -> Any:
    return np.linalg.eig(a).eigenvalues  # LAPACK may order them differently when it computes them alone


def refuse_undetermined(a: Any, svd: str) -> None:
    """A full basis for a matrix that is not square has singular vectors that could be any."""
    rows, columns = np.shape(a)[-2:]
    if rows != columns:
        refuse(
            f"the last {abs(rows - columns)} singular vectors are not determined by the matrix, so they have no "
            "derivative",
            f"{svd}(a, full_matrices=False)",
        )


@implements(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    if not compute_uv:
        return np.linalg.svdvals(a)
    if full_matrices:
        refuse_undetermined(a, "np.linalg.svd")
    return apply(primitive_of(np.linalg.svd), (a,), {"full_matrices": False})


@composite(np.linalg.svdvals)
def _svdvals(x: Any) -> Any:
    return np.linalg.svd(x, full_matrices=False).S


@implements(np.linalg.matrix_rank)
def _matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    return apply(primitive_of(np.linalg.matrix_rank), (A,), {"tol": tol, "hermitian": hermitian, "rtol": rtol})


# Norms.


def _root(square: Any) -> Any:
    """The square root, with slope zero at zero."""
    zero = np.equal(square, 0)
    return np.where(zero, 0.0, np.sqrt(np.where(zero, 1.0, square)))


def _norm_of_vectors(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    size = np.abs(x)
    if ord == np.inf:
        return np.max(size, axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if ord == 2:
        square = np.square(np.real(x)) + np.square(np.imag(x)) if np.iscomplexobj(x) else np.square(x)
        return _root(np.sum(square, axis=axis, keepdims=keepdims))
    return _power_mean(size, ord, axis, keepdims)


def _power_mean(size: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    """(Σ sizeᵖ)^(1/p), with slope zero where a size, or the sum, is zero."""
    zero = np.equal(size, 0)
    total = np.sum(np.where(zero, 0.0, np.where(zero, 1.0, size) ** ord), axis=axis, keepdims=keepdims)
    flat = (np.all if ord > 0 else np.any)(zero, axis=axis, keepdims=keepdims)
    return np.where(flat, 0.0, np.where(flat, 1.0, total) ** (1 / ord))


def _norm_of_matrices(x: Any, ord: Any, axis: tuple[int, int], keepdims: bool) -> Any:
    if ord in (None, "fro", "f"):
        return _norm_of_vectors(x, 2, axis, keepdims)
    if ord in ("nuc", 2, -2):
        reduce: Any = {"nuc": np.sum, 2: np.max, -2: np.min}[ord]
        found = reduce(np.linalg.svdvals(np.moveaxis(x, axis, (-2, -1))), axis=-1)
        return np.expand_dims(found, tuple(k % np.ndim(x) for k in axis)) if keepdims else found
    rows, columns = axis
    if abs(ord) == np.inf:
        rows, columns = columns, rows
    sums = np.sum(np.abs(x), axis=rows, keepdims=True)
    found = (np.max if ord > 0 else np.min)(sums, axis=columns, keepdims=True)
    return found if keepdims else np.squeeze(found, axis)


@composite(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None and ord is not None and np.ndim(x) == 2:
        axis = (0, 1)
    if isinstance(axis, tuple) and len(axis) == 2:
        return _norm_of_matrices(x, ord, axis, bool(keepdims))
    return _norm_of_vectors(x, 2 if ord is None else ord, axis, bool(keepdims))


@composite(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    return _norm_of_vectors(x, ord, axis, bool(keepdims))


@composite(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _norm_of_matrices(x, ord, (-2, -1), bool(keepdims))


@composite(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.linalg.matrix_norm(x, ord=p) * np.linalg.matrix_norm(np.linalg.inv(x), ord=p)


# Products.


@composite(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    if n < 0:
        return np.linalg.matrix_power(np.linalg.inv(a), -n)
    if n == 0:
        return np.broadcast_to(np.eye(np.shape(a)[-1], dtype=np.result_type(a)), np.shape(a))
    if n == 1:
        return a
    half = np.linalg.matrix_power(a, n // 2)
    square = np.matmul(half, half)
    return np.matmul(square, a) if n % 2 else square


def _chain(*arrays: Any) -> Any:
    """The product of matrices, the first and the last of which may be vectors, in the best order."""
    letters = string.ascii_letters[: len(arrays) + 1]
    terms = [letters[k : k + 2] for k in range(len(arrays))]
    if np.ndim(arrays[0]) == 1:
        terms[0] = terms[0][1:]
    if np.ndim(arrays[-1]) == 1:
        terms[-1] = terms[-1][:1]
    ends = terms[0][:-1] + terms[-1][1:]
    return np.einsum(f"{','.join(terms)}->{ends}", *arrays, optimize=True)


define_kernel(np.linalg.multi_dot, body=_chain).function = lambda *arrays: np.linalg.multi_dot(arrays)


@implements(np.linalg.multi_dot)
def _multi_dot(arrays: Any) -> Any:
    return apply(primitive_of(np.linalg.multi_dot), tuple(arrays))


# Second names, by the array API standard.


@implements(np.linalg.outer)
def _outer(x1: Any, x2: Any, /) -> Any:
    return np.outer(x1, x2)


@implements(np.linalg.cross)
def _cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.cross(x1, x2, axis=axis)


@implements(np.linalg.trace)
def _trace(x: Any, /, *, offset: int = 0) -> Any:
    return np.trace(x, offset, -2, -1)


@implements(np.linalg.diagonal)
def _diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


@implements(np.linalg.matmul)
def _matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@implements(np.linalg.tensordot)
def _tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return np.tensordot(x1, x2, axes=axes)


@composite(np.linalg.vecdot, operands=2)
def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.vecdot(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1))


@implements(np.linalg.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Any:
    return np.matrix_transpose(x)
