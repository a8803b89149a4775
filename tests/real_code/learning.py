"""Losses of machine learning."""

import numpy as np
from mpmath import mp, mpf
from scipy.special import expit, logsumexp

from diffmagic import grad

from . import at, exactly, reals

rng = np.random.default_rng(2)
images = rng.normal(size=(3, 4))
labels = np.array([0, 2, 1])


def sigmoid(t):
    return 1 / (1 + mp.exp(-t))


def softmax(scores):
    return [mp.exp(s) / mp.fsum(map(mp.exp, scores)) for s in scores]


@at(
    p={
        "W1": rng.normal(size=(4, 2)),
        "b1": rng.normal(size=2),
        "W2": rng.normal(size=(2, 3)),
        "b2": rng.normal(size=3),
    }
)
def softmax_network(p):
    hidden = images @ p["W1"] + p["b1"]
    hidden = hidden * (hidden > 0)
    score = hidden @ p["W2"] + p["b2"]
    score = score - np.max(score, axis=1, keepdims=True)
    log_p = score - np.log(np.sum(np.exp(score), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(3), labels])


@exactly(softmax_network)
def _(p):
    loss = mpf(0)
    for x, label in zip(reals(images), labels, strict=True):
        hidden = [max(mpf(0), mp.fdot(x, w) + b) for w, b in zip(zip(*p["W1"], strict=True), p["b1"], strict=True)]
        score = [mp.fdot(hidden, w) + b for w, b in zip(zip(*p["W2"], strict=True), p["b2"], strict=True)]
        loss -= mp.log(softmax(score)[label]) / 3
    return loss


class Dense:
    def __init__(self, weights, bias, activation=np.tanh):
        self.weights = weights
        self.bias = bias
        self.activation = activation

    def __call__(self, x):
        return self.activation(self.weights @ x + self.bias)


@at(w=rng.normal(size=12))
def layers_as_objects(w):
    model = [
        Dense(w[:4].reshape(2, 2), w[4:6]),
        Dense(np.diag(w[6:8]), 0.1, activation=lambda t: np.maximum(t, 0.2 * t)),
        Dense(w[8:10], w[10]),
    ]
    x = np.array([0.5, -1.0])
    for layer in model:
        x = layer(x)
    return (x - w[11]) ** 2


@exactly(layers_as_objects)
def _(w):
    x = [mp.tanh(w[0] / 2 - w[1] + w[4]), mp.tanh(w[2] / 2 - w[3] + w[5])]
    y = [a * b + mpf(0.1) for a, b in zip(w[6:8], x, strict=True)]
    z = [t if t > 0 else mpf(0.2) * t for t in y]
    return (mp.tanh(w[8] * z[0] + w[9] * z[1] + w[10]) - w[11]) ** 2


series = rng.normal(size=4)


@at(W=rng.normal(size=(8, 3)), b=rng.normal(size=8))
def lstm(W, b):
    h, c = np.zeros(2), np.zeros(2)
    for x in series[:-1]:
        gates = W @ np.concatenate([h, [x]]) + b
        forget, write, read, new = np.split(gates, 4)
        c = expit(forget) * c + expit(write) * np.tanh(new)
        h = expit(read) * np.tanh(c)
    return np.square(h.sum() - series[-1])


@exactly(lstm)
def _(W, b):
    h, c = [mpf(0)] * 2, [mpf(0)] * 2
    *inputs, target = reals(series)
    for x in inputs:
        gate = [mp.fdot(row, [*h, x]) + bias for row, bias in zip(W, b, strict=True)]
        c = [sigmoid(gate[k]) * c[k] + sigmoid(gate[2 + k]) * mp.tanh(gate[6 + k]) for k in range(2)]
        h = [sigmoid(gate[4 + k]) * mp.tanh(c[k]) for k in range(2)]
    return (h[0] + h[1] - target) ** 2


tokens = rng.normal(size=(4, 3))


@at(p={name: rng.normal(size=(3, 2)) for name in ("query", "key", "value")})
def attention_head(p):
    q, k, v = (np.tensordot(tokens, p[name], axes=1) for name in ("query", "key", "value"))
    score = np.einsum("id,jd->ij", q, k) / np.sqrt(q.shape[1])
    score = np.where(np.tril(np.ones((4, 4))) == 1, score, -np.inf)
    weights = np.exp(score - logsumexp(score, axis=1, keepdims=True))
    return np.sum((weights @ v) ** 3)


@exactly(attention_head)
def _(p):
    def project(name):
        columns = list(zip(*p[name], strict=True))
        return [[mp.fdot(x, column) for column in columns] for x in reals(tokens)]

    q, k, v = map(project, p)
    total = mpf(0)
    for i in range(4):
        weights = softmax([mp.fdot(q[i], k[j]) / mp.sqrt(2) for j in range(i + 1)])
        total += sum(mp.fsum(weights[j] * v[j][d] for j in range(i + 1)) ** 3 for d in range(2))
    return total


batch = rng.normal(size=(5, 2))


@at(W=rng.normal(size=(2, 2)), gamma=[1.2, 0.7], beta=[0.1, -0.3])
def batch_norm(W, gamma, beta):
    x = batch @ W
    centred = x - np.expand_dims(x.mean(axis=0), 0)
    normal = centred / np.sqrt(x.var(axis=0) + 1e-3)
    return np.sum(np.tanh(gamma * normal + beta) * batch)


@exactly(batch_norm)
def _(W, gamma, beta):
    total = mpf(0)
    data = reals(batch)
    for k in range(2):
        x = [row[0] * W[0][k] + row[1] * W[1][k] for row in data]
        mean = mp.fsum(x) / 5
        variance = mp.fsum(t * t for t in x) / 5 - mean * mean
        for t, row in zip(x, data, strict=True):
            total += mp.tanh(gamma[k] * (t - mean) / mp.sqrt(variance + mpf(1e-3)) + beta[k]) * row[k]
    return total


@at(a=rng.normal(size=(3, 2)), b=rng.normal(size=(3, 2)), log_temperature=-0.3)
def contrastive_loss(a, b, log_temperature):
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = b / np.linalg.norm(b, axis=1)[:, np.newaxis]
    similar = a @ b.T / np.exp(log_temperature)
    return np.mean(logsumexp(similar, axis=1) - np.diag(similar))


@exactly(contrastive_loss)
def _(a, b, log_temperature):
    def cosine(u, v):
        return mp.fdot(u, v) / mp.sqrt(mp.fdot(u, u) * mp.fdot(v, v))

    similar = [[cosine(u, v) * mp.exp(-log_temperature) for v in b] for u in a]
    return -mp.fsum(mp.log(softmax(row)[k]) for k, row in enumerate(similar)) / 3


mass = np.array([0.2, 0.5, 0.3])


@at(x=[0.1, 0.6, 1.1], y=[0.3, 0.9])
def sinkhorn(x, y):
    cost = np.abs(x[:, None] - y) ** 1.5
    kernel = np.exp(-cost / 0.3)
    v = np.ones(2)
    for _ in range(10):
        u = mass / (kernel @ v)
        v = np.array([0.4, 0.6]) / (u @ kernel)
    return np.sum(u[:, None] * kernel * v * cost)


@exactly(sinkhorn)
def _(x, y):
    cost = [[abs(s - t) ** mpf(1.5) for t in y] for s in x]
    kernel = [[mp.exp(-c / mpf(0.3)) for c in row] for row in cost]
    v = [mpf(1), mpf(1)]
    for _ in range(10):
        u = [m / mp.fdot(row, v) for m, row in zip(reals(mass), kernel, strict=True)]
        v = [mpf(m) / mp.fdot(u, column) for m, column in zip((0.4, 0.6), zip(*kernel, strict=True), strict=True)]
    return mp.fsum(u[i] * kernel[i][j] * v[j] * cost[i][j] for i in range(3) for j in range(2))


sound = rng.normal(size=8)


@at(kernel=[0.5, -0.4, 0.3], bias=0.2, weights=[0.7, -1.1, 0.6])
def convolutional_network(kernel, bias, weights):
    feature = np.maximum(np.convolve(sound, kernel, mode="valid") + bias, 0.01 * sound[:6])
    pooled = feature.reshape(-1, 2).max(axis=1)
    return np.logaddexp(0, -np.dot(weights, pooled))


@exactly(convolutional_network)
def _(kernel, bias, weights):
    s = reals(sound)
    feature = [max(mp.fdot(kernel, s[i : i + 3][::-1]) + bias, mpf(0.01) * s[i]) for i in range(6)]
    pooled = [max(feature[2 * i : 2 * i + 2]) for i in range(3)]
    return mp.log(1 + mp.exp(-mp.fdot(weights, pooled)))


@at(w=[0.5, -0.3], rate=0.1)
def learning_to_learn(w, rate):
    def loss(w):
        return np.mean((np.tanh(batch @ w) - series[:1]) ** 2)

    for _ in range(3):
        w = w - rate * grad(loss)(w)
    return loss(w)


@exactly(learning_to_learn)
def _(w, rate):
    data, target = reals(batch), mpf(series[0])
    for _ in range(3):
        y = [mp.tanh(mp.fdot(x, w)) for x in data]
        outer = [2 * (t - target) * (1 - t * t) / 5 for t in y]
        w = [w[k] - rate * mp.fsum(o * x[k] for o, x in zip(outer, data, strict=True)) for k in range(2)]
    return mp.fsum((mp.tanh(mp.fdot(x, w)) - target) ** 2 for x in data) / 5


ratings = rng.integers(1, 6, size=(3, 4)).astype(float)
rated = rng.uniform(size=(3, 4)) < 0.7


@at(users=rng.normal(size=(3, 2)), films=rng.normal(size=(4, 2)))
def matrix_factorisation(users, films):
    error = (users @ films.T - ratings)[rated]
    return error @ error + 0.1 * (np.linalg.norm(users) + np.linalg.norm(films, axis=1).sum())


@exactly(matrix_factorisation)
def _(users, films):
    total = mpf(0)
    for i, j in np.argwhere(rated):
        total += (mp.fdot(users[i], films[j]) - mpf(ratings[i, j])) ** 2
    sizes = [mp.norm([part for user in users for part in user]), *map(mp.norm, films)]
    return total + mpf(0.1) * mp.fsum(sizes)


@at(centres=[[0.2, 0.1], [-0.4, 0.8]])
def soft_k_means(centres):
    for _ in range(2):
        apart = np.repeat(batch, 2, axis=0) - np.tile(centres, (5, 1))
        closeness = -2 * np.sum(apart**2, axis=1).reshape(5, 2)
        share = np.exp(closeness - logsumexp(closeness, axis=1)[:, None])
        centres = share.T @ batch / np.sum(share, axis=0)[:, None]
    return np.prod(centres + 2)


@exactly(soft_k_means)
def _(centres):
    data = reals(batch)
    for _ in range(2):
        share = [softmax([-2 * ((x - a) ** 2 + (y - b) ** 2) for a, b in centres]) for x, y in data]
        whole = [mp.fsum(s[k] for s in share) for k in range(2)]
        centres = [
            [mp.fsum(s[k] * x[d] for s, x in zip(share, data, strict=True)) / whole[k] for d in range(2)]
            for k in range(2)
        ]
    return mp.fprod(part + 2 for centre in centres for part in centre)
