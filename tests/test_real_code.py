"""Functions of the kinds that people differentiate, as they write them: loops, lists, `math`, builtins.

The reference is an eight-point central difference of the plain function, which is good to ten digits here.
"""

import functools
import math

import numpy as np
import pytest

from diffmagic import grad, jvp, traceable

CODE = {}
rng = np.random.default_rng(0)


def point(values):
    def add(f):
        CODE[f.__name__] = (f, np.asarray(values, float))
        return f

    return add


def difference(f, x):
    h, weights = 1e-3, (4 / 5, -1 / 5, 4 / 105, -1 / 280)
    slope = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        for k, weight in enumerate(weights, start=1):
            step = np.zeros_like(x)
            step[place] = k * h
            slope[place] += weight * (f(x + step) - f(x - step)) / h
    return slope


times = np.array([1.0, 3, 2, 5, 4])
died = np.array([1, 0, 1, 1, 1])
covariates = rng.normal(size=(5, 2))


@point([0.1, -0.2])
def cox_partial_likelihood(b):
    order = np.argsort(-times)
    score = (covariates @ b)[order]
    risk = np.log(np.cumsum(np.exp(score)))
    return -np.sum((score - risk)[died[order] == 1])


places = rng.uniform(size=6)
heights = np.sin(places * 3)


@point([0.3, -0.5, -2.0])
def gaussian_process(t):
    length, scale, noise = np.exp(t)
    k = scale**2 * np.exp(-0.5 * (places[:, None] - places[None, :]) ** 2 / length**2) + noise * np.eye(6)
    lower = np.linalg.cholesky(k)
    a = np.linalg.solve(lower.T, np.linalg.solve(lower, heights))
    return 0.5 * heights @ a + np.sum(np.log(np.diag(lower))) + 3 * math.log(2 * math.pi)


@point([0.5, 0.1])
def leapfrog_pendulum(s):
    q, p = s
    dt = 0.1
    for _ in range(20):
        p = p - dt / 2 * math.sin(q)
        q += dt * p
        p -= dt / 2 * math.sin(q)
    return p * p / 2 - math.cos(q) + q


observed = rng.normal(size=5)


@point([0.9, -1.0, -0.5])
def kalman_filter(t):
    a, q, r = t[0], math.exp(t[1]), math.exp(t[2])
    mean, variance, likelihood = 0.0, 1.0, 0.0
    for y in observed:
        mean, variance = a * mean, a * a * variance + q
        total = variance + r
        gain = variance / total
        likelihood += -0.5 * (math.log(2 * math.pi * total) + (y - mean) ** 2 / total)
        mean, variance = mean + gain * (y - mean), (1 - gain) * variance
    return likelihood


@point(rng.normal(size=(2, 3)))
def hidden_markov_model(w):
    emission = np.exp(w) / np.sum(np.exp(w), axis=1, keepdims=True)
    transition = np.array([[0.7, 0.3], [0.4, 0.6]])
    forward = np.array([0.5, 0.5]) * emission[:, 0]
    for symbol in [1, 1, 0, 2]:
        forward = (forward @ transition) * emission[:, symbol]
    return np.log(forward.sum())


@point([1.0, 0.5])
def runge_kutta(p):
    decay, source = p
    slope = lambda y: -decay * y + source
    y, h = 1.0, 0.1
    for _ in range(10):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


def normal_cdf(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


@point([100.0, 0.2, 0.05])
def black_scholes(v):
    price, sigma, rate = v
    strike, years = 95.0, 1.5
    d1 = (math.log(price / strike) + (rate + sigma * sigma / 2) * years) / (sigma * math.sqrt(years))
    d2 = d1 - sigma * math.sqrt(years)
    return price * normal_cdf(d1) - strike * math.exp(-rate * years) * normal_cdf(d2)


@point([2.0])
def newton_cube_root(a):
    x = float(a[0])
    for _ in range(8):
        x = x - (x**3 - a[0]) / (3 * x**2)
    return x


@point([0.2, 0.5, 0.3])
def entropy(p):
    p = p / sum(p)
    return -sum(map(lambda t: t * math.log(t), p))  # noqa: C417


@point(rng.normal(size=8))
def small_network(w):
    hidden = np.tanh(np.array([[1.0, 2], [3, -1]]) @ w[:4].reshape(2, 2) + w[4:6])
    score = hidden @ w[6:]
    return np.mean(np.logaddexp(0, score) - np.array([1.0, 0]) * score)


@point([1.3, 0.7])
def comparisons(v):
    smallest, largest = sorted(v)
    return max(v) * min(v) + smallest**2 + abs(v[0] - v[1]) + (largest if v[0] > v[1] else 0.0)


@point([0.4, 1.1])
def rotation(t):
    angle, length = t
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.linalg.norm(turn @ np.array([length, 1.0]) - np.array([1.0, 2.0]))


@point([1.0, 2.0, 3.0])
def polynomial(c):
    return np.polyval(c, 0.3) * functools.reduce(lambda a, b: a * b, c)


@point([0.3, 0.6])
def parameters_in_a_dict(v):
    p = {"a": v[0], "b": [v[1], math.sin(v[0])]}
    return p["a"] * p["b"][0] + np.sum(p["b"])


@point([2.5, 1.2])
def negative_binomial(t):
    mean, size = t
    rising = lambda x, n: sum(math.log(x + i) for i in range(n))
    return sum(
        rising(size, int(n)) + size * math.log(size / (size + mean)) + n * math.log(mean / (size + mean))
        for n in np.array([0, 1, 3, 2])
    )


@pytest.mark.parametrize(("f", "x"), CODE.values(), ids=CODE)
def test_value_and_gradient(f, x):
    ours = traceable(f)
    assert ours(x) == f(x)
    gradient, expected = grad(ours)(x), difference(f, x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-10)
    t = np.linspace(1.0, 2.0, x.size).reshape(x.shape)
    assert jvp(ours, (x,), (t,))[1] == pytest.approx(np.sum(gradient * t), rel=1e-12)
