"""Curves, cameras and robots."""

import math

import numpy as np
from mpmath import mp, mpc, mpf

from . import at, exactly, reals

rng = np.random.default_rng(6)


@at(angle=0.4, length=1.1)
def rotation(angle, length):
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.linalg.norm(turn @ np.array([length, 1.0]) - np.array([1.0, 2.0]))


@exactly(rotation)
def _(angle, length):
    return abs(mp.expj(angle) * (length + 1j) - (1 + 2j))


def product(p, q):
    a, b, c, d = p
    e, f, g, h = q
    return np.array(
        [
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        ]
    )


@at(q=[0.9, 0.2, -0.3, 0.4], v=[1.0, 0.5, -0.7])
def quaternion_rotation(q, v):
    q = q / np.sqrt(q @ q)
    conjugate = q * np.array([1, -1, -1, -1])
    turned = product(product(q, np.append(0.0, v)), conjugate)[1:]
    return turned @ np.array([0.3, -1.2, 0.8]) + turned[2] ** 3


@exactly(quaternion_rotation)
def _(q, v):
    """The rotation matrix."""
    a, b, c, d = q
    n = mp.fdot(q, q)
    rows = [
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a - b * b + c * c - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a - b * b - c * c + d * d],
    ]
    turned = [mp.fdot(row, v) / n for row in rows]
    return mp.fdot(turned, reals([0.3, -1.2, 0.8])) + turned[2] ** 3


@at(points=[[0.0, 0.0], [0.4, 1.2], [1.1, 0.9], [1.5, -0.3]], t=0.35)
def bezier_curve(points, t):
    p = points.copy()
    for k in range(3, 0, -1):
        p[:k] = (1 - t) * p[:k] + t * p[1 : k + 1]
    x, y = p[0]
    return np.arctan2(y, x)


@exactly(bezier_curve)
def _(points, t):
    """Bernstein's polynomials."""
    weights = [mp.binomial(3, k) * t**k * (1 - t) ** (3 - k) for k in range(4)]
    return mp.arg(mp.fsum(w * mpc(*point) for w, point in zip(weights, points, strict=True)))


knots = np.array([0.0, 0, 0, 0, 1, 2, 3, 3, 3, 3])


@at(c=[0.5, 1.0, -0.3, 0.8, 0.2, 0.6], t=1.3)
def spline(c, t):
    k = int(np.searchsorted(knots, t)) - 1
    d = [c[j] for j in range(k - 3, k + 1)]
    for r in range(1, 4):
        for j in range(3, r - 1, -1):
            left, right = knots[j + k - 3], knots[j + 1 + k - r]
            share = (t - left) / (right - left)
            d[j] = (1 - share) * d[j - 1] + share * d[j]
    return d[3] ** 2


@exactly(spline)
def _(c, t):
    """The recursion of Cox and de Boor."""
    u = reals(knots)

    def basis(i, degree):
        if degree == 0:
            return mpf(int(u[i] <= t < u[i + 1]))
        rising = (t - u[i]) / (u[i + degree] - u[i]) * basis(i, degree - 1) if u[i + degree] > u[i] else 0
        width = u[i + degree + 1] - u[i + 1]
        falling = (u[i + degree + 1] - t) / width * basis(i + 1, degree - 1) if width > 0 else 0
        return rising + falling

    return mp.fsum(c[i] * basis(i, 3) for i in range(6)) ** 2


@at(angles=[0.3, 0.5, -0.8], lengths=[1.0, 0.8, 0.5])
def robot_arm(angles, lengths):
    heading = np.cumsum(angles)
    x, y = np.sum(lengths * np.cos(heading)), np.dot(lengths, np.sin(heading))
    return (x - 1.2) ** 2 + (y - 0.9) ** 2


@exactly(robot_arm)
def _(angles, lengths):
    """A link turns everything beyond it."""
    reach = mpc(0)
    for angle, length in zip(reversed(angles), reversed(lengths), strict=True):
        reach = mp.expj(angle) * (length + reach)
    return abs(reach - mpc(mpf(1.2), mpf(0.9))) ** 2


@at(x=[0.0, 2.0, 2.5, 1.0, -0.5], y=[0.0, -0.2, 1.0, 2.1, 1.2])
def roundness_of_a_polygon(x, y):
    area = 0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)
    around = np.hypot(x - np.roll(x, 1), y - np.roll(y, 1)).sum()
    return 4 * np.pi * area / around**2


@exactly(roundness_of_a_polygon)
def _(x, y):
    corners = [mpc(a, b) for a, b in zip(x, y, strict=True)]
    sides = list(zip(corners, corners[1:] + corners[:1], strict=True))
    area = mp.fsum((mp.conj(a) * b).imag for a, b in sides) / 2
    return 4 * mp.pi * area / mp.fsum(abs(b - a) for a, b in sides) ** 2


landmarks = rng.normal(size=(4, 3))
pixels = rng.normal(size=(4, 2))


@at(turn=[0.3, -0.2, 0.5], shift=[0.1, 0.2, 5.0], focal=1.5)
def reprojection_error(turn, shift, focal):
    angle = np.linalg.norm(turn)
    kx, ky, kz = turn / angle
    cross = np.array([[0, -kz, ky], [kz, 0, -kx], [-ky, kx, 0]])
    matrix = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    seen = landmarks @ matrix.T + shift
    error = focal * seen[:, :2] / seen[:, 2:] - pixels
    return np.sum(np.log1p(np.sum(error**2, axis=-1)))


@exactly(reprojection_error)
def _(turn, shift, focal):
    """The rotation is the exponential of the cross product."""
    a, b, c = turn
    matrix = mp.expm(mp.matrix([[0, -c, b], [c, 0, -a], [-b, a, 0]]), method="taylor")
    total = mpf(0)
    for point, (row, column) in zip(reals(landmarks), reals(pixels), strict=True):
        x, y, z = matrix * mp.matrix(point) + mp.matrix(shift)
        total += mp.log(1 + (focal * x / z - row) ** 2 + (focal * y / z - column) ** 2)
    return total


@at(normals=rng.normal(size=(4, 3)), light=[0.3, 0.5, 0.8])
def shading(normals, light):
    normals = normals / np.sqrt(np.sum(normals**2, axis=1, keepdims=True))
    light = light / np.linalg.norm(light)
    diffuse = np.clip(normals @ light, 0.05, 0.9)
    mirrored = 2 * (normals @ light)[:, None] * normals - light
    shine = np.where(mirrored[:, 2] > 0, mirrored[:, 2], 0) ** 5
    return np.sum(diffuse + 0.4 * shine)


@exactly(shading)
def _(normals, light):
    total = mpf(0)
    for normal in normals:
        cosine = mp.fdot(normal, light) / (mp.norm(normal) * mp.norm(light))
        mirrored = 2 * cosine * normal[2] / mp.norm(normal) - light[2] / mp.norm(light)
        total += min(max(cosine, mpf(0.05)), mpf(0.9)) + mpf(0.4) * max(mirrored, mpf(0)) ** 5
    return total
