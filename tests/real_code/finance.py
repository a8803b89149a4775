"""Prices."""

import math

import numpy as np
from mpmath import mp, mpc, mpf

from . import at, exactly, reals

rng = np.random.default_rng(4)


def normal_cdf(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


@at(price=100.0, sigma=0.2, rate=0.05)
def black_scholes(price, sigma, rate):
    strike, years = 95.0, 1.5
    d1 = (math.log(price / strike) + (rate + sigma * sigma / 2) * years) / (sigma * math.sqrt(years))
    d2 = d1 - sigma * math.sqrt(years)
    return price * normal_cdf(d1) - strike * math.exp(-rate * years) * normal_cdf(d2)


@exactly(black_scholes)
def _(price, sigma, rate):
    spread = sigma * mp.sqrt(mpf(3) / 2)
    forward = price * mp.exp(rate * 3 / 2)
    middle = mp.log(forward / 95) / spread
    discount = mp.exp(-rate * 3 / 2)
    return discount * (forward * mp.ncdf(middle + spread / 2) - 95 * mp.ncdf(middle - spread / 2))


@at(price=36.0, sigma=0.3, rate=0.06)
def american_put(price, sigma, rate):
    steps, strike = 8, 40.0
    dt = 1.0 / steps
    up = math.exp(sigma * math.sqrt(dt))
    chance = (math.exp(rate * dt) - 1 / up) / (up - 1 / up)
    prices = price * up ** (2.0 * np.arange(steps + 1) - steps)
    values = np.maximum(strike - prices, 0)
    for n in range(steps, 0, -1):
        prices[:n] = prices[:n] * up
        values[:n] = math.exp(-rate * dt) * (chance * values[1 : n + 1] + (1 - chance) * values[:n])
        np.maximum(values[:n], strike - prices[:n], out=values[:n])
    return values[0]


@exactly(american_put)
def _(price, sigma, rate):
    """Worth now is the better of stopping and going on."""
    up = mp.exp(sigma * mp.sqrt(mpf(1) / 8))
    chance = (mp.exp(rate / 8) - 1 / up) / (up - 1 / up)

    def worth(step, height):
        stop = max(40 - price * up**height, mpf(0))
        return stop if step == 8 else max(stop, going_on(step + 1, height))

    def going_on(step, height):
        for level in (height + 1, height - 1):
            if (step, level) not in known:
                known[step, level] = worth(step, level)
        return mp.exp(-rate / 8) * (chance * known[step, height + 1] + (1 - chance) * known[step, height - 1])

    known = {}
    return worth(0, 0)


@at(variance=0.04, reversion=1.5, vol_of_vol=0.3, correlation=-0.6)
def heston_call(variance, reversion, vol_of_vol, correlation):
    price, strike, years, level = 100.0, 105.0, 1.0, 0.05
    u = np.linspace(0.05, 20, 30) - 0.5j
    b = reversion - correlation * vol_of_vol * 1j * u
    d = np.sqrt(b**2 + vol_of_vol**2 * (1j * u + u**2))
    g = (b - d) / (b + d)
    fade = np.exp(-d * years)
    drift = reversion * level / vol_of_vol**2 * ((b - d) * years - 2 * np.log((1 - g * fade) / (1 - g)))
    spread = variance / vol_of_vol**2 * (b - d) * (1 - fade) / (1 - g * fade)
    transform = np.exp(drift + spread + 1j * u * np.log(price / strike))
    return price - strike / np.pi * np.trapezoid((transform / (u**2 + 1j * u)).real, u.real)


@exactly(heston_call)
def _(variance, reversion, vol_of_vol, correlation):
    total, i = mpf(0), mpc(0, 1)
    nodes = reals(np.linspace(0.05, 20, 30))
    for k, node in enumerate(nodes):
        u = mpc(node, -0.5)
        b = reversion - correlation * vol_of_vol * i * u
        d = mp.sqrt(b * b + vol_of_vol**2 * u * (u + i))
        half = d / 2  # the same transform in hyperbolic functions
        denominator = d * mp.cosh(half) + b * mp.sinh(half)
        level = 2 * reversion * mpf(0.05) / vol_of_vol**2
        exponent = level * (b / 2 + mp.log(d / denominator)) - variance * u * (u + i) * mp.sinh(half) / denominator
        ends = nodes[max(k - 1, 0)], nodes[min(k + 1, 29)]
        value = mp.exp(exponent + i * u * mp.log(mpf(100) / 105)) / (u * (u + i))
        total += value.real * (ends[1] - ends[0]) / 2
    return 100 - 105 / mp.pi * total


draws = rng.normal(size=(4, 5))


@at(price=100.0, sigma=0.25, rate=0.03)
def asian_option(price, sigma, rate):
    dt = 1 / draws.shape[1]
    growth = np.cumsum((rate - 0.5 * sigma**2) * dt + sigma * np.sqrt(dt) * draws, axis=1)
    paths = price * np.exp(growth)
    payoff = np.clip(paths.mean(axis=1) - 95.0, 0, None)
    return np.exp(-rate) * payoff.mean()


@exactly(asian_option)
def _(price, sigma, rate):
    total = mpf(0)
    for path in reals(draws):
        prices = [
            price * mp.exp((rate - sigma**2 / 2) * n / 5 + sigma * mp.fsum(path[:n]) / mp.sqrt(5)) for n in range(1, 6)
        ]
        total += max(mp.fsum(prices) / 5 - 95, mpf(0))
    return mp.exp(-rate) * total / 4


@at(price=95.0, coupon=4.0)
def yield_to_maturity(price, coupon):
    years = np.arange(1, 6)
    flows = np.append(np.repeat(coupon, 4), coupon + 100)
    rate, gap = 0.05, 1.0
    while abs(gap) > 1e-7:
        worth = flows * (1 + rate) ** -years
        gap = np.sum(worth) - price
        rate += gap / np.sum(years * worth / (1 + rate))
    return rate


@exactly(yield_to_maturity)
def _(price, coupon):
    roots = mp.polyroots([price, -coupon, -coupon, -coupon, -coupon, -coupon - 100], maxsteps=200, extraprec=200)
    (growth,) = (mp.re(root) for root in roots if abs(mp.im(root)) < mpf(10) ** -30)
    return growth - 1


history = rng.normal(size=(6, 3))


@at(gain=[0.05, 0.07, 0.03], caution=0.4)
def best_portfolio(gain, caution):
    covariance = np.cov(history, rowvar=False) + caution * np.eye(3)
    weights = np.linalg.solve(covariance, gain)
    weights = weights / np.sum(weights)
    return gain @ weights / np.sqrt(weights @ covariance @ weights)


@exactly(best_portfolio)
def _(gain, caution):
    """The best ratio is known without the portfolio."""
    columns = list(zip(*reals(history), strict=True))
    centred = [[t - mp.fsum(column) / 6 for t in column] for column in columns]
    covariance = mp.matrix([[mp.fdot(a, b) / 5 for b in centred] for a in centred]) + caution * mp.eye(3)
    return mp.sqrt(mp.fdot(gain, mp.lu_solve(covariance, gain)))
