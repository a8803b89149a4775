"""A `Derivative` as blocks: the value, the derivatives, how they were found, notes, and the comparison."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.core.structures import flatten
from diffmagic.labels import component, partial_label
from diffmagic.notebook.render.blocks import Account, Block, Pairs, Table, Trace
from diffmagic.notebook.render.estimates import estimate_sentences, estimates_table, known_entries
from diffmagic.notebook.render.parts import WIDTH
from diffmagic.notebook.render.sweep import sweep_blocks
from diffmagic.notebook.render.text import table_width
from diffmagic.results import Check, Derivative

_MOST_ROWS, _MOST_COLUMNS = 12, 8


def derivative_blocks(found: Derivative) -> list[Block]:
    """What to show of a `Derivative`."""
    table = matrix(found)
    estimates = estimates_table(found)
    blocks: list[Block] = [Trace(found.trace, found.digits)] if found.trace else []
    if estimates:
        blocks += [Pairs("Value", [values(found)], found.digits), estimates]
    elif table:
        blocks += [Pairs("Value", [values(found)], found.digits), table]
    else:
        blocks.append(Pairs("Value and derivative", [values(found), derivatives(found)], found.digits))
    blocks += [Account(finding) for finding in found.findings if found.explained]
    blocks += sweep_blocks(found.sweep) if found.sweep else []
    return [*blocks, *sentences(found)]


def sentences(found: Derivative) -> list[str]:
    """What is said below the numbers."""
    told = [finding.summary for finding in found.findings] if found.explained else []
    said = [method_sentence(found)]
    said += estimate_sentences(found)
    said += [f"Note: {note}." for note in found.notes if note not in told]
    if found.explained and not found.findings:
        said.append("There is nothing to explain: all numbers are finite, and no kink is met.")
    return said + ([check_sentence(found.check)] if found.check else [])


def values(found: Derivative) -> list[tuple[str, Any]]:
    """Each number and array of the result, with its name."""
    if len(found.names) == 1:
        return [(path or "value", leaf) for path, leaf in flatten(found.value, found.names[0])[0]]
    return [leaf for part, name in zip(found.value, found.names, strict=True) for leaf in flatten(part, name)[0]]


def derivatives(found: Derivative) -> list[tuple[str, Any]]:
    """Each derivative, with its label."""
    if found.kind == "tangent":
        return [(f"tangent of {entry.of or 'the result'}", entry.value) for entry in known_entries(found)]
    if found.kind == "cotangent":
        return [(f"cotangent of {entry.wrt[0]}", entry.value) for entry in known_entries(found)]
    return [(partial_label(entry.of, entry.wrt) + _shape(entry.value), entry.value) for entry in known_entries(found)]


def _shape(value: Any) -> str:
    return f" ({'×'.join(map(str, np.shape(value)))})" if np.size(value) > _MOST_COLUMNS else ""


def matrix(found: Derivative) -> Table | None:
    """A small Jacobian or Hessian as one table; None for a gradient, or for what is too wide or too long."""
    if found.kind != "derivative" or found.order > 2:
        return None
    outputs = [(name, np.shape(leaf)) for name, leaf in values(found)]
    count = round((len(found.entries) / len(outputs)) ** (1 / found.order))
    offset = len(outputs[0][1])
    first = found.entries[0].value
    offset_last = offset if found.order == 1 else (np.ndim(first) + offset) // 2
    inputs = [(entry.wrt[-1], np.shape(entry.value)[offset_last:]) for entry in found.entries[:count]]
    across = [component(name, shape, k) for name, shape in inputs for k in range(int(np.prod(shape)))]
    if found.order == 2:
        if len(outputs) > 1 or offset or len(across) == 1:
            return None
        caption = f"Second derivatives of {found.names[0] or 'the result'}"
        down = [f"∂/∂{name}" for name in across]
        heights = [int(np.prod(shape)) for _, shape in inputs]
    else:
        if len(outputs) == 1 and not offset:
            return None
        caption = f"Jacobian of {', '.join(name for name in found.names if name) or 'the result'}"
        down = [component("" if name == "value" else name, s, k) for name, s in outputs for k in range(int(np.prod(s)))]
        heights = [int(np.prod(shape)) for _, shape in outputs]
    if not 0 < len(down) <= _MOST_ROWS or not 0 < len(across) <= _MOST_COLUMNS:
        return None
    entries = known_entries(found)
    blocks = [entries[k : k + count] for k in range(0, len(entries), count)]
    numbers = np.vstack(
        [
            np.hstack([np.reshape(entry.value, (height, -1)) for entry in block])
            for block, height in zip(blocks, heights, strict=True)
        ]
    )
    cells = [[short(number, found.digits) for number in row] for row in numbers]
    found_table = Table(
        caption, ["", *(f"∂/∂{name}" for name in across)], [[a, *b] for a, b in zip(down, cells, strict=True)]
    )
    return found_table if table_width(found_table) <= WIDTH else None


def method_sentence(found: Derivative) -> str:
    """How it was found, and why so."""
    if found.program is not None and found.method.startswith(("forward", "reverse")):
        return f"{found.method.capitalize()} mode ({found.why})." if found.why else f"{found.method.capitalize()} mode."
    name = found.method.replace("-", " ").capitalize()
    return f"{name}: {found.why}." if found.why else f"{name}."


def check_sentence(check: Check) -> str:
    """How it compares with a central difference."""
    match check.verdict:
        case "digits":
            return f"A central difference agrees to at least {check.digits} digits."
        case "decimals":
            return f"A central difference agrees to at least {check.digits} decimal places."
        case "unclear":
            return f"A central difference cannot tell about {check.where}: it changes too much with its step."
        case "disagrees":
            return (
                f"A central difference disagrees: {check.where} is {short(check.exact, 4)}, "
                f"and the difference gives {short(check.numerical, 4)}."
            )
        case "not finite":
            return f"{check.where} is not finite ({short(check.exact)}), so there is nothing to compare."
        case "not compared":
            return f"Not compared with a central difference: {check.reason}."
