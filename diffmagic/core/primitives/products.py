"""Products of arrays: matrix products and sums over indices have rules, all others are written in these."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from diffmagic.core.primitives import Primitive, define_kernel, implements, primitive_of, said
from diffmagic.core.tracing import apply, composite, refuse


def _push_product(i: int, t: Any, y: Any, a: Any, b: Any) -> Any:
    return np.matmul(t, b) if i == 0 else np.matmul(a, t)


def _pull_product(i: int, g: Any, y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == np.ndim(b) == 1:
        return g * (b if i == 0 else a)
    if np.ndim(a) == np.ndim(b) == 2:
        return np.matmul(g, np.transpose(b)) if i == 0 else np.matmul(np.transpose(a), g)
    if np.ndim(a) == 2 and np.ndim(b) == 1:
        return np.expand_dims(g, 1) * b if i == 0 else np.matmul(np.transpose(a), g)
    rows = np.expand_dims(a, 0) if np.ndim(a) == 1 else a
    columns = np.expand_dims(b, 1) if np.ndim(b) == 1 else b
    if np.ndim(b) == 1:
        g = np.expand_dims(g, -1)
    if np.ndim(a) == 1:
        g = np.expand_dims(g, -2)
    if i == 0:
        part = np.matmul(g, np.swapaxes(columns, -1, -2))
        return np.squeeze(part, -2) if np.ndim(a) == 1 else part
    part = np.matmul(np.swapaxes(rows, -1, -2), g)
    return np.squeeze(part, -1) if np.ndim(b) == 1 else part


define_kernel(np.matmul, push=_push_product, pull=_pull_product, symbol="@")


# Sums over indices.


def _push_einsum(i: int, t: Any, y: Any, *operands: Any, subscripts: str, **options: Any) -> Any:
    return np.einsum(subscripts, *operands[:i], t, *operands[i + 1 :], **options)


def _pull_einsum(i: int, g: Any, y: Any, *operands: Any, subscripts: str, **options: Any) -> Any:
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    mine, others = terms[i], terms[:i] + terms[i + 1 :]
    arrays = list(operands[:i] + operands[i + 1 :])
    free = (letter for letter in string.ascii_letters if letter not in subscripts)
    sizes = dict(zip(mine, np.shape(operands[i]), strict=True))
    target = ""
    for letter in mine:
        if letter not in target:
            target += letter
            if letter not in output and not any(letter in term for term in others):
                others.append(letter)  # summed over alone: every place gets the same
                arrays.append(np.ones(sizes[letter]))
        else:  # a diagonal: nothing beside it
            target += (twin := next(free))
            others.append(letter + twin)
            arrays.append(np.eye(sizes[letter]))
    return np.einsum(f"{','.join([output, *others])}->{target}", g, *arrays, optimize=True)


define_kernel(np.einsum, push=_push_einsum, pull=_pull_einsum).function = lambda *operands, subscripts, **options: (
    np.einsum(subscripts, *operands, **options)
)


@implements(np.einsum)
def _einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        refuse("np.einsum with lists of axes is not traced", 'np.einsum("ij,jk->ik", a, b)')
    shapes = [np.shape(operand) for operand in operands]
    written = _without_ellipsis(subscripts.replace(" ", ""), shapes)
    return apply(
        primitive_of(np.einsum), operands, {"subscripts": written} | ({"optimize": optimize} if optimize else {})
    )


def _without_ellipsis(subscripts: str, shapes: list[tuple[int, ...]]) -> str:
    """Subscripts with a letter for each axis and an output: ``...i,i`` becomes ``Ai,i->A``."""
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    spare = [letter for letter in string.ascii_uppercase + string.ascii_lowercase if letter not in subscripts]
    counts = [
        len(shape) - len(term.replace("...", "")) if "..." in term else 0
        for term, shape in zip(terms, shapes, strict=True)
    ]
    letters = "".join(spare[: max(counts, default=0)])
    terms = [term.replace("...", letters[len(letters) - n :]) for term, n in zip(terms, counts, strict=True)]
    if not arrow:
        plain = inputs.replace(",", "").replace("...", "")
        output = "..." + "".join(sorted(letter for letter in set(plain) if plain.count(letter) == 1))
    return f"{','.join(terms)}->{output.replace('...', letters)}"


# All others.


@composite(np.dot, operands=2)
def _dot_of_any_rank(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return np.tensordot(a, b, axes=(np.ndim(a) - 1, max(np.ndim(b) - 2, 0)))


_dot_of_matrices = Primitive("np.dot", np.dot, push=_push_product, pull=_pull_product)


@implements(np.dot)
def _dot(a: Any, b: Any) -> Any:
    matrices = 1 <= np.ndim(a) <= 2 and 1 <= np.ndim(b) <= 2
    return apply(_dot_of_matrices if matrices else primitive_of(np.dot), (a, b))


@composite(np.inner, operands=2)
def _inner(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return np.tensordot(a, b, axes=(np.ndim(a) - 1, np.ndim(b) - 1))


@composite(np.outer, operands=2)
def _outer(a: Any, b: Any) -> Any:
    return np.expand_dims(np.ravel(a), 1) * np.ravel(b)


@composite(np.vdot, operands=2)
def _vdot(a: Any, b: Any) -> Any:
    return np.matmul(np.ravel(np.conjugate(a) if np.iscomplexobj(a) else a), np.ravel(b))


@composite(np.tensordot, operands=2)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    if isinstance(axes, int):
        left, right = list(range(np.ndim(a) - axes, np.ndim(a))), list(range(axes))
    else:
        left, right = (np.atleast_1d(axis).tolist() for axis in axes)
    first = list(string.ascii_lowercase[: np.ndim(a)])
    second = list(string.ascii_uppercase[: np.ndim(b)])
    for p, q in zip(left, right, strict=True):
        second[q] = first[p]
    output = [letter for letter in first if letter not in second] + [c for c in second if c not in first]
    return np.einsum(f"{''.join(first)},{''.join(second)}->{''.join(output)}", a, b, optimize=True)


@composite(np.kron, operands=2)
def _kron(a: Any, b: Any) -> Any:
    ndim = max(np.ndim(a), np.ndim(b))
    left = (1,) * (ndim - np.ndim(a)) + np.shape(a)
    right = (1,) * (ndim - np.ndim(b)) + np.shape(b)
    outer = [n for size in left for n in (size, 1)], [n for size in right for n in (1, size)]
    product = np.reshape(a, outer[0]) * np.reshape(b, outer[1])
    return np.reshape(product, [p * q for p, q in zip(left, right, strict=True)])


@composite(np.cross, operands=2)
def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if np.shape(a)[-1] != 3 or np.shape(b)[-1] != 3:
        refuse("np.cross of vectors in the plane is not traced", "a[0] * b[1] - a[1] * b[0]")
    ahead, back = [1, 2, 0], [2, 0, 1]
    return np.moveaxis(a[..., ahead] * b[..., back] - a[..., back] * b[..., ahead], -1, axisc)


@implements(np.vecdot)
def _vecdot(a: Any, b: Any) -> Any:
    return np.sum((np.conjugate(a) if np.iscomplexobj(a) else a) * b, axis=-1)


if hasattr(np, "matvec"):  # NumPy 2.2

    @implements(np.matvec)
    def _matvec(a: Any, b: Any) -> Any:
        return np.squeeze(np.matmul(a, np.expand_dims(b, -1)), -1)

    @implements(np.vecmat)
    def _vecmat(a: Any, b: Any) -> Any:
        a = np.conjugate(a) if np.iscomplexobj(a) else a
        return np.squeeze(np.matmul(np.expand_dims(a, -2), b), -2)


# Sliding products.


def _push_convolve(i: int, t: Any, y: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    return np.convolve(t, v, mode) if i == 0 else np.convolve(a, t, mode)


def _pull_convolve(i: int, g: Any, y: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    """What slid over the other backwards slides over the cotangent forwards."""
    whole, shorter = np.size(a) + np.size(v) - 1, min(np.size(a), np.size(v))
    left_out = {"full": 0, "same": (shorter - 1) // 2, "valid": shorter - 1}[mode]
    g = np.pad(g, (left_out, whole - left_out - np.size(g)))
    return np.convolve(g, np.flip(v if i == 0 else a), "valid")


define_kernel(np.convolve, push=_push_convolve, pull=_pull_convolve)


@implements(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    if np.ndim(a) != 1 or np.ndim(v) != 1:
        refuse("np.convolve of other than vectors is not traced", "np.ravel both")
    return apply(primitive_of(np.convolve), (a, v), said(mode=(mode, "full")))


@implements(np.correlate)
def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    return np.convolve(a, np.flip(np.conjugate(v) if np.iscomplexobj(v) else v), mode=mode)


for _function in (np.matmul, np.einsum, np.dot, np.inner, np.outer, np.vdot, np.tensordot, np.kron, np.convolve):
    primitive_of(_function).multilinear = True
_dot_of_matrices.multilinear = True
