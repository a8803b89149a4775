"""Times of several calls, taken in turn in one run, and a function that several benchmarks time."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any


def sample(call: Callable[..., Any], args: tuple[Any, ...], loops: int) -> float:
    """Seconds for one call, as the mean over so many in a row."""
    repeats = range(loops)
    start = time.perf_counter()
    for _ in repeats:
        call(*args)
    return (time.perf_counter() - start) / loops


def measure(calls: list[Callable[..., Any]], args: tuple[Any, ...], rounds: int, seconds: float) -> list[float]:
    """The median time of each call; the samples are taken in turn, and each lasts about so many seconds."""
    loops = []
    for call in calls:
        count = 1
        while (took := sample(call, args, count) * count) < seconds / 4:
            count *= 2
        loops.append(max(1, round(count * seconds / took)))
    samples: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        try:
            for call, count, times in zip(calls, loops, samples, strict=True):
                times.append(sample(call, args, count))
        finally:
            gc.enable()
    return [statistics.median(times) for times in samples]


def microseconds(seconds: float) -> str:
    value = seconds * 1e6
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def thirty(np: Any) -> Callable[..., Any]:
    def f(x: Any, y: Any) -> Any:
        a = x * y + np.sin(x)  # 3 operations
        b = np.exp(-a) * y - x / (1 + y * y)  # 7
        c = np.sqrt(1 + a * a) + np.log(1 + b * b)  # 7
        d = np.tanh(c * x) - a * b  # 4
        e = (c + d) / (2 + np.cos(a))  # 4
        return e * e + d * x - c / 3  # 5

    return f
