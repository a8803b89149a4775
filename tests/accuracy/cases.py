"""The accuracy set: functions of one variable of every kind that people differentiate."""

import math

import numpy as np
from mpmath import mp
from scipy import integrate, optimize, special

from . import HIGH_PRECISION, Case

CASES: list[Case] = []


def apart(kind, name, f, exact, *points, highest=4, bounds=None):
    """Add a function that is written differently in mpmath."""
    CASES.extend(Case(kind, f"{name} at {x!r}", f, exact, x, highest, bounds) for x in points)


def both(kind, name, build, *points, **limits):
    """Add a function that is written once, over the names of NumPy."""
    apart(kind, name, build(np), build(HIGH_PRECISION), *points, **limits)


# Smooth functions near 1.

both("smooth", "exp x", lambda np: lambda x: np.exp(x), 1.0)
both("smooth", "sin x", lambda np: lambda x: np.sin(x), 0.7, -4.0)
both("smooth", "x exp −x", lambda np: lambda x: x * np.exp(-x), 2.5)
both("smooth", "log(1 + x²)", lambda np: lambda x: np.log(1 + x**2), 0.5)
both("smooth", "arctan x", lambda np: lambda x: np.arctan(x), -2.0)
both("smooth", "exp(sin x)", lambda np: lambda x: np.exp(np.sin(x)), 1.0)
both("smooth", "x^x", lambda np: lambda x: x**x, 1.7)
both("smooth", "sinh x", lambda np: lambda x: np.sinh(x), -1.2)
both("smooth", "√(1 + x²)", lambda np: lambda x: np.sqrt(1 + x * x), 3.0)
both("smooth", "2^x", lambda np: lambda x: np.exp2(x), 0.3)
both("smooth", "arcsinh x", lambda np: lambda x: np.arcsinh(x), 0.9)

# Polynomials and rational functions.


def wilkinson(np):
    def f(x):
        product = 1.0
        for root in range(1, 11):
            product = product * (x - root)
        return product

    return f


def chebyshev(np):
    def f(x):
        before, now = 1.0, x
        for _ in range(19):
            before, now = now, 2 * x * now - before
        return now

    return f


both("polynomial", "x³ − 2x + 5", lambda np: lambda x: x**3 - 2 * x + 5, 1.2, -250.0)
both("polynomial", "x^10", lambda np: lambda x: x**10, 1.1)
both("polynomial", "Wilkinson's, of degree 10", wilkinson, 2.5)
both("polynomial", "Chebyshev's T20", chebyshev, 0.3, 0.98)
both("rational", "Runge's function", lambda np: lambda x: 1 / (1 + 25 * x**2), 0.2, 0.9)
both("rational", "(x² − 1) / (x² + x + 1)", lambda np: lambda x: (x**2 - 1) / (x**2 + x + 1), 0.4)
both("rational", "Michaelis and Menten", lambda np: lambda s: 3.1 * s / (0.04 + s), 0.02, 8.0)

# From textbooks.

both("textbook", "the sigmoid", lambda np: lambda w: 1 / (1 + np.exp(-w * 2.0)), 0.5)
both("textbook", "Baydin's", lambda np: lambda x: np.log(x) + x * 5.0 - np.sin(5.0), 2.0)
both(
    "textbook",
    "the logistic map, l₄",
    lambda np: lambda x: 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x * x) ** 2,
    0.2,
)
both("textbook", "Harvard's", lambda np: lambda x: x - np.exp(-2 * np.sin(4 * x) ** 2), math.pi / 16)
both(
    "textbook",
    "Squire and Trapp's",
    lambda np: lambda x: np.exp(x) / (np.cos(x) ** 3 + np.sin(x) ** 3),
    math.pi / 4,
    1.5,
)
both("textbook", "Lyness and Moler's", lambda np: lambda x: x**4.5, 1.5)
both("textbook", "Numerical Recipes'", lambda np: lambda x: x * np.exp(x) * np.log(x), 0.5)

# Scales that are not those of x.

both("scaled", "exp(10⁶ x)", lambda np: lambda x: np.exp(1e6 * x), 1e-7, 3e-5)
both("scaled", "exp(x / 10⁶)", lambda np: lambda x: np.exp(x / 1e6), 1.0, 3e6)
both("scaled", "sin(10⁶ x)", lambda np: lambda x: np.sin(1e6 * x), 1.0)
both("scaled", "sin(x / 10⁴)", lambda np: lambda x: np.sin(x / 1e4), 0.02)
both("scaled", "sin x", lambda np: lambda x: np.sin(x), 1e4, 1e8, 1e-8)
both("scaled", "log x", lambda np: lambda x: np.log(x), 1e-8, 1e8)
both("scaled", "√x", lambda np: lambda x: np.sqrt(x), 1e-6, 4e7)
both("scaled", "1 / x", lambda np: lambda x: 1 / x, 1e-8, 3e6)
both("scaled", "tanh(10⁵ (x − 1))", lambda np: lambda x: np.tanh(1e5 * (x - 1)), 1 + 3e-6)
both("scaled", "a bell 10⁻⁴ wide at 3", lambda np: lambda x: np.exp(-(((x - 3) / 1e-4) ** 2)), 3.00005)
both("scaled", "a bell 1 wide at 10⁶", lambda np: lambda x: np.exp(-((x - 1e6) ** 2)), 1e6 + 0.5)
both("scaled", "arctan(10⁵ x)", lambda np: lambda x: np.arctan(1e5 * x), 3e-6, 0.2)
both("scaled", "a resonance 10⁻⁵ wide", lambda np: lambda x: 1 / ((x**2 - 1) ** 2 + 1e-10), 1.000004)
both("scaled", "Arrhenius", lambda np: lambda t: 2e13 * np.exp(-1.1e5 / (8.314 * t)), 310.0)
both("scaled", "Planck", lambda np: lambda w: 1.19e-16 / w**5 / np.expm1(1.4388e-2 / (w * 5800.0)), 5e-7)
both("scaled", "a diode", lambda np: lambda v: 1e-12 * (np.exp(v / 0.02585) - 1), 0.6)
both("scaled", "log(1 + 10⁸ x)", lambda np: lambda x: np.log(1 + 1e8 * x), 1e-9)
both("scaled", "√(x² + 10⁻¹²)", lambda np: lambda x: np.sqrt(x**2 + 1e-12), 3e-7, 0.5)
both("scaled", "a sigmoid 10⁻³ wide at 100", lambda np: lambda x: 1 / (1 + np.exp(-(x - 100) / 1e-3)), 100.0005)
both("scaled", "x exp(−x / 10⁷)", lambda np: lambda x: x * np.exp(-x / 1e7), 2e4)
both("scaled", "a phase in a crystal", lambda np: lambda k: 1e-3 * np.sin(5.43e-10 * k) ** 2, 1.7e9)
both("scaled", "x^−12", lambda np: lambda x: x**-12, 2e-5)
both("scaled", "Lennard-Jones", lambda np: lambda r: 4 * ((3.4e-10 / r) ** 12 - (3.4e-10 / r) ** 6), 3.7e-10)

# Beside a singularity.

both("near-singular", "1 / (x − 1)", lambda np: lambda x: 1 / (x - 1), 1.1, 1.001, 1 + 1e-6)
both("near-singular", "tan x", lambda np: lambda x: np.tan(x), 1.5, 1.57, 1.5707)
both("near-singular", "log x", lambda np: lambda x: np.log(x), 1e-3)
both("near-singular", "log(1 − x)", lambda np: lambda x: np.log(1 - x), 0.9999)
both("near-singular", "1 / sin x", lambda np: lambda x: 1 / np.sin(x), 3.14)
both("near-singular", "1 / (x² + 10⁻⁶)", lambda np: lambda x: 1 / (x * x + 1e-6), 2e-3)
both("near-singular", "exp(1 / x)", lambda np: lambda x: np.exp(1 / x), 0.04)
both("near-singular", "exp(−1 / x²)", lambda np: lambda x: np.exp(-1 / x**2), 0.1)
both("near-singular", "1 / (1 − x)³", lambda np: lambda x: 1 / (1 - x) ** 3, 0.99)
both("near-singular", "sin x / √x", lambda np: lambda x: np.sin(x) / np.sqrt(x), 2e-4)
both("near-singular", "log log x", lambda np: lambda x: np.log(np.log(x)), 1.001)
both("near-singular", "1 / (x − 2)²", lambda np: lambda x: 1 / (x - 2) ** 2, 2.00003)
both("near-singular", "√(sin x)", lambda np: lambda x: np.sqrt(np.sin(x)), 3.1415)
both("near-singular", "x / (exp x − 1)", lambda np: lambda x: x / np.expm1(x), 1e-3)
both("near-singular", "exp(−1 / x)", lambda np: lambda x: np.exp(-1 / x), 0.01)

# Oscillations.


def weierstrass(np):
    return lambda x: sum(0.5**k * np.cos(3**k * x) for k in range(7))


both("oscillatory", "sin(100 x)", lambda np: lambda x: np.sin(100 * x), 0.3, 12.0)
both("oscillatory", "sin(1 / x)", lambda np: lambda x: np.sin(1 / x), 0.05, 0.004)
both("oscillatory", "sin(x²)", lambda np: lambda x: np.sin(x**2), 12.0, 100.0)
both("oscillatory", "sin(exp x)", lambda np: lambda x: np.sin(np.exp(x)), 5.0)
both("oscillatory", "exp(−x) cos(40 x)", lambda np: lambda x: np.exp(-x) * np.cos(40 * x), 1.1)
both("oscillatory", "sin x + sin(300 x) / 100", lambda np: lambda x: np.sin(x) + 0.01 * np.sin(300 * x), 0.8)
both("oscillatory", "Weierstrass' sum of 7", weierstrass, 0.4)
both("oscillatory", "sin x / x", lambda np: lambda x: np.sin(x) / x, 40.0)
both("oscillatory", "x² cos(1000 x)", lambda np: lambda x: x**2 * np.cos(1000 * x), 0.7)
both("oscillatory", "√x sin(log(x) / 0.01)", lambda np: lambda x: np.sqrt(x) * np.sin(np.log(x) / 0.01), 3e3)

# At zero.

both("at zero", "exp x", lambda np: lambda x: np.exp(x), 0.0)
both("at zero", "cos x", lambda np: lambda x: np.cos(x), 0.0)
both("at zero", "x³ + x", lambda np: lambda x: x**3 + x, 0.0)
both("at zero", "log(1 + x)", lambda np: lambda x: np.log1p(x), 0.0)
both("at zero", "1 / (1 + 1000 x)", lambda np: lambda x: 1 / (1 + 1000 * x), 0.0)
both("at zero", "tanh(x / 1000)", lambda np: lambda x: np.tanh(x / 1000), 0.0)
both("at zero", "exp(−x²) sin(50 x)", lambda np: lambda x: np.exp(-(x**2)) * np.sin(50 * x), 0.0)

# Huge and tiny numbers.

both("huge", "exp x", lambda np: lambda x: np.exp(x), 300.0, 705.0)
both("huge", "x⁴", lambda np: lambda x: x**4, 1e60)
both("huge", "10²⁰⁰ sin x", lambda np: lambda x: 1e200 * np.sin(x), 1.3)
both("huge", "10⁻²⁵⁰ exp x", lambda np: lambda x: 1e-250 * np.exp(x), 1.1)
both("huge", "log x", lambda np: lambda x: np.log(x), 1e60)
both("huge", "x exp x", lambda np: lambda x: x * np.exp(x), 1e-20)

# Cancellation.

both("cancelling", "(1 − cos x) / x²", lambda np: lambda x: (1 - np.cos(x)) / x**2, 0.01, 1e-4)
both("cancelling", "exp x − 1", lambda np: lambda x: np.exp(x) - 1, 1e-6)
both("cancelling", "√(x + 1) − √x", lambda np: lambda x: np.sqrt(x + 1) - np.sqrt(x), 1e6)
both("cancelling", "10⁶ + sin x", lambda np: lambda x: 1e6 + np.sin(x), 0.9)
both("cancelling", "(10⁵ + x)² − 10¹⁰", lambda np: lambda x: (1e5 + x) ** 2 - 1e10, 0.3)
both("cancelling", "tan x − sin x", lambda np: lambda x: np.tan(x) - np.sin(x), 0.02)
both("cancelling", "(x − 1)⁵, expanded", lambda np: lambda x: x**5 - 5 * x**4 + 10 * x**3 - 10 * x**2 + 5 * x - 1, 1.3)
both("cancelling", "log(1 + exp x)", lambda np: lambda x: np.log(1 + np.exp(x)), -12.0)
both("cancelling", "1 / x − 1 / (x + 1)", lambda np: lambda x: 1 / x - 1 / (x + 1), 3e3)
both("cancelling", "10⁹ + exp x", lambda np: lambda x: 1e9 + np.exp(x), 3.0, highest=3)
both("cancelling", "(x − sin x) / x³", lambda np: lambda x: (x - np.sin(x)) / x**3, 0.02)
both("cancelling", "(exp x − 1 − x) / x²", lambda np: lambda x: (np.exp(x) - 1 - x) / x**2, 1e-3)

# Noise.


def noise(x):
    """Between −1 and 1, without a pattern and the same on every run."""
    return np.modf(43758.5453 * np.sin(129898.0 * x))[0]


def single(x):
    return float(np.sum(np.sin(np.float32(x) * np.arange(1, 9, dtype=np.float32)) / np.float32(8)))


def sines(x):
    return sum(mp.sin(k * x) for k in range(1, 9)) / 8


def root_of_cubic(c):
    return optimize.brentq(lambda t: t**3 + t - c, -10, 10, xtol=1e-10)


def cubic_root_exactly(c):
    return mp.findroot(lambda t: t**3 + t - c, mp.mpf(0.9), tol=mp.mpf(10) ** (15 - 2 * mp.dps))


def pendulum(t):
    found = integrate.solve_ivp(lambda _, y: (y[1], -y[0]), (0, t), (1.0, 0.0), rtol=1e-9, atol=1e-12)
    return found.y[0, -1]


def trapezoid(x):
    t = np.linspace(0, 1, 65, dtype=np.float32)
    return float(np.trapezoid(np.exp(-np.float32(x) * t), t))


def trapezoid_exactly(x):
    return sum(mp.exp(-x * k / 64) * (0.5 if k in (0, 64) else 1) for k in range(65)) / 64


def variance(x):
    readings = 1e4 + x * np.array([0.3, 1.7, 2.2, -0.4, 0.9])
    return np.mean(readings**2) - np.mean(readings) ** 2


def variance_exactly(x):
    readings = [10000 + x * c for c in (0.3, 1.7, 2.2, -0.4, 0.9)]
    return sum(r**2 for r in readings) / 5 - (sum(readings) / 5) ** 2


apart("noisy", "sin x to 8 decimals", lambda x: np.round(np.sin(x), 8), mp.sin, 0.7, highest=2)
apart("noisy", "x exp x to 10 decimals", lambda x: round(x * math.exp(x), 10), lambda x: x * mp.exp(x), 1.3, highest=3)
apart("noisy", "exp x with noise 10⁻⁸", lambda x: np.exp(x) + 1e-8 * noise(x), mp.exp, 0.4, highest=2)
apart("noisy", "cos x with noise 10⁻¹⁰", lambda x: np.cos(x) + 1e-10 * noise(x), mp.cos, 2.0, highest=3)
apart("noisy", "1 / x with noise 10⁻¹²", lambda x: 1 / x + 1e-12 * noise(x), lambda x: 1 / x, 3.0)
apart("noisy", "sin x, noise 10⁻¹² times itself", lambda x: np.sin(x) * (1 + 1e-12 * noise(x)), mp.sin, 5.0)
apart("noisy", "sines in single precision", single, sines, 0.5, highest=1)
apart("noisy", "a root found to 10⁻¹⁰", root_of_cubic, cubic_root_exactly, 1.6, highest=3)
apart("noisy", "an orbit to nine digits", pendulum, mp.cos, 2.2, highest=2)
apart("noisy", "log x to 7 decimals", lambda x: np.round(np.log(x), 7), mp.log, 4.0, highest=2)
apart("noisy", "exp x as printed, 9 digits", lambda x: float(f"{np.exp(x):.9g}"), mp.exp, -0.6, highest=2)
apart("noisy", "tanh x in single precision", lambda x: np.tanh(np.float32(x)), mp.tanh, 0.4, highest=1)
apart("noisy", "the trapezoidal rule in single precision", trapezoid, trapezoid_exactly, 2.0, highest=1)
both("noisy", "sin(10¹⁰ + x)", lambda np: lambda x: np.sin(1e10 + x), 0.25, highest=2)
apart("noisy", "a variance far from zero", variance, variance_exactly, 1.5)

# Domains that end.

apart("one-sided", "x^1.5", lambda x: x**1.5, lambda x: mp.mpf(0), 0.0, highest=1, bounds=(0.0, math.inf))
both("one-sided", "x^1.5", lambda np: lambda x: x**1.5, 1e-9, bounds=(0.0, math.inf))
both("one-sided", "√x", lambda np: lambda x: np.sqrt(x), 1e-12, bounds=(0.0, math.inf))
both("one-sided", "arcsin x", lambda np: lambda x: np.arcsin(x), 0.5, 0.999, 1 - 1e-7, bounds=(-1.0, 1.0))
both("one-sided", "arccosh x", lambda np: lambda x: np.arccosh(x), 1.0002, bounds=(1.0, math.inf))
both("one-sided", "arctanh x", lambda np: lambda x: np.arctanh(x), -0.99, bounds=(-1.0, 1.0))
both("one-sided", "√(1 − x²)", lambda np: lambda x: np.sqrt(1 - x**2), 0.9999, bounds=(-1.0, 1.0))
both("one-sided", "x log x", lambda np: lambda x: x * np.log(x), 1e-5, bounds=(0.0, math.inf))
both("one-sided", "entropy", lambda np: lambda p: -p * np.log(p) - (1 - p) * np.log(1 - p), 0.999, bounds=(0.0, 1.0))
both("one-sided", "√(x − 2)", lambda np: lambda x: np.sqrt(x - 2), 2.001, bounds=(2.0, math.inf))
apart("one-sided", "log x by math", lambda x: math.log(x), mp.log, 1e-3, bounds=(0.0, math.inf))
apart("one-sided", "√x exp x by math", lambda x: math.sqrt(x) * math.exp(x), lambda x: mp.sqrt(x) * mp.exp(x), 0.01)


def pressure(x):
    if x < 0:
        raise ValueError("x must not be negative")
    return math.exp(-x) * (1 + x)


apart(
    "at the end", "exp(x) for x ≥ 0", lambda x: np.where(x >= 0, np.exp(x), np.nan), mp.exp, 0.0, bounds=(0.0, math.inf)
)
apart("at the end", "exp(−x) (1 + x) for x ≥ 0", pressure, lambda x: mp.exp(-x) * (1 + x), 0.0, bounds=(0.0, math.inf))
both("at the end", "cos √x", lambda np: lambda x: np.cos(np.sqrt(x)), 0.0, bounds=(0.0, math.inf))
apart(
    "at the end", "sin x for x ≤ 1", lambda x: np.where(x <= 1, np.sin(x), np.nan), mp.sin, 1.0, bounds=(-math.inf, 1.0)
)

# Beside kinks.


def huber(x):
    return np.where(np.abs(x) <= 1, 0.5 * x**2, np.abs(x) - 0.5)


def spline(x):
    return 1 - 6 * x**2 + 6 * np.abs(x) ** 3 if abs(x) < 0.5 else 2 * (1 - abs(x)) ** 3


def spread(x):
    values = np.sort(np.array([x**2, 1.2 * x, np.cos(x)]))
    return values[2] - values[0]


def parabola(x):
    return x * x


apart("near a kink", "|x − 0.1| sin x", lambda x: np.abs(x - 0.1) * np.sin(x), lambda x: (x - 0.1) * mp.sin(x), 0.101)
apart("near a kink", "max(x², x)", lambda x: np.maximum(x**2, x), parabola, 1.001)
apart("near a kink", "Huber's loss", huber, lambda x: x * x / 2, 0.99)
apart("near a kink", "|sin x|", lambda x: np.abs(np.sin(x)), lambda x: -mp.sin(x), 3.15)
apart("near a kink", "a cubic spline", spline, lambda x: 1 - 6 * x**2 + 6 * x**3, 0.499)
apart("near a kink", "largest less smallest", spread, lambda x: mp.cos(x) - x**2, 0.43)

# Code that is not analytic, or hides the imaginary part.


def norm(x):
    return np.linalg.norm([x, 1.0, 2 * x])


def power_of_wave(x):
    return np.abs(np.sum(np.exp(1j * x * np.arange(4)))) ** 2


apart("not analytic", "|x| sin x", lambda x: np.abs(x) * np.sin(x), lambda x: x * mp.sin(x), 1.3)
apart("not analytic", "|x|³", lambda x: np.abs(x) ** 3, lambda x: -(x**3), -1.2)
apart("not analytic", "Re exp(ix) x", lambda x: (np.exp(1j * x) * x).real, lambda x: mp.cos(x) * x, 0.8)
apart("not analytic", "a norm", norm, lambda x: mp.sqrt(1 + 5 * x**2), 0.6)
apart("not analytic", "power of a wave", power_of_wave, lambda x: (mp.sin(2 * x) / mp.sin(x / 2)) ** 2, 0.5)
apart("not analytic", "cbrt x", lambda x: np.cbrt(x), lambda x: mp.cbrt(x), 2.0)
apart("not analytic", "arctan2(x, 2)", lambda x: np.arctan2(x, 2.0), lambda x: mp.atan(x / 2), -0.7)
apart("not analytic", "max(0, x)²", lambda x: np.maximum(0, x) ** 2 + x, lambda x: x**2 + x, 0.3)
apart("not analytic", "√x of a float", lambda x: np.sqrt(float(x)), mp.sqrt, 5.0)
apart("not analytic", "sign(x) log |x|", lambda x: np.sign(x) * np.log(np.abs(x)), lambda x: -mp.log(-x), -4.0)

# Branches, loops and iterations.


def babylon(np):
    def f(x):
        root = x
        for _ in range(10):
            root = (root + x / root) / 2
        return root

    return f


def kepler(np):
    def f(eccentricity):
        angle = 1.0
        for _ in range(12):
            angle = angle - (angle - eccentricity * np.sin(angle) - 1.0) / (1 - eccentricity * np.cos(angle))
        return angle

    return f


def iterated(np):
    def f(x):
        for _ in range(8):
            x = 3.7 * x * (1 - x)
        return x

    return f


def simpson(np):
    def f(x):
        values = [np.exp(-((k * x / 40) ** 2)) for k in range(41)]
        return x / 120 * (values[0] + 4 * sum(values[1::2]) + 2 * sum(values[2:-1:2]) + values[-1])

    return f


def runge_kutta(np):
    def f(rate):
        y, h = 0.1, 0.1
        slope = lambda y: rate * y * (1 - y)
        for _ in range(30):
            a = slope(y)
            b = slope(y + h / 2 * a)
            c = slope(y + h / 2 * b)
            y = y + h / 6 * (a + 2 * b + 2 * c + slope(y + h * c))
        return y

    return f


def series(np):
    def f(x):
        term = total = 1.0
        for k in range(1, 40):
            term = term * x / k
            total = total + term
        return total

    return f


def continued_fraction(np):
    def f(x):
        y = x
        for k in range(20, 0, -1):
            y = x + k / y
        return y

    return f


def tariff(x):
    if x < 1:
        return x**2
    return math.exp(x - 1) if x < 3 else 8.0


def arithmetic_geometric(np):
    def f(x):
        a, g = 1.0, x
        for _ in range(7):
            a, g = (a + g) / 2, np.sqrt(a * g)
        return a

    return f


both("iteration", "ten Babylonian steps", babylon, 2.0, 49.0)
both("iteration", "Kepler's equation", kepler, 0.3)
both("iteration", "the logistic map, eight times", iterated, 0.31)
both("iteration", "Simpson's rule", simpson, 1.5)
both("iteration", "Runge–Kutta for growth", runge_kutta, 1.8)
both("iteration", "the series of exp", series, -3.0)
both("iteration", "a continued fraction", continued_fraction, 2.0)
both("iteration", "the arithmetic-geometric mean", arithmetic_geometric, 0.2)
apart("iteration", "a tariff", tariff, lambda x: mp.exp(x - 1), 1.4)

# Special functions.

apart("special", "Γ", special.gamma, mp.gamma, 3.3, -1.4)
apart("special", "log Γ", special.gammaln, mp.loggamma, 10.5)
apart("special", "erf", special.erf, mp.erf, 0.5)
apart("special", "erfc", special.erfc, mp.erfc, 5.0)
apart("special", "J₂", lambda x: special.jv(2, x), lambda x: mp.besselj(2, x), 3.3)
apart("special", "J₀", special.j0, lambda x: mp.besselj(0, x), 50.0)
apart("special", "digamma", special.digamma, mp.digamma, 2.2)
apart("special", "ζ", special.zeta, mp.zeta, 2.5)
apart("special", "Lambert's W", lambda x: special.lambertw(x).real, mp.lambertw, 1.0)
apart("special", "K", special.ellipk, mp.ellipk, 0.9)
apart("special", "Ai", lambda x: special.airy(x)[0], mp.airyai, -5.0)
apart("special", "Φ", special.ndtr, lambda x: mp.erfc(-x / mp.sqrt(2)) / 2, -5.0, 1.0)

# Code for single numbers.


def damped(x):
    return math.exp(-x) * math.sin(3 * x)


def normal(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def present_value(rate):
    return math.fsum(100 / (1 + rate) ** year for year in range(1, 11))


def call(volatility):
    d = (math.log(100 / 95) + 0.5 * (0.01 + 0.5 * volatility**2)) / (volatility * math.sqrt(0.5))
    return 100 * normal(d) - 95 * math.exp(-0.005) * normal(d - volatility * math.sqrt(0.5))


def call_exactly(volatility):
    half = math.sqrt(0.5)
    below = lambda x: (1 + mp.erf(x / math.sqrt(2))) / 2
    d = (math.log(100 / 95) + 0.5 * (0.01 + 0.5 * volatility**2)) / (volatility * half)
    return 100 * below(d) - 95 * math.exp(-0.005) * below(d - volatility * half)


apart("single numbers", "exp(−x) sin 3x", damped, lambda x: mp.exp(-x) * mp.sin(3 * x), 0.9)
apart("single numbers", "a bond", present_value, lambda r: sum(100 / (1 + r) ** k for k in range(1, 11)), 0.03)
apart("single numbers", "a call's price", call, call_exactly, 0.2)
apart("single numbers", "hypot(x, 3)", lambda x: math.hypot(x, 3.0), lambda x: mp.sqrt(x * x + 9), 4.0)
apart("single numbers", "cos(1000 x)", lambda x: math.cos(1e3 * x), lambda x: mp.cos(1e3 * x), 0.25)
apart("single numbers", "(x − ⌊x⌋)³", lambda x: (x - math.floor(x)) ** 3, lambda x: (x - 2) ** 3, 2.3)

# Powers of negative numbers.

both("negative base", "x³", lambda np: lambda x: x**3, -1.5)
both("negative base", "x⁻²", lambda np: lambda x: x**-2.0, -0.3)
both("negative base", "x⁵ + x⁴", lambda np: lambda x: x**5 + x**4, -1e3)
apart("negative base", "(x²)^(1/3)", lambda x: (x**2) ** (1 / 3), lambda x: (x**2) ** (1 / 3), -0.7)
apart("negative base", "np.power(x, 7)", lambda x: np.power(x, 7), lambda x: x**7, -0.02)

# Plateaus, saturation, tails.

apart("plateau", "a constant", lambda x: 3.0, lambda x: mp.mpf(3), 2.0)
apart("plateau", "a step", lambda x: np.where(x > 0, 1.0, 0.0), lambda x: mp.mpf(1), 0.7)
apart("plateau", "⌊x⌋", lambda x: np.floor(x), lambda x: mp.mpf(2), 2.5)
both("plateau", "sin² + cos²", lambda np: lambda x: np.sin(x) ** 2 + np.cos(x) ** 2, 0.8)
both("plateau", "a straight line", lambda np: lambda x: 3 * x + 1, 0.3)
both("plateau", "the sigmoid", lambda np: lambda x: 1 / (1 + np.exp(-x)), -30.0, 12.0)
both("plateau", "tanh", lambda np: lambda x: np.tanh(x), 6.0)
both("plateau", "a bell, far out", lambda np: lambda x: np.exp(-(x**2) / 2), 9.0, 30.0)
both("plateau", "softplus", lambda np: lambda x: np.log1p(np.exp(x)), -20.0)
both("plateau", "Fermi's function", lambda np: lambda e: 1 / (np.exp((e - 5.0) / 0.025) + 1), 5.3)

# Chains.

both("chain", "exp(sin(cos(x²)))", lambda np: lambda x: np.exp(np.sin(np.cos(x**2))), 0.9)
both("chain", "log log log x", lambda np: lambda x: np.log(np.log(np.log(x))), 20.0)
both("chain", "tanh(exp(−√(1 + sin² x)))", lambda np: lambda x: np.tanh(np.exp(-np.sqrt(1 + np.sin(x) ** 2))), 1.9)
both("chain", "exp(−exp(−x)) x²", lambda np: lambda x: np.exp(-np.exp(-x)) * x**2, -1.0)
both(
    "chain",
    "sin(x) cos(3x) exp(−x/5) / (1 + x²)",
    lambda np: lambda x: np.sin(x) * np.cos(3 * x) * np.exp(-x / 5) / (1 + x**2),
    2.2,
)
