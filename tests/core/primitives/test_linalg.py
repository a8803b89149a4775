"""Linear algebra against mpmath at 60 digits, on cases in one table, and where a derivative is delicate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest

from diffmagic import DiffmagicError, grad, hessian, jacobian, jvp, vjp
from diffmagic.core.primitives import HANDLERS

mp = mpmath.mp
la: Any = np.linalg
random = np.random.default_rng(20231)


def normal(*shape: int) -> np.ndarray:
    return random.normal(size=shape)


def complex_normal(*shape: int) -> np.ndarray:
    return normal(*shape) + 1j * normal(*shape)


def adjoint(a: Any) -> Any:
    return np.conjugate(np.swapaxes(a, -1, -2))


# The same functions in mpmath, on object arrays. Signs and phases are those of NumPy's result.


def matrix(a: Any) -> Any:
    return mp.matrix(a.tolist())


def array(m: Any) -> Any:
    return np.array(m.tolist(), object)


def exactly(a: Any) -> Any:
    """The same numbers in mpmath."""
    return np.vectorize(lambda z: mp.mpmathify(z.item() if isinstance(z, np.generic) else z), otypes=[object])(a)


def elements(vector: Any) -> Any:
    return np.array(list(vector), object)


def mp_inv(a: Any) -> Any:
    return array(matrix(a) ** -1)


def mp_pinv(a: Any) -> Any:
    return mp_inv(adjoint(a) @ a) @ adjoint(a) if len(a) >= len(a.T) else adjoint(a) @ mp_inv(a @ adjoint(a))


def mp_det(a: Any) -> Any:
    return mp.det(matrix(a))


def mirrored(a: Any, lower: bool = True) -> Any:
    """The symmetric matrix of one triangle."""
    half = np.tril(a, -1) if lower else np.triu(a, 1)
    return half + adjoint(half) + np.diag([mp.re(number) for number in np.diagonal(a)])


def mp_cholesky(a: Any, lower: bool = True) -> Any:
    return array(mp.cholesky(matrix(mirrored(a, lower))))


def mp_qr(a: Any) -> tuple[Any, Any]:
    k = min(a.shape)
    q, r = map(array, mp.qr(matrix(a[:, :k]), mode="skinny"))
    like = np.sign(np.real(np.diagonal(la.qr(a.astype(complex)).R)))
    phases = elements(r[j, j] / abs(r[j, j]) * like[j] for j in range(k))
    q = q * phases
    return q, adjoint(q) @ a


def mp_eigh(a: Any, lower: bool = True) -> tuple[Any, Any]:
    w, v = mp.eighe(matrix(mirrored(a, lower)))
    v = array(v)
    like = la.eigh(a.astype(complex)).eigenvectors
    return elements(w), v * [1 if np.real(p) > 0 else -1 for p in np.sum(v * np.conjugate(like), axis=0)]


def mp_svd(a: Any) -> tuple[Any, Any, Any]:
    u, s, vh = mp.svd_c(matrix(a), full_matrices=False)
    u, vh = array(u), array(vh)
    like = la.svd(a.astype(complex), full_matrices=False).U
    signs = np.array([1 if np.real(p) > 0 else -1 for p in np.sum(u * np.conjugate(like), axis=0)])
    return u * signs, elements(s), vh * signs[:, None]


def mp_eig(a: Any) -> tuple[Any, Any]:
    w, v = mp.eig(matrix(a))
    v = array(v)
    plain = a.astype(complex)
    like = la.eig(plain.real if not plain.imag.any() else plain)
    order = [int(np.argmin(np.abs(np.array(w, complex) - value))) for value in like.eigenvalues]
    columns = []
    for j, k in enumerate(order):
        seen = like.eigenvectors[:, j]
        fixed = int(np.argmax(np.where(np.imag(seen) == 0, np.abs(seen), -1)))
        size = mp.sqrt(sum(abs(part) ** 2 for part in v[:, k]))
        phase = v[fixed, k] / abs(v[fixed, k]) * np.sign(np.real(seen[fixed]))
        columns.append(v[:, k] / size / phase)
    return elements(w)[order], np.stack(columns, axis=-1)


def mp_norm(x: Any, p: Any) -> Any:
    """Along the last axis."""
    size = np.abs(x)
    if abs(p) == np.inf:
        return np.max(size, axis=-1) if p > 0 else np.min(size, axis=-1)
    return np.sum(size ** mp.mpf(p), axis=-1) ** (1 / mp.mpf(p))


def mp_matrix_norm(a: Any, p: Any) -> Any:
    if p in ("nuc", 2, -2):
        s = mp_svd(a)[1]
        return sum(s) if p == "nuc" else s[0] if p == 2 else s[-1]
    if p in (None, "fro"):
        return mp_norm(np.ravel(a), 2)
    sums = np.sum(np.abs(a), axis=0 if abs(p) == 1 else 1)
    return max(sums) if p > 0 else min(sums)


def mp_lstsq(a: Any, b: Any) -> Any:
    return mp_pinv(a) @ b


# The table.


@dataclass(frozen=True, eq=False)
class Case:
    """A function, the same on object arrays, and where to differentiate.

    Attributes
    ----------
    stacks : bool
        Whether the function takes stacks of its arguments as it stands.
    single : bool
        Whether the arguments decide the precision of the result.
    """

    name: str
    function: Callable[..., Any]
    exact: Callable[..., Any]
    args: tuple[np.ndarray, ...]
    stacks: bool = True
    single: bool = True

    @property
    def tangents(self) -> tuple[np.ndarray, ...]:
        generator = np.random.default_rng(7)
        return tuple(
            generator.normal(size=a.shape) + (1j * generator.normal(size=a.shape) if np.iscomplexobj(a) else 0)
            for a in self.args
        )

    def __repr__(self) -> str:
        return self.name


CASES: list[Case] = []


def case(name: str, function: Callable[..., Any], exact: Callable[..., Any], *args: np.ndarray, **flags: bool) -> None:
    CASES.append(Case(name, function, exact, args, **flags))


S, N, L = normal(3, 3) + 2 * np.eye(3), normal(3, 3), normal(4, 4)
TALL, WIDE = normal(4, 3), normal(2, 4)
C, D, CTALL, CWIDE = complex_normal(3, 3), complex_normal(3, 3), complex_normal(4, 2), complex_normal(2, 3)
SPD, CSPD = S @ S.T + np.eye(3), C @ adjoint(C) + np.eye(3)
SYMMETRIC, HERMITIAN = L + L.T, C + adjoint(C)
V, W, CV = normal(3), normal(3), complex_normal(3)
ROTATING = np.array([[0.3, -2.1, 0.4], [1.7, 0.5, -0.2], [0.6, 0.1, -1.3]])  # one real eigenvalue, two complex

for _kind, _a, _b in [("", S, N), ("-complex", C, D)]:
    case(f"inv{_kind}", la.inv, mp_inv, _a)
    case(f"solve{_kind}", la.solve, lambda a, b: mp_inv(a) @ b, _a, _b[:, :2])
    case(f"solve-vector{_kind}", la.solve, lambda a, b: mp_inv(a) @ b, _a, _b[0], stacks=False)
    case(f"det{_kind}", la.det, mp_det, _a)
    case(f"logdet{_kind}", lambda a: la.slogdet(a).logabsdet, lambda a: mp.log(abs(mp_det(a))), _a)
    case(f"sign{_kind}", lambda a: la.slogdet(a).sign, lambda a: mp_det(a) / abs(mp_det(a)), _a)
    for _n in (-3, -1, 0, 1, 2, 5):
        case(f"power{_n}{_kind}", lambda a, n=_n: la.matrix_power(a, n), lambda a, n=_n: array(matrix(a) ** n), _a)
    case(
        f"multi_dot{_kind}",
        lambda a, b: la.multi_dot([a, b, a.T, a]),
        lambda a, b: a @ b @ a.T @ a,
        _a,
        _b,
        stacks=False,
    )
    case(f"eigvals{_kind}", la.eigvals, lambda a: mp_eig(a)[0], _a)
for _kind, _a in [("-tall", TALL), ("-wide", WIDE), ("-complex-tall", CTALL), ("-complex-wide", CWIDE)]:
    case(f"pinv{_kind}", la.pinv, mp_pinv, _a)
    case(f"q{_kind}", lambda a: la.qr(a).Q, lambda a: mp_qr(a)[0], _a)
    case(f"r{_kind}", lambda a: la.qr(a)[1], lambda a: mp_qr(a)[1], _a)
    case(f"r-alone{_kind}", lambda a: la.qr(a, mode="r"), lambda a: mp_qr(a)[1], _a)
    case(f"svdvals{_kind}", la.svdvals, lambda a: mp_svd(a)[1], _a)
    case(
        f"svd-whole{_kind}",
        lambda a: (lambda u, s, vh: u @ (np.exp(s)[..., None] * vh))(*la.svd(a, full_matrices=False)),
        lambda a: (lambda u, s, vh: u @ (np.vectorize(mp.exp)(s)[:, None] * vh))(*mp_svd(a)),
        _a,
    )
    for _p in (None, "fro", "nuc", np.inf, -np.inf, 1, -1, 2, -2):
        case(f"norm-{_p}{_kind}", lambda a, p=_p: la.norm(a, p), lambda a, p=_p: mp_matrix_norm(a, p), _a, stacks=False)
    case(f"lstsq{_kind}", lambda a, b: la.lstsq(a, b)[0], mp_lstsq, _a, _a[:, ::-1] ** 2, stacks=False)
for _p in ("fro", "nuc", np.inf, -np.inf, 1, -1, 2, -2):
    case(f"matrix_norm-{_p}", lambda a, p=_p: la.matrix_norm(a, ord=p), lambda a, p=_p: mp_matrix_norm(a, p), TALL)
for _k, _name in enumerate(("u", "s", "vh")):
    for _kind, _a in [("-tall", TALL), ("-wide", WIDE), ("-square", S)]:
        case(f"{_name}{_kind}", lambda a, k=_k: la.svd(a, full_matrices=False)[k], lambda a, k=_k: mp_svd(a)[k], _a)
case("svd-square", lambda a: la.svd(a).U, lambda a: mp_svd(a)[0], S)
case("svd-values", lambda a: la.svd(a, compute_uv=False), lambda a: mp_svd(a)[1], TALL)
case("qr-complete-square", lambda a: la.qr(a, mode="complete").Q, lambda a: mp_qr(a)[0], S)
case("cholesky", la.cholesky, mp_cholesky, SPD)
case("cholesky-complex", la.cholesky, mp_cholesky, CSPD)
case("cholesky-upper", lambda a: la.cholesky(a, upper=True), lambda a: adjoint(mp_cholesky(a, lower=False)), CSPD)
case("cholesky-triangle", la.cholesky, mp_cholesky, np.tril(SPD))
for _uplo in "LU":
    _w = lambda a, u=_uplo: mp_eigh(a, u == "L")[0]
    case(f"w-{_uplo}", lambda a, u=_uplo: la.eigh(a, u).eigenvalues, _w, SYMMETRIC)
    case(f"eigvalsh-{_uplo}", lambda a, u=_uplo: la.eigvalsh(a, UPLO=u), _w, HERMITIAN)
case("v", lambda a: la.eigh(a)[1], lambda a: mp_eigh(a)[1], SYMMETRIC)
case(
    "projector",
    lambda a: la.eigh(a).eigenvectors[..., :2] @ adjoint(la.eigh(a).eigenvectors[..., :2]),
    lambda a: mp_eigh(a)[1][:, :2] @ adjoint(mp_eigh(a)[1][:, :2]),
    HERMITIAN,
)
for _kind, _a in [("", S @ np.diag([1.0, 2.0, 5.0]) @ la.inv(S)), ("-rotating", ROTATING), ("-complex", C)]:
    case(f"eig-w{_kind}", lambda a: la.eig(a).eigenvalues, lambda a: mp_eig(a)[0], _a)
    case(f"eig-v{_kind}", lambda a: la.eig(a)[1], lambda a: mp_eig(a)[1], _a)
for _p in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"):
    case(
        f"cond-{_p}",
        lambda a, p=_p: la.cond(a, p),
        lambda a, p=_p: (lambda q: mp_matrix_norm(a, q) * mp_matrix_norm(mp_inv(a), q))(2 if p is None else p),
        S,
    )
for _p in (np.inf, -np.inf, 1, -1, 2, -2, 3, 0.5, 1.5):
    case(f"vector-{_p}", lambda x, p=_p: la.norm(x, p), lambda x, p=_p: mp_norm(x, p), V, stacks=False)
    case(f"axis-{_p}", lambda x, p=_p: la.norm(x, p, axis=-1), lambda x, p=_p: mp_norm(x, p), TALL)
    case(f"vector_norm-{_p}", lambda x, p=_p: la.vector_norm(x, axis=-1, ord=p), lambda x, p=_p: mp_norm(x, p), CTALL)
case("norm-0", lambda x: la.norm(x, 0), lambda x: mp.mpf(3), V, stacks=False, single=False)
case("norm-all", lambda x: la.norm(x), lambda x: mp_norm(np.ravel(x), 2), CTALL, stacks=False)
case("vector_norm-all", la.vector_norm, lambda x: mp_norm(np.ravel(x), 2), TALL, stacks=False)
case(
    "norm-axes",
    lambda x: la.norm(x, "nuc", axis=(2, 0), keepdims=True)[0],
    lambda x: np.array([[mp_matrix_norm(x[:, k].T, "nuc")] for k in range(3)], object),
    normal(4, 3, 2),
    stacks=False,
)
case(
    "norm-keepdims",
    lambda x: la.norm(x, -1, axis=(0, 1), keepdims=True),
    lambda x: np.array([[mp_matrix_norm(x, -1)]], object),
    TALL,
    stacks=False,
)
case(
    "residuals",
    lambda a, b: la.lstsq(a, b)[1],
    lambda a, b: np.sum((a @ mp_lstsq(a, b) - b) ** 2, axis=0),
    TALL,
    normal(4, 2),
    stacks=False,
)
case("lstsq-vector", lambda a, b: la.lstsq(a, b, rcond=-1)[0], mp_lstsq, TALL, normal(4), stacks=False)
case("lstsq-values", lambda a: la.lstsq(a, np.ones(4, np.float32))[3], lambda a: mp_svd(a)[1], TALL, stacks=False)
case(
    "pinv-of-low-rank", lambda b, c: la.pinv(b @ c, rtol=1e-5), lambda b, c: mp_pinv(c) @ mp_pinv(b), TALL[:, :2], WIDE
)
case(
    "tensorsolve",
    lambda a, b: la.tensorsolve(a, b),
    lambda a, b: (mp_inv(a.reshape(4, 4)) @ b.ravel()).reshape(2, 2),
    L.reshape(2, 2, 2, 2),
    normal(2, 2),
    stacks=False,
)
case(
    "tensorsolve-axes",
    lambda a, b: la.tensorsolve(a, b, axes=(0, 2)),
    lambda a, b: (mp_inv(np.transpose(a, (1, 0, 2)).reshape(4, 4)) @ b).reshape(2, 2),
    L.reshape(2, 4, 2),
    normal(4),
    stacks=False,
)
case(
    "tensorinv",
    lambda a: la.tensorinv(a, ind=1),
    lambda a: mp_inv(a.reshape(4, 4)).reshape(2, 2, 4),
    L.reshape(4, 2, 2),
    stacks=False,
)
case(
    "multi_dot-vectors",
    lambda x, a, b, y: la.multi_dot([x, a, b, y]),
    lambda x, a, b, y: x @ a @ b @ y,
    V,
    S,
    N,
    W,
    stacks=False,
)
case("outer", la.outer, lambda a, b: a[:, None] * b, V, W, stacks=False)
case("cross", la.cross, np.cross, V, W)
case("trace", lambda a: la.trace(a, offset=1), lambda a: sum(np.diagonal(a, 1)), TALL)
case("diagonal", lambda a: la.diagonal(a, offset=-1), lambda a: np.diagonal(a, -1), TALL)
case("matmul", la.matmul, lambda a, b: a @ b, TALL, S)
case("tensordot", lambda a, b: la.tensordot(a, b, axes=1), lambda a, b: a @ b, TALL, S, stacks=False)
case(
    "vecdot", lambda a, b: la.vecdot(a, b, axis=0), lambda a, b: np.sum(np.conjugate(a) * b, axis=0), C, D, stacks=False
)
case("matrix_transpose", la.matrix_transpose, lambda a: a.T, TALL)


def along(exact: Callable[..., Any], args: Any, tangents: Any, order: int) -> Any:
    """The derivative of an order along tangents, by central differences at 60 digits."""
    with mp.workdps(60):
        h = mp.mpf(10) ** -15

        def at(k: int) -> Any:
            return exact(*[exactly(a) + k * h * exactly(t) for a, t in zip(args, tangents, strict=True)])

        found = (at(1) - at(-1)) / (2 * h) if order == 1 else (at(1) - 2 * at(0) + at(-1)) / h**2
        return np.array(found, complex)


def far(found: Any, expected: Any) -> float:
    """The largest difference relative to the largest number."""
    return float(np.max(np.abs(found - expected)) / max(1e-3, float(np.max(np.abs(expected)))))


def pairing(a: Any, b: Any) -> Any:
    return np.real(np.sum(a * b))


@pytest.mark.parametrize("case", CASES, ids=repr)
class TestCases:
    def test_value_and_first_derivative(self, case):
        value, tangent = jvp(case.function, case.args, case.tangents)
        np.testing.assert_array_equal(value, case.function(*case.args))
        assert far(tangent, along(case.exact, case.args, case.tangents, 1)) < 1e-11

    def test_second_derivative(self, case):
        def first(*args):
            return jvp(case.function, args, case.tangents)[1]

        _, second = jvp(first, case.args, case.tangents)
        assert far(second, along(case.exact, case.args, case.tangents, 2)) < 1e-10

    def test_reverse_is_the_transpose(self, case):
        value, tangent = jvp(case.function, case.args, case.tangents)
        generator = np.random.default_rng(3)
        u = generator.normal(size=np.shape(value)) + (
            1j * generator.normal(size=np.shape(value)) if np.iscomplexobj(value) else 0
        )
        _, pullback = vjp(case.function, *case.args)
        back = pullback(u)
        there = pairing(u, tangent)
        again = sum(pairing(part, t) for part, t in zip(back, case.tangents, strict=True))
        size = np.sum(np.abs(u * tangent)) + sum(
            np.sum(np.abs(part * t)) for part, t in zip(back, case.tangents, strict=True)
        )
        assert abs(there - again) <= 1e-12 * size

    def test_second_derivatives_agree_in_all_orders_of_the_modes(self, case):
        generator = np.random.default_rng(11)
        there = case.tangents
        back = [np.flip(t) for t in there]
        value = case.function(*case.args)
        u = generator.normal(size=np.shape(value)) * (1 + 1j if np.iscomplexobj(value) else 1)

        def slope(*args):
            return jvp(case.function, args, there)[1]

        def gradient(*args):
            return vjp(case.function, *args)[1](u)

        _, curvature = jvp(slope, case.args, back)
        ahead = pairing(u, curvature)
        others = [
            (vjp(slope, *case.args)[1](u), back),
            (jvp(gradient, case.args, tuple(back))[1], there),
            (vjp(gradient, *case.args)[1](tuple(there)), back),
        ]
        for parts, direction in others:
            found = sum(pairing(part, t) for part, t in zip(parts, direction, strict=True))
            size = sum(np.sum(np.abs(part * t)) for part, t in zip(parts, direction, strict=True))
            assert abs(found - ahead) <= 1e-12 * (size + np.sum(np.abs(u * curvature)))

    def test_single_precision_stays(self, case):
        narrow = [a.astype(np.complex64 if np.iscomplexobj(a) else np.float32) for a in case.args]
        tangents = [t.astype(a.dtype) for t, a in zip(case.tangents, narrow, strict=True)]
        value, tangent = jvp(case.function, narrow, tangents)
        assert not case.single or np.result_type(tangent) == np.result_type(value) in (np.float32, np.complex64)
        _, pullback = vjp(case.function, *narrow)
        assert [part.dtype for part in pullback(np.ones_like(value))] == [a.dtype for a in narrow]

    def test_a_stack_is_a_loop(self, case):
        if not case.stacks:
            return
        stacks = [np.stack([a, a + 0.03 * t, a - 0.02 * t]) for a, t in zip(case.args, case.tangents, strict=True)]
        tangents = [np.stack([t, 2 * t, t[::-1]]) for t in case.tangents]
        value, tangent = jvp(case.function, stacks, tangents)
        _, pullback = vjp(case.function, *stacks)
        back = pullback(np.ones_like(value))
        for k in range(3):
            one = [stack[k] for stack in stacks]
            one_value, one_tangent = jvp(case.function, one, [t[k] for t in tangents])
            _, one_pullback = vjp(case.function, *one)
            assert far(tangent[k], one_tangent) < 1e-12
            for part, one_part in zip(back, one_pullback(np.ones_like(one_value)), strict=True):
                assert far(part[k], one_part) < 1e-12


# Shapes that broadcast.


def test_solve_broadcasts_its_operands():
    a, b = normal(5, 3, 3) + 3 * np.eye(3), normal(3)
    of_b = jacobian(lambda b: la.solve(a, b), mode="reverse")(b)
    np.testing.assert_allclose(of_b, la.inv(a), rtol=1e-12, atol=1e-13)
    columns = normal(4, 1, 3, 2)
    f: Callable[..., Any] = lambda a, c: np.sum(np.sin(la.solve(a, c)))
    g: Callable[..., Any] = lambda a, c: np.sum(np.sin(la.inv(a) @ c))
    for k in range(2):
        np.testing.assert_allclose(grad(f, k)(a, columns), grad(g, k)(a, columns), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        hessian(lambda a: f(a, columns))(a[:2]), hessian(lambda a: g(a, columns))(a[:2]), rtol=1e-9, atol=1e-10
    )


def test_named_results_stay():
    results: list[Callable[..., Any]] = [la.slogdet, la.eigh, la.eig, la.svd, la.qr]
    for f in results:
        seen: list[Any] = []

        def first(a, f=f, seen=seen):
            seen.append(f(a))
            return np.sum(f(a)[0])

        jvp(first, (S,), (N,))
        assert seen[0]._fields == f(S)._fields


def test_no_matrix_and_empty_matrices():
    assert jvp(la.det, (np.zeros((0, 0)),), (np.zeros((0, 0)),)) == (1.0, 0.0)
    assert jvp(la.inv, (np.zeros((0, 3, 3)),), (np.zeros((0, 3, 3)),))[1].shape == (0, 3, 3)
    assert jvp(la.svdvals, (np.zeros((0, 3)),), (np.zeros((0, 3)),))[1].shape == (0,)


# Norms at their kinks.


@pytest.mark.parametrize("p", [None, 2, 3, 1.5, 1, 0.5, np.inf, -np.inf, -1])
def test_a_vector_norm_is_flat_at_zero(p):
    zero = np.zeros(3)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(grad(lambda x: la.norm(x, p))(zero), zero)
        np.testing.assert_array_equal(jvp(lambda x: la.norm(x, p), (zero,), (V,))[1], 0)


@pytest.mark.parametrize("p", [None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf])
def test_a_matrix_norm_is_flat_at_zero(p):
    zero = np.zeros((3, 2))
    np.testing.assert_array_equal(grad(lambda x: la.norm(x, p))(zero), zero)
    np.testing.assert_array_equal(jvp(lambda x: la.norm(x, p), (zero,), (TALL[:3, :2],))[1], 0)


def test_norms_where_an_element_or_a_row_is_zero():
    x = np.array([3.0, 0.0, -4.0])
    np.testing.assert_allclose(grad(lambda x: la.norm(x, 1))(x), [1, 0, -1])
    np.testing.assert_allclose(grad(lambda x: la.norm(x, 1.5))(x), grad(lambda x: la.norm(x[::2], 1.5))(x))
    np.testing.assert_allclose(grad(lambda x: la.norm(x, 0.5))(x), grad(lambda x: la.norm(x[::2], 0.5))(x))
    rows = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(grad(lambda a: np.sum(la.norm(a, axis=1)))(rows), [[0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_allclose(hessian(lambda x: la.norm(x))(np.zeros(2)), np.zeros((2, 2)))


def test_ties_share():
    np.testing.assert_allclose(grad(lambda x: la.norm(x, np.inf))(np.array([2.0, -2.0, 1.0])), [0.5, -0.5, 0])
    columns = np.array([[1.0, -2.0], [2.0, 1.0]])
    np.testing.assert_allclose(grad(lambda a: la.norm(a, 1))(columns), [[0.5, -0.5], [0.5, 0.5]])
    np.testing.assert_allclose(grad(lambda a: la.norm(a, 2))(np.eye(2)), np.eye(2) / 2)


# Determinants of singular matrices.

SINGULAR = [
    np.array([[1.0, 2.0], [2.0, 4.0]]),
    np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
    np.outer(V, W),
    np.zeros((3, 3)),
    np.diag([1.0, 0.0, 2.0, 0.0]),
    np.diag([1.0, 1e-12, 3.0]),
    np.zeros((1, 1)),
]


@pytest.mark.parametrize("a", SINGULAR, ids=range(len(SINGULAR)))
def test_det_of_a_singular_matrix_to_every_order(a):
    """Along t the determinant is a polynomial of degree n, so n + 1 values give every derivative."""
    n = len(a)
    t = np.random.default_rng(5).normal(size=a.shape)
    with mp.workdps(60):
        dets = [mp_det(exactly(a) + k * exactly(t)) for k in range(n + 1)]
        powers = mp.matrix([[mp.mpf(k) ** j for j in range(n + 1)] for k in range(n + 1)])
        coefficients = mp.lu_solve(powers, mp.matrix(dets))
    f: Callable[..., Any] = la.det
    for order in range(1, min(n, 3) + 1):
        f = lambda x, f=f: jvp(f, (x,), (t,))[1]
        assert abs(f(a) - float(coefficients[order] * mp.factorial(order))) < 1e-12
    if n > 1:
        along_t = grad(lambda x: jvp(la.det, (x,), (t,))[1])(a)
        assert abs(np.sum(along_t * t) - 2 * float(coefficients[2])) < 1e-12


def test_det_of_a_stack_with_a_singular_matrix():
    a = np.stack([S, SINGULAR[1]])
    found = grad(lambda a: np.sum(la.det(a)))(a)
    for k in range(2):
        np.testing.assert_allclose(found[k], grad(la.det)(a[k]), rtol=1e-12, atol=1e-13)
    c = np.outer(CV, CV[::-1])
    cofactors = np.array(
        [[la.det(np.delete(np.delete(D + c, i, 0), j, 1)) * (-1) ** (i + j) for j in range(3)] for i in range(3)]
    )
    np.testing.assert_allclose(vjp(la.det, D + c)[1](1.0 + 0j)[0], cofactors)
    np.testing.assert_allclose(vjp(la.det, c)[1](1.0 + 0j)[0], np.zeros((3, 3)), atol=1e-14)


def test_slogdet_of_a_singular_matrix_is_infinitely_steep():
    a = np.stack([S, np.array([[1.0, 2.0, 0.5], [2.0, 4.0, 1.0], [0.3, -1.0, 2.0]])])
    value, tangent = jvp(lambda a: la.slogdet(a).logabsdet, (a,), (np.stack([N, N]),))
    assert value[1] == -np.inf
    assert np.isinf(tangent[1])
    found = grad(lambda a: np.sum(la.slogdet(a)[1]))(a)
    np.testing.assert_allclose(found[0], la.inv(S).T)
    assert np.isinf(found[1]).any()


# Equal eigenvalues and singular values, and zeros among these.

Q, _ = la.qr(normal(4, 4))
REPEATED = Q @ np.diag([1.0, 1.0, 2.0, 5.0]) @ Q.T


def test_sums_over_equal_eigenvalues():
    found = grad(lambda a: np.sum(np.exp(la.eigh(a).eigenvalues)))(REPEATED)
    exponential = Q @ np.diag(np.exp([1.0, 1.0, 2.0, 5.0])) @ Q.T
    np.testing.assert_allclose(found, np.tril(exponential) + np.tril(exponential, -1), rtol=1e-12)
    np.testing.assert_allclose(grad(lambda a: np.sum(la.eigvalsh(a)))(np.eye(3)), np.eye(3), atol=1e-15)
    np.testing.assert_allclose(grad(lambda a: np.real(np.sum(la.eigvals(a) ** 2)))(REPEATED), 2 * REPEATED, atol=1e-12)


def root(a):
    w, v = la.eigh(a)
    return (v * np.sqrt(w)) @ v.T


def general_root(a):
    w, v = la.eig(a)
    return np.real((v * np.sqrt(w)) @ la.inv(v))


def polar(a):
    u, _, vh = la.svd(a)
    return u @ vh


@pytest.mark.parametrize("f", [root, general_root, polar])
@pytest.mark.parametrize("a", [np.eye(3), REPEATED], ids=["identity", "repeated"])
def test_vectors_of_equal_values_have_no_derivative(f, a):
    """NaN, where leaving out the terms over zero would be wrong without a word: the root of I has derivative t / 2."""
    t = normal(*a.shape)
    t = t + t.T
    assert np.isnan(jvp(f, (a,), (t,))[1]).all()
    assert np.isnan(vjp(f, a)[1](t)[0]).all()


def test_second_derivatives_at_equal_eigenvalues():
    assert np.isnan(hessian(lambda a: np.sum(la.eigvalsh(a) ** 2))(np.eye(2))).any()


def test_vectors_beside_equal_values_move():
    """In forward mode, only what is computed from the vectors of equal values is lost."""

    def others(a):
        v = la.eigh(a).eigenvectors[:, 2:]
        return v @ v.T

    t = normal(4, 4)
    t = t + t.T
    inner, outer = Q[:, :2], Q[:, 2:]
    mixed = outer @ ((outer.T @ t @ inner) / (1 - np.array([[2.0], [5.0]]))) @ inner.T
    np.testing.assert_allclose(jvp(others, (REPEATED,), (t,))[1], -(mixed + mixed.T), atol=1e-13)


def test_the_nuclear_norm_and_zero_singular_values():
    """The mean of the one-sided derivatives: the product of the singular vectors that count."""
    for shape in ((4, 3), (3, 4), (3, 3)):
        low = normal(shape[0], 2) @ normal(2, shape[1])
        u, _, vh = la.svd(low)
        np.testing.assert_allclose(grad(lambda a: la.norm(a, "nuc"))(low), u[:, :2] @ vh[:2], atol=1e-12)
        t = normal(*shape)
        h = 1e-6
        middle = (la.svdvals(low + h * t) - la.svdvals(low - h * t)) / (2 * h)
        np.testing.assert_allclose(jvp(la.svdvals, (low,), (t,))[1], middle, atol=1e-5)


def test_singular_vectors_beside_a_zero_singular_value():
    low = normal(4, 2) @ normal(2, 3)

    def best(a):
        u, s, vh = la.svd(a, full_matrices=False)
        return (u[:, :1] * s[:1]) @ vh[:1]

    t = normal(4, 3)

    def exact(a):
        u, s, vh = mp_svd(a)
        return (u[:, :1] * s[:1]) @ vh[:1]

    expected = along(exact, (low,), (t,), 1).real
    np.testing.assert_allclose(jvp(best, (low,), (t,))[1], expected, atol=1e-12)


def test_inverse_of_low_rank_at_constant_rank():
    low = TALL[:, :2] @ WIDE
    a = grad(lambda b: np.sum(np.sin(la.pinv(b @ WIDE))))(TALL[:, :2])
    b = grad(lambda b: np.sum(np.sin(la.pinv(WIDE) @ la.pinv(b))))(TALL[:, :2])
    np.testing.assert_allclose(a, b, rtol=1e-10)
    x, residuals, rank, _ = la.lstsq(low, normal(4))
    assert rank == 2
    assert jvp(lambda a: la.lstsq(a, low[:, 0])[1], (low,), (normal(4, 4),))[1].shape == residuals.shape == (0,)
    assert x.shape == (4,)


# What there is, what is constant and what is refused.


def test_all_of_numpy_linalg_is_here():
    names = set(la.__all__) - {"LinAlgError"}
    assert not [name for name in names if getattr(la, name) not in HANDLERS]


def test_the_rank_is_constant():
    np.testing.assert_array_equal(grad(lambda a: la.matrix_rank(a) * np.sum(a))(S), 3 * np.ones((3, 3)))
    np.testing.assert_array_equal(grad(lambda a: la.lstsq(a, V)[2] * a[0, 0])(S)[0], [3, 0, 0])


@pytest.mark.parametrize(
    ("f", "rewrite"),
    [
        (lambda a: la.svd(a)[1], "full_matrices=False"),
        (lambda a: la.qr(a, mode="complete").Q, "np.linalg.qr(a)"),
        (lambda a: la.qr(a, mode="raw")[0], 'mode="reduced"'),
        (lambda a: la.svd(a.T @ a, hermitian=True)[1], "leave the option out"),
        (lambda a: la.pinv(a.T @ a, hermitian=True), "leave the option out"),
    ],
)
def test_refusals_say_what_to_write(f, rewrite):
    with pytest.raises(DiffmagicError) as caught:
        jvp(f, (TALL,), (TALL,))
    assert rewrite in str(caught.value)
