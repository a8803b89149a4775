"""Likelihoods."""

import itertools
import math

import numpy as np
from mpmath import mp, mpf
from scipy.special import expit, gammaln, i0e, logsumexp, ndtr, xlogy
from scipy.stats import multivariate_normal, norm

from . import at, exactly, reals

rng = np.random.default_rng(1)
times = np.array([1.0, 3, 2, 5, 4])
died = np.array([1, 0, 1, 1, 1])
covariates = rng.normal(size=(5, 2))


@at(b=[0.1, -0.2])
def cox_partial_likelihood(b):
    order = np.argsort(-times)
    score = (covariates @ b)[order]
    risk = np.log(np.cumsum(np.exp(score)))
    return -np.sum((score - risk)[died[order] == 1])


@exactly(cox_partial_likelihood)
def _(b):
    score = [mp.fdot(x, b) for x in reals(covariates)]
    at_risk = [[mp.exp(s) for s, later in zip(score, times, strict=True) if later >= time] for time in times]
    return mp.fsum(mp.log(mp.fsum(risk)) - s for s, risk, dies in zip(score, at_risk, died, strict=True) if dies)


places = rng.uniform(size=6)
heights = np.sin(places * 3)


@at(log_length=0.3, log_scale=-0.5, log_noise=-2.0)
def gaussian_process(log_length, log_scale, log_noise):
    length, scale, noise = np.exp(log_length), np.exp(log_scale), np.exp(log_noise)
    k = scale**2 * np.exp(-0.5 * (places[:, None] - places[None, :]) ** 2 / length**2) + noise * np.eye(6)
    lower = np.linalg.cholesky(k)
    a = np.linalg.solve(lower.T, np.linalg.solve(lower, heights))
    return 0.5 * heights @ a + np.sum(np.log(np.diag(lower))) + 3 * math.log(2 * math.pi)


@exactly(gaussian_process)
def _(log_length, log_scale, log_noise):
    x, y = reals(places), reals(heights)
    k = mp.matrix(6, 6)
    for i in range(6):
        for j in range(6):
            k[i, j] = mp.exp(2 * log_scale - (x[i] - x[j]) ** 2 / 2 * mp.exp(-2 * log_length))
        k[i, i] += mp.exp(log_noise)
    return mp.fdot(y, mp.lu_solve(k, y)) / 2 + mp.log(mp.det(2 * mp.pi * k)) / 2


observed = rng.normal(size=5)


@at(t=[0.9, -1.0, -0.5])
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


@exactly(kalman_filter)
def _(t):
    """The observations are jointly normal."""
    a, q, r = t[0], mp.exp(t[1]), mp.exp(t[2])
    variances = [mpf(1)]
    for _ in observed:
        variances.append(a * a * variances[-1] + q)
    covariance = mp.matrix(5, 5)
    for i in range(5):
        for j in range(5):
            covariance[i, j] = a ** abs(i - j) * variances[min(i, j) + 1] + (r if i == j else 0)
    y = reals(observed)
    return -mp.fdot(y, mp.lu_solve(covariance, y)) / 2 - mp.log(mp.det(2 * mp.pi * covariance)) / 2


transition = np.array([[0.7, 0.3], [0.4, 0.6]])
symbols = [1, 1, 0, 2]


@at(w=rng.normal(size=(2, 3)))
def hidden_markov_model(w):
    emission = np.exp(w) / np.sum(np.exp(w), axis=1, keepdims=True)
    forward = np.array([0.5, 0.5]) * emission[:, symbols[0]]
    for symbol in symbols[1:]:
        forward = (forward @ transition) * emission[:, symbol]
    return np.log(forward.sum())


@exactly(hidden_markov_model)
def _(w):
    """The sum over all sixteen paths."""
    emission = [[mp.exp(score) / mp.fsum(map(mp.exp, row)) for score in row] for row in w]
    total = mpf(0)
    for path in np.ndindex(2, 2, 2, 2):
        steps = [mpf(transition[i, j]) for i, j in itertools.pairwise(path)]
        total += mp.fprod([mpf(1) / 2, *steps, *(emission[i][k] for i, k in zip(path, symbols, strict=True))])
    return mp.log(total)


counts = np.array([0, 1, 3, 2])


@at(mean=2.5, size=1.2)
def negative_binomial(mean, size):
    return sum(
        gammaln(n + size)
        - gammaln(size)
        - gammaln(n + 1)
        + size * math.log(size / (size + mean))
        + xlogy(n, mean / (size + mean))
        for n in counts
    )


@exactly(negative_binomial)
def _(mean, size):
    p = mean / (size + mean)
    return mp.log(mp.fprod(mp.rf(size, n) / mp.fac(n) * (1 - p) ** size * p**n for n in counts.tolist()))


heard = rng.normal(size=5)


@at(p={"score": [0.3, -0.2, 0.1], "mean": [-1.0, 0.2, 1.3], "log_scale": [0.1, -0.3, 0.2]})
def gaussian_mixture(p):
    weight = p["score"] - logsumexp(p["score"])
    density = norm.logpdf(heard[:, None], p["mean"], np.exp(p["log_scale"]))
    return np.sum(logsumexp(weight + density, axis=1))


@exactly(gaussian_mixture)
def _(p):
    parts = list(zip(p["score"], p["mean"], p["log_scale"], strict=True))
    whole = mp.fsum(mp.exp(score) for score, _, _ in parts)
    return mp.fsum(
        mp.log(mp.fsum(mp.exp(score) / whole * mp.npdf(y, mean, mp.exp(scale)) for score, mean, scale in parts))
        for y in reals(heard)
    )


returns = rng.normal(size=6)


@at(p=[-1.0, -2.0, -0.4])
def garch(p):
    omega, alpha, beta = np.exp(p)
    variance = np.zeros(len(returns))
    variance[0] = np.var(returns)
    for t in range(1, len(returns)):
        variance[t] = omega + alpha * returns[t - 1] ** 2 + beta * variance[t - 1]
    return 0.5 * np.sum(np.log(2 * np.pi * variance) + returns**2 / variance)


@exactly(garch)
def _(p):
    omega, alpha, beta = map(mp.exp, p)
    r = reals(returns)
    start = mp.fsum((a - mp.fsum(r) / 6) ** 2 for a in r) / 6
    total = mpf(0)
    for t in range(6):
        past = mp.fsum(beta**k * (omega + alpha * r[t - 1 - k] ** 2) for k in range(t))
        variance = past + beta**t * start
        total += mp.log(2 * mp.pi * variance) / 2 + r[t] ** 2 / variance / 2
    return total


@at(phi=0.6, theta=0.3, log_sigma=-0.2)
def arma(phi, theta, log_sigma):
    errors = []
    for t, y in enumerate(returns):
        error = y - (phi * returns[t - 1] if t > 0 else 0)
        if errors:
            error -= theta * errors[-1]
        errors.append(error)
    return np.sum(norm.logpdf(errors, loc=0, scale=np.exp(log_sigma)))


@exactly(arma)
def _(phi, theta, log_sigma):
    r = [mpf(0), *reals(returns)]
    innovation = [r[t] - phi * r[t - 1] for t in range(1, 7)]
    errors = [mp.fsum((-theta) ** k * innovation[t - k] for k in range(t + 1)) for t in range(6)]
    return mp.fsum(mp.log(mp.npdf(e, 0, mp.exp(log_sigma))) for e in errors)


angles = rng.uniform(-np.pi, np.pi, size=5)


@at(location=0.4, log_concentration=0.7)
def von_mises(location, log_concentration):
    kappa = np.exp(log_concentration)
    return np.sum(kappa * (np.cos(angles - location) - 1) - np.log(2 * np.pi * i0e(kappa)))


@exactly(von_mises)
def _(location, log_concentration):
    kappa = mp.exp(log_concentration)
    return mp.fsum(kappa * mp.cos(a - location) - mp.log(2 * mp.pi * mp.besseli(0, kappa)) for a in reals(angles))


claims = np.array([0, 2, 1, 0, 4])
exposure = np.array([1.0, 2.0, 0.5, 1.5, 3.0])


@at(intercept=-0.1, slope=[0.2, -0.4])
def poisson_regression(intercept, slope):
    rate = exposure * np.exp(intercept + covariates @ slope)
    penalty = 0.1 * np.linalg.norm(slope) ** 2
    return np.sum(rate - xlogy(claims, rate) + gammaln(claims + 1)) + penalty


@exactly(poisson_regression)
def _(intercept, slope):
    total = mpf(0.1) * mp.fdot(slope, slope)
    for y, x, hours in zip(claims.tolist(), reals(covariates), reals(exposure), strict=True):
        rate = hours * mp.exp(intercept + mp.fdot(x, slope))
        total -= mp.log(mp.exp(-rate) * rate**y / mp.fac(y))
    return total


bought = np.array([True, False, True, True, False])


@at(w=[0.3, 0.5, -0.7])
def logistic_regression(w):
    p = expit(np.column_stack([np.ones(5), covariates]) @ w)
    return -np.sum(np.log(np.where(bought, p, 1 - p)))


@exactly(logistic_regression)
def _(w):
    score = [w[0] + mp.fdot(x, w[1:]) for x in reals(covariates)]
    return mp.fsum(mp.log(1 + mp.exp(-s if yes else s)) for s, yes in zip(score, bought, strict=True))


@at(w=[0.3, 0.5, -0.7])
def probit_regression(w):
    z = w[0] + covariates[:, 0] * w[1] + covariates[:, 1] * w[2]
    sign = 2 * bought - 1
    return -np.log(ndtr(sign * z)).sum()


@exactly(probit_regression)
def _(w):
    score = [w[0] + mp.fdot(x, w[1:]) for x in reals(covariates)]
    return -mp.fsum(mp.log(mp.ncdf(s if yes else -s)) for s, yes in zip(score, bought, strict=True))


@at(w=[0.3, -0.6], delta=0.8)
def huber_regression(w, delta):
    r = np.abs(covariates @ w - observed)
    return np.where(r < delta, 0.5 * r**2, delta * (r - 0.5 * delta)).mean()


@exactly(huber_regression)
def _(w, delta):
    total = mpf(0)
    for x, y in zip(reals(covariates), reals(observed), strict=True):
        r = abs(mp.fdot(x, w) - y)
        total += r * r / 2 if r < delta else delta * r - delta * delta / 2
    return total / 5


seen = rng.normal(size=(4, 3))


@at(mean=[0.1, 0.2, -0.1], triangle=[0.3, -0.2, 0.1, 0.5, 0.4, -0.3])
def covariance_by_its_root(mean, triangle):
    lower = np.zeros((3, 3))
    lower[np.tril_indices(3)] = triangle
    lower[np.diag_indices(3)] = np.exp(np.diag(lower))
    covariance = lower @ lower.T
    centred = seen - mean
    square = np.einsum("ni,in->", centred, np.linalg.solve(covariance, centred.T))
    return 0.5 * (square + 4 * np.linalg.slogdet(2 * np.pi * covariance)[1])


@exactly(covariance_by_its_root)
def _(mean, triangle):
    a, b, c, d, e, f = triangle
    lower = mp.matrix([[mp.exp(a), 0, 0], [b, mp.exp(c), 0], [d, e, mp.exp(f)]])
    total = 6 * mp.log(2 * mp.pi) + 4 * (a + c + f)
    for row in reals(seen):
        white = mp.lu_solve(lower, [y - m for y, m in zip(row, mean, strict=True)])
        total += mp.fdot(white, white) / 2
    return total


@at(log_prior=0.4, log_noise=-0.7)
def bayesian_regression(log_prior, log_noise):
    covariance = np.exp(log_prior) * covariates @ covariates.T + np.exp(log_noise) * np.identity(5)
    return multivariate_normal.logpdf(observed, mean=np.zeros(5), cov=covariance)


@exactly(bayesian_regression)
def _(log_prior, log_noise):
    """The evidence in terms of the two weights."""
    prior, noise = mp.exp(log_prior), mp.exp(log_noise)
    x, y = mp.matrix(reals(covariates)), mp.matrix(reals(observed))
    precision = x.T * x / noise + mp.eye(2) / prior
    weights = mp.lu_solve(precision, x.T * y / noise)
    misfit = mp.norm(y - x * weights) ** 2 / noise + mp.norm(weights) ** 2 / prior
    volume = mp.log(mp.det(precision)) + 2 * log_prior + 5 * (log_noise + mp.log(2 * mp.pi))
    return -(misfit + volume) / 2


@at(p=[0.2, 0.5, 0.3])
def entropy(p):
    p = p / sum(p)
    return -sum(map(lambda t: t * math.log(t), p))  # noqa: C417


@exactly(entropy)
def _(p):
    whole = mp.fsum(p)
    return mp.log(whole) - mp.fsum(t * mp.log(t) for t in p) / whole
