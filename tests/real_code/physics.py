"""Motion, heat, molecules and reactions."""

import itertools
import math

import numpy as np
from mpmath import mp, mpc, mpf

from diffmagic import grad

from . import at, exactly, reals

rng = np.random.default_rng(3)


@at(s=[0.5, 0.1])
def leapfrog_pendulum(s):
    q, p = s
    dt = 0.1
    for _ in range(20):
        p = p - dt / 2 * math.sin(q)
        q += dt * p
        p -= dt / 2 * math.sin(q)
    return p * p / 2 - math.cos(q) + q


@exactly(leapfrog_pendulum)
def _(s):
    """Verlet's form, without momenta, until the last step."""
    dt = mpf(0.1)
    q = [s[0], s[0] + dt * s[1] - dt**2 / 2 * mp.sin(s[0])]
    for _ in range(20):
        q.append(2 * q[-1] - q[-2] - dt**2 * mp.sin(q[-1]))
    return ((q[21] - q[19]) / (2 * dt)) ** 2 / 2 - mp.cos(q[20]) + q[20]


@at(decay=1.0, source=0.5)
def runge_kutta(decay, source):
    slope = lambda y: -decay * y + source
    y, h = 1.0, 0.1
    for _ in range(10):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


@exactly(runge_kutta)
def _(decay, source):
    """A step multiplies the distance from equilibrium by the fourth Taylor polynomial."""
    z = -decay * mpf(0.1)
    growth = 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24
    return source / decay + (1 - source / decay) * growth**10


@at(beta=1.4, gamma=0.4)
def epidemic(beta, gamma):
    def flow(state):
        s, i, _ = state
        return np.array([-beta * s * i, beta * s * i - gamma * i, gamma * i])

    days, h = 12, 0.5
    path = np.zeros((days + 1, 3))
    path[0] = [0.9, 0.1, 0.0]
    for k in range(days):
        k1 = flow(path[k])
        k2 = flow(path[k] + h / 2 * k1)
        k3 = flow(path[k] + h / 2 * k2)
        k4 = flow(path[k] + h * k3)
        path[k + 1] = path[k] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return path[:, 1].max() + path[-1, 2]


@exactly(epidemic)
def _(beta, gamma):
    """The third group is what the other two leave."""
    s, i, h, largest = mpf(0.9), mpf(0.1), mpf(0.5), mpf(0)
    for _ in range(12):
        ks, ki, total_s, total_i = mpf(0), mpf(0), mpf(0), mpf(0)
        for reach, weight in ((0, 1), (h / 2, 2), (h / 2, 2), (h, 1)):
            a, b = s + reach * ks, i + reach * ki
            ks, ki = -beta * a * b, beta * a * b - gamma * b
            total_s, total_i = total_s + weight * ks, total_i + weight * ki
        s, i = s + h / 6 * total_s, i + h / 6 * total_i
        largest = max(largest, i)
    return largest + (mpf(0.9) + mpf(0.1) - s - i)


@at(rate=0.2, low=1.0, high=0.3)
def heat_equation(rate, low, high):
    x = np.linspace(0, 1, 9)
    u = low * np.sin(np.pi * x) + high * np.sin(3 * np.pi * x)
    for _ in range(10):
        u[1:-1] += rate * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


@exactly(heat_equation)
def _(rate, low, high):
    """Sines keep their shape, and their squares add up to four."""
    decay = lambda k: (1 - 4 * rate * mp.sin(k * mp.pi / 16) ** 2) ** 10
    return 4 * ((low * decay(1)) ** 2 + (high * decay(3)) ** 2)


@at(speed=0.3, pulse=[0.1, 0.9, 0.4, 0.0, -0.2, 0.3])
def upwind_advection(speed, pulse):
    u = pulse
    for _ in range(5):
        u = u - speed * (u - np.roll(u, 1))
    return np.sum(u**4)


@exactly(upwind_advection)
def _(speed, pulse):
    """Five steps move by a binomial number of cells."""
    weights = [mp.binomial(5, k) * speed**k * (1 - speed) ** (5 - k) for k in range(6)]
    return mp.fsum(mp.fsum(weights[k] * pulse[(j - k) % 6] for k in range(6)) ** 4 for j in range(6))


@at(diffusion=0.02, width=0.7)
def spectral_diffusion(diffusion, width):
    x = 2 * np.pi * np.arange(8) / 8
    u = np.exp(np.cos(x) / width)
    k = np.fft.fftfreq(8, 1 / 8)
    u = np.fft.ifft(np.exp(-diffusion * k**2) * np.fft.fft(u)).real
    return np.sum(u**3)


@exactly(spectral_diffusion)
def _(diffusion, width):
    """The same in cosines: the sum over waves is a kernel."""
    u = [mp.exp(mp.cospi(mpf(j) / 4) / width) for j in range(8)]
    kernel = [
        mp.fsum(mp.exp(-diffusion * k * k) * mp.cospi(mpf(k * j) / 4) for k in range(-4, 4)) / 8 for j in range(8)
    ]
    return mp.fsum(mp.fsum(kernel[(i - j) % 8] * u[j] for j in range(8)) ** 3 for i in range(8))


masses = np.array([1.0, 0.5, 0.8])


@at(x=[[0.0, 0.1], [1.0, -0.2], [0.3, 1.1]], v=[[0.1, -0.2], [0.0, 0.4], [-0.3, 0.1]])
def n_body(x, v):
    def accelerations(x):
        a = np.zeros_like(x)
        for i in range(3):
            for j in range(3):
                if i != j:
                    apart = x[j] - x[i]
                    a[i] += masses[j] * apart / np.linalg.norm(apart) ** 3
        return a

    for _ in range(3):
        v = v + 0.05 * accelerations(x)
        x = x + 0.1 * v
        v = v + 0.05 * accelerations(x)
    return 0.5 * np.sum(masses[:, None] * v**2) + x[0, 1]


@exactly(n_body)
def _(x, v):
    """The plane is the complex plane."""
    x, v, m = [mpc(*p) for p in x], [mpc(*p) for p in v], reals(masses)

    def pulls():
        return [mp.fsum(m[j] * (x[j] - x[i]) / abs(x[j] - x[i]) ** 3 for j in range(3) if j != i) for i in range(3)]

    for _ in range(3):
        v = [u + mpf(0.05) * a for u, a in zip(v, pulls(), strict=True)]
        x = [p + mpf(0.1) * u for p, u in zip(x, v, strict=True)]
        v = [u + mpf(0.05) * a for u, a in zip(v, pulls(), strict=True)]
    return mp.fsum(k * (u.real**2 + u.imag**2) for k, u in zip(m, v, strict=True)) / 2 + x[0].imag


@at(x=[[0.0, 0.1, 0.0], [1.1, 0.0, -0.2], [0.2, 1.2, 0.1], [0.4, 0.3, 1.3]], sigma=1.05)
def lennard_jones(x, sigma):
    i, j = np.triu_indices(4, k=1)
    r = np.linalg.norm(x[i] - x[j], axis=1)
    return np.sum(4 * ((sigma / r) ** 12 - (sigma / r) ** 6))


@exactly(lennard_jones)
def _(x, sigma):
    energy = mpf(0)
    for a, b in itertools.combinations(x, 2):
        near = sigma**6 / mp.fsum((s - t) ** 2 for s, t in zip(a, b, strict=True)) ** 3
        energy += 4 * near * (near - 1)
    return energy


@at(coupling=0.4, field=0.15)
def ising_ring(coupling, field):
    t = np.array(
        [
            [np.exp(coupling + field), np.exp(-coupling)],
            [np.exp(-coupling), np.exp(coupling - field)],
        ]
    )
    return -np.log(np.trace(np.linalg.matrix_power(t, 6)))


@exactly(ising_ring)
def _(coupling, field):
    """The sum over all states."""
    total = mpf(0)
    for spins in itertools.product((-1, 1), repeat=6):
        bonds = sum(a * b for a, b in zip(spins, spins[1:] + spins[:1], strict=True))
        total += mp.exp(coupling * bonds + field * sum(spins))
    return -mp.log(total)


@at(angle=0.8, speed=6.0, drag=0.1)
def thrown_ball(angle, speed, drag):
    x, y, u, v, dt = 0.0, 0.0, speed * math.cos(angle), speed * math.sin(angle), 0.05
    while True:
        before = x, y
        resistance = drag * math.hypot(u, v)
        u, v = u - dt * resistance * u, v - dt * (resistance * v + 9.81)
        x, y = x + dt * u, y + dt * v
        if y < 0:
            break
    return before[0] + (x - before[0]) * before[1] / (before[1] - y)


@exactly(thrown_ball)
def _(angle, speed, drag):
    dt, place, velocity = mpf(0.05), mpc(0), speed * mp.expj(angle)
    while place.imag >= 0:
        before = place
        velocity -= dt * (drag * abs(velocity) * velocity + mpc(0, mpf(9.81)))
        place += dt * velocity
    return before.real + (place.real - before.real) * before.imag / (before.imag - place.imag)


@at(barrier=2.0, temperature=0.9)
def reaction_chain(barrier, temperature):
    rate = {"A": 5 * np.exp(-barrier / temperature), "B": np.exp(-0.5 * barrier / temperature)}
    amount = {"A": 1.0, "B": 0.0, "C": 0.0}
    for _ in range(20):
        for here, there in [("B", "C"), ("A", "B")]:
            moved = 0.1 * rate[here] * amount[here]
            amount[here] -= moved
            amount[there] += moved
    return amount["B"] + 2 * amount["C"]


@exactly(reaction_chain)
def _(barrier, temperature):
    """Geometric decay of what is upstream, convolved with that of what is downstream."""
    a = mpf(0.1) * 5 * mp.exp(-barrier / temperature)
    b = mpf(0.1) * mp.exp(-barrier / 2 / temperature)
    first = (1 - a) ** 20
    second = mp.fsum(a * (1 - a) ** k * (1 - b) ** (19 - k) for k in range(20))
    return second + 2 * (1 - first - second)


@at(acid=0.1, strength=1.8e-3)
def hydrogen_ions(acid, strength):
    water = 1e-4
    h, step = acid, 1.0
    while abs(step) > 1e-9 * h:
        excess = h**3 + strength * h**2 - (water + strength * acid) * h - strength * water
        step = excess / (3 * h**2 + 2 * strength * h - water - strength * acid)
        h = h - step
    return -np.log10(h)


@exactly(hydrogen_ions)
def _(acid, strength):
    water = mpf(1e-4)
    roots = mp.polyroots([1, strength, -(water + strength * acid), -strength * water], maxsteps=200, extraprec=200)
    return -mp.log10(max(mp.re(root) for root in roots))


@at(q=0.7, p=-0.4, stiffness=1.3)
def hamiltonian_dynamics(q, p, stiffness):
    def energy(q, p):
        return p**2 / 2 + stiffness * q**2 / 2 + q**4 / 4

    for _ in range(5):
        p = p - 0.1 * grad(energy)(q, p)
        q = q + 0.1 * grad(energy, argnums=1)(q, p)
    return energy(q, p)


@exactly(hamiltonian_dynamics)
def _(q, p, stiffness):
    for _ in range(5):
        p -= mpf(0.1) * (stiffness * q + q**3)
        q += mpf(0.1) * p
    return p**2 / 2 + stiffness * q**2 / 2 + q**4 / 4
