"""Linear algebra written out, iterations, and fits."""

import numpy as np
from mpmath import mp, mpf

from . import at, exactly, reals

rng = np.random.default_rng(7)
matrix = rng.normal(size=(4, 4)) + 4 * np.eye(4)


@at(a=matrix)
def elimination_in_place(a):
    a = a.copy()
    n = len(a)
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            a[i, k + 1 :] -= a[i, k] * a[k, k + 1 :]
    return np.sum(np.log(np.abs(np.diag(a))))


@exactly(elimination_in_place)
def _(a):
    return mp.log(abs(mp.det(mp.matrix(a))))


@at(below=[0.3, -0.4, 0.2], diagonal=[2.0, 1.8, 2.2, 1.9], above=[-0.5, 0.1, 0.6], right=[1.0, -0.5, 0.3, 0.8])
def tridiagonal_solver(below, diagonal, above, right):
    b, d = np.array(diagonal), right.copy()
    for i in range(1, 4):
        factor = below[i - 1] / b[i - 1]
        b[i] -= factor * above[i - 1]
        d[i] -= factor * d[i - 1]
    x = np.empty(4)
    x[-1] = d[-1] / b[-1]
    for i in reversed(range(3)):
        x[i] = (d[i] - above[i] * x[i + 1]) / b[i]
    return np.sum(x**3)


@exactly(tridiagonal_solver)
def _(below, diagonal, above, right):
    whole = mp.diag(diagonal)
    for i in range(3):
        whole[i + 1, i], whole[i, i + 1] = below[i], above[i]
    return mp.fsum(x**3 for x in mp.lu_solve(whole, right))


@at(a=matrix[:, :3])
def gram_schmidt(a):
    q = a.copy()
    for j in range(3):
        column = q[:, j]
        for i in range(j):
            column -= (q[:, i] @ column) * q[:, i]
        column /= np.linalg.norm(column)
    return np.sum(q[0] ** 3) + q[1, 2]


@exactly(gram_schmidt)
def _(a):
    q, _ = mp.qr(mp.matrix(a), mode="skinny")
    # mpmath's reflections leave the signs open
    columns = [[q[i, j] * mp.sign(mp.fsum(q[k, j] * a[k][j] for k in range(4))) for i in range(4)] for j in range(3)]
    return mp.fsum(column[0] ** 3 for column in columns) + columns[2][1]


@at(x=[-1.2, 1.0, 0.7])
def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


@exactly(rosenbrock)
def _(x):
    return mp.fsum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in ((x[0], x[1]), (x[1], x[2])))


@at(a=7.0)
def babylonian_root(a):
    x = 1.0
    while abs(x * x - a) > 1e-12:
        x = (x + a / x) / 2
    return x


@exactly(babylonian_root)
def _(a):
    return mp.sqrt(a)


@at(a=2.0)
def newton_cube_root(a):
    x = float(a)
    for _ in range(8):
        x = x - (x**3 - a) / (3 * x**2)
    return x


@exactly(newton_cube_root)
def _(a):
    return mp.cbrt(a)


@at(p=[0.6, 0.3])
def newton_system(p):
    x = np.array([1.0, 1.0])
    for _ in range(7):
        residual = np.array([x[0] ** 2 + p[0] * x[1] - 2, np.sin(x[1]) + p[1] * x[0] - 1])
        slope = np.array([[2 * x[0], p[0]], [p[1], np.cos(x[1])]])
        x = x - np.linalg.solve(slope, residual)
    return x[0] * x[1]


@exactly(newton_system)
def _(p):
    """The second equation gives one unknown, secants the other."""
    y = lambda x: mp.asin(1 - p[1] * x)
    x = mp.findroot(lambda x: x * x + p[0] * y(x) - 2, (mpf(1), mpf(1.3)), solver="secant", tol=mpf(10) ** -90)
    return x * y(x)


@at(a=[[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 0.6]])
def power_iteration(a):
    v = np.ones(3)
    for _ in range(60):
        v = a @ v
        v /= np.sqrt(np.sum(v * v))
    return v @ a @ v / (v @ v)


@exactly(power_iteration)
def _(a):
    """The largest root of the characteristic polynomial."""
    m = mp.matrix(a)
    minors = mp.fsum(m[i, i] * m[j, j] - m[i, j] * m[j, i] for i, j in ((0, 1), (0, 2), (1, 2)))
    roots = mp.polyroots([1, -m[0, 0] - m[1, 1] - m[2, 2], minors, -mp.det(m)], maxsteps=200, extraprec=200)
    return max(mp.re(root) for root in roots)


links = np.array([[0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0]])


@at(damping=0.7, interest=[1.0, 0.5, 0.8, 0.3])
def page_rank(damping, interest):
    step = (links / links.sum(axis=1, keepdims=True)).T
    start = interest / interest.sum()
    rank, change = start, 1.0
    while change > 1e-15:
        new = damping * (step @ rank) + (1 - damping) * start
        rank, change = new, np.linalg.norm(new - rank, 1)
    return rank[2] + np.max(rank[:2])


@exactly(page_rank)
def _(damping, interest):
    """The ranks solve a linear system."""
    system = mp.eye(4)
    for i in range(4):
        for j in range(4):
            system[j, i] -= damping * int(links[i, j]) / int(links[i].sum())
    rank = mp.lu_solve(system, [(1 - damping) * k / mp.fsum(interest) for k in interest])
    return rank[2] + max(rank[0], rank[1])


@at(shift=0.5, b=[1.0, 0.2, -0.4, 0.7])
def conjugate_gradients(shift, b):
    a = matrix @ matrix.T + shift * np.eye(4)
    x, r = np.zeros(4), b.copy()
    p = r.copy()
    for _ in range(4):
        ap = a @ p
        length = (r @ r) / (p @ ap)
        new = r - length * ap
        np.add(x, length * p, out=x)
        p *= (new @ new) / (r @ r)
        p += new
        r = new
    return x @ x


@exactly(conjugate_gradients)
def _(shift, b):
    m = mp.matrix(reals(matrix))
    x = mp.lu_solve(m * m.T + shift * mp.eye(4), b)
    return mp.fdot(x, x)


@at(shape=1.7, scale=0.8)
def quadrature(shape, scale):
    nodes, weights = np.polynomial.legendre.leggauss(20)
    x = 0.5 * (nodes + 1) + 1
    return 0.5 * weights @ (x**shape * np.exp(-x / scale) / (1 + x))


@exactly(quadrature)
def _(shape, scale):
    return mp.quad(lambda x: x**shape * mp.exp(-x / scale) / (1 + x), [1, 2])


@at(a=[[1.0, 0.1], [-0.2, 0.9]], b=[0.0, 0.3], effort=0.5)
def optimal_control(a, b, effort):
    cost = np.eye(2)
    for _ in range(4):
        gain = b @ cost @ a / (effort + b @ cost @ b)
        closed = a - np.outer(b, gain)
        cost = np.eye(2) + effort * np.outer(gain, gain) + closed.T @ cost @ closed
    start = np.array([1.0, -0.5])
    return start @ cost @ start


@exactly(optimal_control)
def _(a, b, effort):
    """The four inputs together are the least squares solution of all five states."""
    step, push = mp.matrix(a), mp.matrix(b)
    free = [mp.matrix([1, mpf(-0.5)])]
    for _ in range(4):
        free.append(step * free[-1])
    pushed = [push, step * push, step * step * push, step**3 * push]
    reach = lambda k, j: pushed[k - 1 - j] if j < k else mp.matrix(2, 1)
    inner = lambda u, v: (u.T * v)[0]
    normal, right = effort * mp.eye(4), mp.matrix(4, 1)
    for k in range(1, 5):
        for i in range(4):
            right[i] -= inner(reach(k, i), free[k])
            for j in range(4):
                normal[i, j] += inner(reach(k, i), reach(k, j))
    inputs = mp.lu_solve(normal, right)
    return mp.fsum(inner(x, x) for x in free) - inner(right, inputs)


days = np.arange(6.0)
sizes = np.array([1.1, 2.0, 3.9, 6.1, 7.8, 8.9])


@at(capacity=10.0, rate=0.9, middle=2.4)
def logistic_growth_fit(capacity, rate, middle):
    curve = capacity / (1 + np.exp(-rate * (days - middle)))
    residuals = np.concatenate([curve - sizes, [0.1 * (capacity - 9), 0.2 * rate]])
    return 0.5 * np.sum(np.square(residuals))


@exactly(logistic_growth_fit)
def _(capacity, rate, middle):
    total = (mpf(0.1) * (capacity - 9)) ** 2 + (mpf(0.2) * rate) ** 2
    for day, size in zip(reals(days), reals(sizes), strict=True):
        total += (capacity * (1 + mp.tanh(rate * (day - middle) / 2)) / 2 - size) ** 2
    return total / 2


def cofactors(a):
    if len(a) == 1:
        return a[0, 0]
    return sum((-1) ** j * a[0, j] * cofactors(np.delete(np.delete(a, 0, axis=0), j, axis=1)) for j in range(len(a)))


@at(a=matrix)
def determinant_by_cofactors(a):
    return cofactors(a)


@exactly(determinant_by_cofactors)
def _(a):
    return mp.det(mp.matrix(a))
