"""Statistics: quantiles, weighted means, covariances, and counts with their histograms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffmagic.core.hook import MEANINGS
from diffmagic.core.primitives import define_kernel, implements, primitive_of, said
from diffmagic.core.tracing import apply, composite, concrete, is_traced, refuse, settled_key

# Quantiles: between two of the sorted elements. Which ones, and the share of each, is the quantile of 0, 1, 2, …


@composite(np.median)
@composite(np.nanmedian)
def _median(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return _quantile_of(a, 0.5, axis, keepdims)


@composite(np.quantile)
@composite(np.nanquantile)
def _quantile(a: Any, q: Any, axis: Any = None, *, method: Any = "linear", keepdims: Any = False) -> Any:
    return _quantile_of(a, q, axis, keepdims, method)


@composite(np.percentile)
@composite(np.nanpercentile)
def _percentile(a: Any, q: Any, axis: Any = None, *, method: Any = "linear", keepdims: Any = False) -> Any:
    return _quantile_of(a, np.asarray(q) / 100, axis, keepdims, method)


def _quantile_of(a: Any, q: Any, axis: Any, keepdims: Any, method: Any = "linear") -> Any:
    """Of the elements that are numbers: where others count, the value is not a number whatever its derivative is."""
    axes = [k % np.ndim(a) for k in (range(np.ndim(a)) if axis is None else np.atleast_1d(axis))]
    rest = [k for k in range(np.ndim(a)) if k not in axes]
    sizes = [np.shape(a)[k] for k in rest]
    ordered = rest + axes == sorted(axes + rest)
    shape = math.prod(sizes), math.prod(np.shape(a)[k] for k in axes)
    rows = np.reshape(a if ordered else np.transpose(a, rest + axes), shape)
    order = settled_key(np.argsort(rows, axis=-1))
    counts = settled_key(np.sum(np.logical_not(np.isnan(rows)), axis=-1))
    places = np.zeros(np.shape(q) + counts.shape)
    for count in np.unique(counts[counts > 0]):
        of_count = np.quantile(np.arange(float(count)), q, method=method)
        places[..., counts == count] = np.expand_dims(of_count, -1)
    below = np.floor(places).astype(int)
    shares = places - below
    row = np.arange(len(rows))
    result = rows[row, order[row, below]]
    if np.any(shares):
        above = np.minimum(below + 1, np.maximum(counts - 1, 0))
        result = result * (1 - shares) + rows[row, order[row, above]] * shares
    kept = [1 if k in axes else size for k, size in enumerate(np.shape(a))]
    return np.reshape(result, [*np.shape(q), *(kept if keepdims else sizes)])


# Weighted means and covariances.


@implements(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    keep = bool(keepdims)
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keep)
        return (mean, np.full_like(concrete(mean), np.size(a) / np.size(mean))[()]) if returned else mean
    weights = np.stack(weights) if isinstance(weights, list | tuple) else weights
    if np.shape(weights) != np.shape(a):
        weights = _along(weights, a, axis)
    total = np.sum(weights, axis=axis, keepdims=keep)
    if np.any(np.equal(concrete(total), 0)):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    mean = np.sum(a * weights, axis=axis, keepdims=keep) / total
    return (mean, np.astype(total, mean.dtype)) if returned else mean


def _along(weights: Any, a: Any, axis: Any) -> Any:
    """Weights for the places along some axes, the same everywhere else."""
    axes = [] if axis is None else [k % np.ndim(a) for k in np.atleast_1d(axis)]
    if np.shape(weights) != tuple(np.shape(a)[k] for k in axes) or not axes:
        refuse("np.average with weights of another shape needs their axes", "axis=..., with a weight for each place")
    ordered = np.transpose(weights, np.argsort(axes))
    return np.broadcast_to(
        np.reshape(ordered, [size if k in axes else 1 for k, size in enumerate(np.shape(a))]), np.shape(a)
    )


@composite(np.cov, operands=2)
def _covariance(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    dtype: Any = None,
) -> Any:
    """The mean product of deviations, divided by the number of observations less the degrees of freedom."""
    rows = [np.atleast_2d(m) if rowvar or np.ndim(m) == 1 else np.transpose(m)]
    if y is not None:
        second = np.atleast_2d(y)
        rows.append(second if rowvar or np.shape(second)[0] == 1 else np.transpose(second))
    x = np.concatenate(rows)
    frequency = 1.0 if fweights is None else np.asarray(fweights, float)
    importance = 1.0 if aweights is None else np.asarray(aweights, float)
    weights = np.broadcast_to(frequency * importance, np.shape(x)[1])
    total = np.sum(weights)
    if ddof is None:
        ddof = 0 if bias else 1
    freedom = max(total - ddof * np.sum(weights * importance) / total, 0.0)
    deviations = x - np.expand_dims(np.sum(x * weights, axis=1) / total, 1)
    turned = np.transpose(deviations * weights)
    products = np.matmul(deviations, np.conjugate(turned) if np.iscomplexobj(x) else turned)
    return np.squeeze(products * np.divide(1.0, freedom))


@composite(np.corrcoef, operands=2)
def _correlation(x: Any, y: Any = None, rowvar: bool = True, dtype: Any = None) -> Any:
    products = _covariance(x, y, rowvar)
    if np.ndim(products) == 0:
        return products / products
    sizes = np.sqrt(np.real(np.diagonal(products)))
    return products / np.expand_dims(sizes, 1) / sizes


# Counts: constant in what is counted, linear in its weights.

define_kernel(
    np.bincount,
    push=lambda i, t, y, x, w=None, minlength=0: np.bincount(x, t, minlength) if i == 1 else None,
    pull=lambda i, g, y, x, w=None, minlength=0: g[settled_key(x)] if i == 1 else None,
)


@implements(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    options = said(minlength=(minlength, 0))
    return apply(primitive_of(np.bincount), (x,) if weights is None else (x, weights), options)


@implements(np.histogram_bin_edges)
def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """Edges between the smallest and the largest element move with these."""
    if is_traced(range):
        refuse("np.histogram with a traced range= is not traced", "bins=np.linspace(low, high, n + 1)")
    given = _decided(a) if isinstance(bins, str) else concrete(a)  # a rule's name chooses how many by all elements
    plain = np.histogram_bin_edges(given, concrete(bins), range, concrete(weights))
    if np.ndim(bins):
        return bins if is_traced(bins) else plain
    if range is not None or not is_traced(a) or np.size(a) == 0:
        return plain
    low, high = np.min(a), np.max(a)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, np.size(plain))


def _decided(a: Any) -> Any:
    return a.decide(concrete(a)) if is_traced(a) else a


def _counted(columns: Any, edges: Any, weights: Any) -> Any:
    """How many points, or the sum of their weights, lie in each cell of a grid."""
    place: Any = 0
    for column, ends in zip(columns, edges, strict=True):
        inside = np.searchsorted(ends, column, side="right") - np.equal(column, ends[-1])
        place = place * (np.size(ends) + 1) + inside
    shape = tuple(np.size(ends) + 1 for ends in edges)  # with one cell more on each side of the grid
    counts = np.bincount(place, weights, math.prod(shape))
    return np.reshape(counts, shape)[(slice(1, -1),) * len(shape)]


def _dense(counts: Any, edges: Any) -> Any:
    """The share of each cell, by its volume."""
    for k, ends in enumerate(edges):
        counts = counts / np.reshape(np.diff(ends), [-1 if j == k else 1 for j in range(len(edges))])
    return counts


def _histogram(a: Any, bins: Any = 10, weights: Any = None, range: Any = None, density: Any = None) -> Any:
    edges = np.histogram_bin_edges(a, bins, range)
    weights = None if weights is None else np.ravel(weights)
    if np.iscomplexobj(weights):
        real, imaginary = (_counted([np.ravel(a)], [edges], part) for part in (np.real(weights), np.imag(weights)))
        counts = real + 1j * imaginary
    else:
        counts = _counted([np.ravel(a)], [edges], weights)
    return _dense(counts, [edges]) / np.sum(counts) if density else counts, edges


define_kernel(np.histogram, body=_histogram).function = lambda a, bins=10, weights=None, **options: np.histogram(
    a, bins, weights=weights, **options
)


@implements(np.histogram)
def _histogram_of(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    if is_traced(range):
        refuse("np.histogram with a traced range= is not traced", "bins=np.linspace(low, high, n + 1)")
    options = said(range=(range, None), density=(density, None))
    return apply(primitive_of(np.histogram), (a, bins) if weights is None else (a, bins, weights), options)


@implements(np.histogramdd)
def _histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    columns = list(np.stack(sample) if isinstance(sample, list | tuple) else np.transpose(sample))
    each = bins if hasattr(bins, "__len__") else [bins] * len(columns)
    ranges = [None] * len(columns) if range is None else range
    edges = [np.histogram_bin_edges(*given) for given in zip(columns, each, ranges, strict=True)]
    counts = np.astype(_counted(columns, edges, weights), float)
    return _dense(counts, edges) / np.sum(counts) if density else counts, edges


MEANINGS[np.histogramdd] = np.histogramdd  # a list holds the columns of the sample, an array its rows


@implements(np.histogram2d)
def _histogram2d(x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    each = [bins, bins] if hasattr(bins, "__len__") and len(bins) > 2 else bins
    counts, edges = np.histogramdd([x, y], each, range, density, weights)
    return counts, *edges
