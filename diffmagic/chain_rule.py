"""The chain rule along every path from the result to an input, as data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from diffmagic.results import ChainRule, TraceTable

_STEPS, _PATHS = 12, 3

Factor = tuple[str, str, float]


def chain_rules(table: TraceTable) -> list[ChainRule]:
    """For each input its derivative as a sum of products, if the table is short and all of it are numbers.

    Examples
    --------
    >>> import diffmagic
    >>> from diffmagic.trace_table import trace_table
    >>> chain_rules(trace_table(diffmagic.trace(lambda x: 3 * x**2, 2.0)))[0].paths
    ((('v2', 'v1', 3), ('v1', 'x', 4.0)),)
    """
    steps = [row for row in table.rows if row.step]
    if not table.result or len(steps) > _STEPS or not all(_is_real(row.value) for row in table.rows):
        return []
    edges: dict[str, list[Factor]] = {row.name: [] for row in table.rows}
    for row in steps:
        for operand, partial in row.partials:
            if isinstance(partial, str) and partial != "constant":
                return []
            if not isinstance(partial, str):
                edges[row.name].append((row.name, operand, partial))
    counts = Counter({table.result: 1})
    for row in reversed(steps):
        for _, operand, _ in edges[row.name]:
            counts[operand] += counts[row.name]

    def paths(name: str, goal: str) -> Iterator[tuple[Factor, ...]]:
        if name == goal:
            yield ()
        for factor in edges[name]:
            for rest in paths(factor[1], goal):
                yield (factor, *rest)

    found = []
    for row in table.rows:
        if row.step or not counts[row.name]:
            continue
        few = tuple(paths(table.result, row.name)) if counts[row.name] <= _PATHS else ()
        with np.errstate(all="ignore"):
            value = sum(math.prod(partial for *_, partial in path) for path in few) if few else None
        if value is None or math.isfinite(value):
            found.append(ChainRule(table.result, row.name, few, counts[row.name], value))
    return found if max(map(_longest, found), default=0) > 1 else []


def _longest(rule: ChainRule) -> int:
    return max(map(len, rule.paths), default=rule.count)


def _is_real(value: Any) -> bool:
    return np.ndim(value) == 0 and not np.iscomplexobj(value)
