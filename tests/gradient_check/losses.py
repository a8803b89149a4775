"""Losses as people write them, each with its gradient by hand, and mistakes people make in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

rng = np.random.default_rng(7)
X = rng.normal(size=(20, 3))
y = rng.normal(size=20)
labels = (rng.normal(size=20) > 0).astype(float)
classes = rng.integers(0, 3, size=20)
onehot = np.eye(3)[classes]
images = rng.normal(size=(20, 4))
w0 = np.array([0.3, -0.7, 1.1])
W0 = 0.5 * rng.normal(size=(4, 3))
M0 = rng.normal(size=(3, 3))
B = rng.normal(size=(3, 3))
times = np.linspace(0.0, 2.0, 8)
counts = rng.poisson(2.0, size=20).astype(float)


@dataclass
class Loss:
    """A function, its gradient, the point, and wrong gradients with what must be said of them."""

    f: Callable[..., Any]
    gradient: Callable[..., Any]
    args: tuple[Any, ...]
    mistakes: dict[str, tuple[Callable[..., Any], str]] = field(default_factory=dict)
    argnums: Any = 0


LOSSES: dict[str, Loss] = {}


def case(f: Callable[..., Any], *args: Any, argnums: Any = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(gradient: Callable[..., Any]) -> Callable[..., Any]:
        LOSSES[f.__name__] = Loss(f, gradient, args, argnums=argnums)
        return gradient

    return register


def mistake(of: Callable[..., Any], said: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(gradient: Callable[..., Any]) -> Callable[..., Any]:
        LOSSES[of.__name__].mistakes[gradient.__name__] = gradient, said
        return gradient

    return register


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# Least squares.


def least_squares(w):
    r = X @ w - y
    return np.mean(r**2)


@case(least_squares, w0)
def least_squares_gradient(w):
    return 2 * X.T @ (X @ w - y) / len(y)


@mistake(least_squares, "yours is 20 times the true gradient, and 20 is len(X): a sum where the function has a mean")
def summed(w):
    return 2 * X.T @ (X @ w - y)


@mistake(least_squares, "yours is the true gradient with the opposite sign")
def residual_turned(w):
    return 2 * X.T @ (y - X @ w) / len(y)


@mistake(least_squares, "yours is half the true gradient: the 2 of a square is missing, or a 1/2 is counted twice")
def without_its_two(w):
    return X.T @ (X @ w - y) / len(y)


@mistake(least_squares, "yours is 1/2 × 20 times the true gradient")
def summed_without_its_two(w):
    return X.T @ (X @ w - y)


@mistake(least_squares, "only ∂least_squares/∂w[2] is wrong")
def last_one_forgotten(w):
    g = least_squares_gradient(w)
    g[2] = 0.0
    return g


@mistake(least_squares, "yours is the true gradient in reverse order")
def turned_round(w):
    return least_squares_gradient(w)[::-1]


@mistake(least_squares, "yours is the true gradient moved one place too far")
def shifted(w):
    return np.roll(least_squares_gradient(w), 1)


@mistake(least_squares, "yours is zero")
def empty(w):
    return np.zeros_like(w)


@mistake(least_squares, "yours is 3.7 times the true gradient in every component")
def with_a_rate(w):
    return 3.7 * least_squares_gradient(w)


@mistake(least_squares, "yours has too much by 0.2 × w")
def with_a_penalty(w):
    return least_squares_gradient(w) + 0.2 * w


# Ridge and lasso.


def ridge(w, lam):
    fit = np.sum((X @ w - y) ** 2)
    penalty = lam * np.sum(w**2)
    return fit + penalty


@case(ridge, w0, 0.3)
def ridge_gradient(w, lam):
    return 2 * X.T @ (X @ w - y) + 2 * lam * w


@mistake(ridge, "the part that comes through `penalty`")
def penalty_forgotten(w, lam):
    return 2 * X.T @ (X @ w - y)


@mistake(ridge, "the part that comes through `penalty`")
def penalty_without_its_two(w, lam):
    return 2 * X.T @ (X @ w - y) + lam * w


@mistake(ridge, "the part that comes through `penalty`")
def penalty_turned(w, lam):
    return 2 * X.T @ (X @ w - y) - 2 * lam * w


def lasso(w, lam):
    return 0.5 * np.sum((X @ w - y) ** 2) + lam * np.sum(np.abs(w))


@case(lasso, w0, 0.3)
def lasso_gradient(w, lam):
    return X.T @ (X @ w - y) + lam * np.sign(w)


@mistake(lasso, "the part that comes through `lam * np.sum(np.abs(w))`")
def lasso_forgotten(w, lam):
    return X.T @ (X @ w - y)


# Logistic regression, with a bias.


def logistic(w, b):
    p = sigmoid(X @ w + b)
    return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))


@case(logistic, w0, 0.1, argnums=("w", "b"))
def logistic_gradient(w, b):
    d = (sigmoid(X @ w + b) - labels) / len(labels)
    return X.T @ d, np.sum(d)


@mistake(logistic, "yours is 1/20 of the true gradient, and 20 is len(X): a mean where the function has a sum")
def bias_averaged(w, b):
    gw, gb = logistic_gradient(w, b)
    return gw, gb / len(X)


@mistake(logistic, "yours is the true gradient with the opposite sign")
def likelihood_climbed(w, b):
    return tuple(-g for g in logistic_gradient(w, b))


@mistake(logistic, "only the gradient of w is wrong")
def penalised_in_w(w, b):
    gw, gb = logistic_gradient(w, b)
    return gw + 0.1 * w, gb


# A squared error behind a sigmoid.


def neuron(w, b):
    z = X @ w + b
    p = 1 / (1 + np.exp(-z))
    return 0.5 * np.sum((p - labels) ** 2)


@case(neuron, w0, 0.1, argnums=(0, 1))
def neuron_gradient(w, b):
    p = sigmoid(X @ w + b)
    d = (p - labels) * p * (1 - p)
    return X.T @ d, d.sum()


@mistake(neuron, "the derivative of `1 / (1 + np.exp(-z))`")
def sigmoid_not_differentiated(w, b):
    d = sigmoid(X @ w + b) - labels
    return X.T @ d, d.sum()


# Softmax regression with a matrix of weights.


def softmax_loss(W):
    scores = images @ W
    scores = scores - np.max(scores, axis=1, keepdims=True)
    log_p = scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
    return -np.sum(onehot * log_p) / len(images)


def probabilities(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@case(softmax_loss, W0)
def softmax_gradient(W):
    return images.T @ (probabilities(images @ W) - onehot) / len(images)


@mistake(softmax_loss, "yours is 20 times the true gradient, and 20 is len(images)")
def softmax_summed(W):
    return images.T @ (probabilities(images @ W) - onehot)


@mistake(softmax_loss, "your gradient of W has shape (3, 4), and W has shape (4, 3): compared after transposing")
def softmax_transposed(W):
    return softmax_gradient(W).T


@mistake(softmax_loss, "yours is the true gradient read in the other order")
def softmax_read_by_columns(W):
    return softmax_gradient(W).ravel(order="F")


@mistake(softmax_loss, "only column 1 of the gradient of W is wrong")
def a_class_too_much(W):
    g = softmax_gradient(W)
    g[:, 1] += [0.1, -0.4, 0.7, 0.3]
    return g


@mistake(softmax_loss, "only row 0 of the gradient of W is wrong")
def a_feature_forgotten(W):
    g = softmax_gradient(W)
    g[0] = [0.1, -0.4, 0.7]
    return g


# A network of two layers, in a dict.


def network(p):
    h = np.tanh(images @ p["W1"] + p["b1"])
    out = h @ p["W2"] + p["b2"]
    return np.mean((out - y) ** 2)


@case(
    network,
    {"W1": 0.4 * rng.normal(size=(4, 5)), "b1": 0.1 * np.ones(5), "W2": 0.3 * rng.normal(size=5), "b2": 0.2},
)
def network_gradient(p):
    h = np.tanh(images @ p["W1"] + p["b1"])
    d = 2 * (h @ p["W2"] + p["b2"] - y) / len(y)
    dz = np.outer(d, p["W2"]) * (1 - h**2)
    return {"W1": images.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ d, "b2": d.sum()}


@mistake(network, 'the derivative of `np.tanh(images @ p["W1"] + p["b1"])`')
def tanh_not_differentiated(p):
    h = np.tanh(images @ p["W1"] + p["b1"])
    d = 2 * (h @ p["W2"] + p["b2"] - y) / len(y)
    dz = np.outer(d, p["W2"])
    return {"W1": images.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ d, "b2": d.sum()}


@mistake(network, "only the gradient of p['b1'] is wrong")
def bias_of_the_first_layer_averaged(p):
    g = network_gradient(p)
    return {**g, "b1": g["b1"] / len(y)}


# A normal likelihood.


def normal(mu, sigma):
    return np.sum(0.5 * ((y - mu) / sigma) ** 2 + np.log(sigma) + 0.5 * np.log(2 * np.pi))


@case(normal, 0.2, 1.3, argnums=(0, 1))
def normal_gradient(mu, sigma):
    return -np.sum(y - mu) / sigma**2, len(y) / sigma - np.sum((y - mu) ** 2) / sigma**3


@mistake(normal, "only ∂normal/∂sigma is wrong")
def normaliser_forgotten(mu, sigma):
    return -np.sum(y - mu) / sigma**2, -np.sum((y - mu) ** 2) / sigma**3


@mistake(normal, "the gradients of mu and sigma are swapped")
def swapped(mu, sigma):
    return normal_gradient(mu, sigma)[::-1]


@mistake(normal, "only ∂normal/∂sigma is wrong")
def with_respect_to_the_logarithm(mu, sigma):
    a, b = normal_gradient(mu, sigma)
    return a, b * sigma


# A Gaussian process.


def process(theta):
    K = theta[0] * np.exp(-0.5 * (times[:, None] - times) ** 2 / theta[1] ** 2) + theta[2] * np.eye(8)
    return 0.5 * y[:8] @ np.linalg.solve(K, y[:8]) + 0.5 * np.linalg.slogdet(K)[1]


@case(process, np.array([1.2, 0.6, 0.3]))
def process_gradient(theta):
    squares = (times[:, None] - times) ** 2
    E = np.exp(-0.5 * squares / theta[1] ** 2)
    K = theta[0] * E + theta[2] * np.eye(8)
    a = np.linalg.solve(K, y[:8])
    parts = (E, theta[0] * E * squares / theta[1] ** 3, np.eye(8))
    return [0.5 * np.trace(np.linalg.solve(K, P)) - 0.5 * a @ P @ a for P in parts]


@mistake(process, "the part that comes through `0.5 * np.linalg.slogdet(K)[1]`")
def determinant_forgotten(theta):
    squares = (times[:, None] - times) ** 2
    E = np.exp(-0.5 * squares / theta[1] ** 2)
    a = np.linalg.solve(theta[0] * E + theta[2] * np.eye(8), y[:8])
    return [-0.5 * a @ P @ a for P in (E, theta[0] * E * squares / theta[1] ** 3, np.eye(8))]


# Counts, hinges, chains and matrices.


def poisson(w):
    rate = np.exp(X @ w)
    return np.sum(rate - counts * np.log(rate))


@case(poisson, 0.3 * w0)
def poisson_gradient(w):
    return X.T @ (np.exp(X @ w) - counts)


@mistake(poisson, "the part that comes through `counts * np.log(rate)`")
def counts_added(w):
    return X.T @ (np.exp(X @ w) + counts)


def hinge(w):
    margins = (2 * labels - 1) * (X @ w)
    return np.mean(np.maximum(0, 1 - margins))


@case(hinge, w0)
def hinge_gradient(w):
    signs = 2 * labels - 1
    return -X.T @ (signs * (signs * (X @ w) < 1)) / len(X)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@case(rosenbrock, np.array([0.5, -0.3, 1.2, 0.7]))
def rosenbrock_gradient(x):
    g = np.zeros_like(x)
    inner = x[1:] - x[:-1] ** 2
    g[:-1] = -400 * x[:-1] * inner - 2 * (1 - x[:-1])
    g[1:] += 200 * inner
    return g


@mistake(rosenbrock, "the part that comes through `(1 - x[:-1]) ** 2`")
def sign_of_the_inner_derivative(x):
    g = rosenbrock_gradient(x)
    g[:-1] += 4 * (1 - x[:-1])
    return g


@mistake(rosenbrock, "only ∂rosenbrock/∂x[3] is wrong")
def one_step_too_short(x):
    g = rosenbrock_gradient(x)
    g[-1] = 0.0
    return g


def quadratic_form(A):
    return np.sum((A @ B) ** 2)


@case(quadratic_form, M0)
def quadratic_form_gradient(A):
    return 2 * A @ B @ B.T


@mistake(quadratic_form, "yours is the true gradient transposed")
def form_transposed(A):
    return quadratic_form_gradient(A).T


def product_of_uses(x):
    return x * np.sin(x)


@case(product_of_uses, 0.8)
def product_of_uses_gradient(x):
    return np.sin(x) + x * np.cos(x)


@mistake(product_of_uses, "the part that comes through `np.sin(x)`")
def second_factor_held(x):
    return np.sin(x)


def in_degrees(angle):
    return np.sin(np.pi / 180 * angle) ** 2


@case(in_degrees, 30.0)
def in_degrees_gradient(angle):
    return np.pi / 180 * np.sin(np.pi / 90 * angle)


@mistake(in_degrees, "yours is the true gradient divided by π/180")
def not_back_in_radians(angle):
    return np.sin(np.pi / 90 * angle)


def log_odds(w):
    z = w @ w0
    return np.log(1 + np.exp(z)) / np.log(2)


@case(log_odds, 0.5 * w0)
def log_odds_gradient(w):
    return sigmoid(w @ w0) * w0 / np.log(2)


@mistake(log_odds, "yours is ln 2 times the true gradient")
def in_natural_units(w):
    return sigmoid(w @ w0) * w0


# A Jacobian.


def to_the_plane(p):
    return np.stack([p[0] * np.cos(p[1]), p[0] * np.sin(p[1])])


@case(to_the_plane, np.array([1.5, 0.4]))
def to_the_plane_jacobian(p):
    r, a = p
    return [[np.cos(a), -r * np.sin(a)], [np.sin(a), r * np.cos(a)]]


@mistake(to_the_plane, "yours is the transposed Jacobian")
def jacobian_transposed(p):
    return np.transpose(to_the_plane_jacobian(p))


@mistake(to_the_plane, "only ∂to_the_plane[0]/∂p[1] is wrong")
def sine_without_its_sign(p):
    return np.abs(to_the_plane_jacobian(p))
