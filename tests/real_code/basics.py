"""Small things of Python's own: builtins, dicts, comparisons."""

import functools
import math

import numpy as np
from mpmath import mp, mpf

from . import at, exactly


@at(v=[1.3, 0.7])
def comparisons(v):
    smallest, largest = sorted(v)
    return max(v) * min(v) + smallest**2 + abs(v[0] - v[1]) + (largest if v[0] > v[1] else 0.0)


@exactly(comparisons)
def _(v):
    a, b = v
    return a * b + b * b + (a - b) + a


@at(c=[1.0, 2.0, 3.0])
def polynomial(c):
    return np.polyval(c, 0.3) * functools.reduce(lambda a, b: a * b, c)


@exactly(polynomial)
def _(c):
    t = mpf(0.3)
    return (c[0] * t**2 + c[1] * t + c[2]) * c[0] * c[1] * c[2]


@at(v=[0.3, 0.6])
def parameters_in_a_dict(v):
    p = {"a": v[0], "b": [v[1], math.sin(v[0])]}
    return p["a"] * p["b"][0] + np.sum(p["b"])


@exactly(parameters_in_a_dict)
def _(v):
    return v[0] * v[1] + v[1] + mp.sin(v[0])
