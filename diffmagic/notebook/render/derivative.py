"""A `Derivative` as blocks: the value, the derivatives, how they were found, notes, and the comparison."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffmagic.core.program import short
from diffmagic.core.structures import flatten
from diffmagic.labels import partial_label
from diffmagic.notebook.render.blocks import Account, Block, Code, Pairs
from diffmagic.notebook.render.curves import curves_blocks
from diffmagic.notebook.render.estimates import estimate_sentences, estimates_table, known_entries
from diffmagic.notebook.render.graph import graph_blocks
from diffmagic.notebook.render.matrix import curvature_blocks, matrix_blocks
from diffmagic.notebook.render.sweep import sweep_blocks
from diffmagic.notebook.render.trace import trace_blocks
from diffmagic.results import Check, Derivative

_MOST_NUMBERS = 8


def derivative_blocks(found: Derivative) -> list[Block]:
    """What to show of a `Derivative`."""
    matrix = matrix_blocks(found, derivatives(found))
    estimates = estimates_table(found)
    blocks = trace_blocks(found.trace, found.digits) if found.trace else []
    blocks += graph_blocks(found.graph, found.digits, found.graph_state) if found.graph else []
    if estimates:
        blocks += [Pairs("Value", [values(found)], found.digits), estimates]
    elif matrix:
        blocks += [Pairs("Value", [values(found)], found.digits), *matrix]
    else:
        blocks.append(Pairs("Value and derivative", [values(found), derivatives(found)], found.digits))
    blocks += curvature_blocks(found.curvature, found.digits) if found.curvature else []
    blocks += [Account(finding) for finding in found.findings if found.explained]
    blocks += [Code("A function of the same inputs, to paste and run", found.source)] if found.source else []
    blocks += sweep_blocks(found.sweep) if found.sweep else []
    blocks += curves_blocks(found.curves) if found.curves else []
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
    return f" ({'×'.join(map(str, np.shape(value)))})" if np.size(value) > _MOST_NUMBERS else ""


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
