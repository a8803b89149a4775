"""The graph of a program: every variable has a place, and its numbers satisfy the chain rule."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diffmagic
from diffmagic import DiffmagicError
from diffmagic.core.graph import Graph, graph_of
from diffmagic.core.graph_steps import state_after, steps_of
from diffmagic.core.loops import Loop, loops, repeats


def sigmoid(w: Any, x: Any) -> Any:
    return 1 / (1 + np.exp(-w * x))


def twice_used(x: Any, y: Any) -> Any:
    xy = x * y
    return xy + np.exp(xy) + xy * xy


def loop(x: Any) -> Any:
    y = 1.0
    for _ in range(100):
        y = np.sin(y * x) + x
    return y


def fibonacci(a: Any, b: Any) -> Any:
    for _ in range(50):
        a, b = b, np.sin(a + b)
    return a * b


def nested(x: Any) -> Any:
    y = x
    for _ in range(8):
        for _ in range(9):
            y = np.cos(y)
        y = y * x
    return y


def chain(x: Any) -> Any:
    y = np.sin(x)
    a = np.cos(y) * y
    for f in (np.exp, np.tanh, np.sin, np.cos, np.arctan, np.exp, np.sin, np.tanh, np.cos, np.sinh, np.cosh, np.exp):
        a = f(a)
    b = np.exp(y) + x
    for f in (np.cos, np.tanh, np.sin, np.sin, np.arctan, np.cos, np.sin, np.tanh, np.tanh, np.sinh, np.cosh, np.exp):
        b = f(b)
    return a * b + y


def long_lines(x: Any, y: Any) -> Any:
    a = np.sin(x) * np.exp(-y) + x * y + np.tanh(x / y) - y
    b = np.cos(a) / (1 + a * a) + x * np.sqrt(y) - np.log(2 + np.sin(x))
    c = np.arctan(b) * a + np.exp(-b * b) * x - y / (1 + b * b)
    d = (a - b) * (b - c) * (c - a) + np.sin(a * b * c)
    e = np.log(1 + d * d) + np.tanh(d) * x - a * b + c
    return e * d - a * np.cos(e + y) + b * np.exp(-e * e)


def unrolled(x: Any) -> Any:
    y = [x, x * x]
    for k in range(120):
        y.append((np.sin if k % 7 else np.cos)(y[-1]) + (np.tanh if k % 5 else np.arctan)(y[-2]))
    return y[-1]


def selected(x: Any) -> Any:
    return np.where(x > 0, x * x, -x) + np.maximum(x, 1.0) + np.floor(x)


SCALARS = {
    "sigmoid": (sigmoid, (0.5, 2.0)),
    "uses": (twice_used, (1.0, 0.7)),
    "loop": (loop, (0.5,)),
    "two values go round": (fibonacci, (0.3, 0.4)),
    "nested loops": (nested, (0.4,)),
    "chains": (chain, (0.4,)),
    "long lines": (long_lines, (0.4, 1.2)),
    "no structure": (unrolled, (0.4,)),
    "choices": (selected, (0.4,)),
}
scalars = pytest.mark.parametrize(("f", "point"), SCALARS.values(), ids=SCALARS)


@scalars
@pytest.mark.parametrize("mode", ["plain", "forward", "reverse"])
def test_every_variable_is_on_a_node_or_in_a_group(f: Any, point: tuple[float, ...], mode: Any) -> None:
    program = diffmagic.trace(f, *point)
    names, graph = program.names(), graph_of(program, mode)
    covered = [k for node in graph.nodes if node.first for k in range(node.first, node.last + 1)]
    assert covered == list(range(1, len(program.equations) + 1))
    shown = {value.name: value.value for node in graph.nodes for value in node.values}
    alone = {k: node for node in graph.nodes for k in range(node.first, node.last + 1) if node.kind == "operation"}
    for number, equation in enumerate(program.equations, start=1):
        if number in alone:
            assert all(shown[names[result]] == result.value for result in equation.results)
    assert [value.name for value in graph.nodes[-1].values] == [names[program.outputs[0]]]
    assert len(graph.nodes) <= 42


@scalars
def test_cotangents_are_sums_of_partials_times_cotangents(f: Any, point: tuple[float, ...]) -> None:
    graph = graph_of(diffmagic.trace(f, *point), "reverse")
    checked = 0
    for k, node in enumerate(graph.nodes[:-1]):
        for value in node.values if node.kind != "group" or len(node.values) == 1 else ():
            edges = [edge for edge in graph.edges if (edge.source, edge.name) == (k, value.name)]
            if any(edge.partial is None for edge in edges):
                continue
            parts = [
                edge.partial * (graph.nodes[edge.target].values[0].moved[0] or 0.0)
                for edge in edges
                if not isinstance(edge.partial, str)
            ]
            assert sum(parts) == pytest.approx(value.moved[0] or 0.0, rel=1e-12)
            checked += 1
    assert checked or f is unrolled  # whose blocks all have several values


@scalars
def test_tangents_are_sums_of_partials_times_tangents(f: Any, point: tuple[float, ...]) -> None:
    graph = graph_of(diffmagic.trace(f, *point), "forward")
    moved = {(k, v.name): v.moved for k, node in enumerate(graph.nodes) for v in node.values}
    for k, node in enumerate(graph.nodes):
        if not node.first or len(node.values) > 1:
            continue
        for seed in range(len(graph.seeds)):
            edges = [e for e in graph.edges if e.target == k and not isinstance(e.partial, str)]
            expected = sum(edge.partial * (moved[edge.source, edge.name][seed] or 0.0) for edge in edges)
            assert (node.values[0].moved[seed] or 0.0) == pytest.approx(expected, rel=1e-12)


@scalars
def test_the_inputs_carry_the_gradient(f: Any, point: tuple[float, ...]) -> None:
    steps = 1e-30j * np.eye(len(point))
    program = diffmagic.trace(f, *point)
    back, on = graph_of(program, "reverse"), graph_of(program, "forward")
    for k, step in enumerate(steps):
        expected = np.imag(f(*(np.array(point) + step))) / 1e-30 if f is not selected else 2 * 0.4
        assert back.nodes[k].values[0].moved[0] == pytest.approx(expected, rel=1e-10)
        assert on.nodes[-1].values[0].moved[k] == pytest.approx(expected, rel=1e-10)


def test_a_loop_of_a_hundred_is_small() -> None:
    graph = graph_of(diffmagic.trace(loop, 0.5))
    (group,) = [node for node in graph.nodes if node.kind == "group"]
    assert (group.text, group.first, group.last) == ("98 more passes", 4, 297)
    assert group.lines == f"line {loop.__code__.co_firstlineno + 3}"
    assert len(graph.nodes) == 8


def test_a_loop_is_one_however_python_optimises_it() -> None:
    def heat(x: Any) -> Any:
        u = np.full(20, 1.0) * x
        for _ in range(100):
            u[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        return u.sum()

    program = diffmagic.trace(heat, 2.0)
    assert loops(program.equations) == [Loop(start=1, length=10, passes=100)]
    assert [node.text for node in graph_of(program).nodes if node.kind == "group"] == ["98 more passes"]


def test_loops_within_a_pass_fold_as_well() -> None:
    texts = [node.text for node in graph_of(diffmagic.trace(nested, 0.4)).nodes if node.kind == "group"]
    assert texts == ["7 more passes", "6 more passes", "7 more passes"]


def test_chains_and_lines_and_stretches_are_grouped() -> None:
    def texts(f: Any, *point: float) -> list[str]:
        graph = graph_of(diffmagic.trace(f, *point))
        return [f"{node.text} {node.lines}" for node in graph.nodes if node.kind == "group"]

    line = chain.__code__.co_firstlineno
    assert texts(chain, 0.4) == [f"13 operations in a row lines {line + k}–{line + k + 2}" for k in (2, 5)]
    line = long_lines.__code__.co_firstlineno
    counts = [10, 11, 11, 9, 9, 10]
    assert texts(long_lines, 0.4, 1.2) == [f"{n} operations line {line + k}" for k, n in enumerate(counts, start=1)]
    blocks = [text.split(" line")[0] for text in texts(unrolled, 0.4)]
    ends = [tuple(map(int, re.findall(r"\d+", text))) for text in blocks]
    assert len(blocks) == 12
    assert [first for first, _ in ends[1:]] == [last + 1 for _, last in ends[:-1]]


@given(
    st.lists(st.sampled_from("abc"), max_size=30),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
    st.integers(4, 8),
)
def test_repeats_are_what_is_there(before: list[str], once: list[str], passes: int) -> None:
    keys = [*before, *once * passes]
    found = repeats(keys)
    for start, length, count in found:
        assert keys[start : start + length] * count == keys[start : start + length * count]
        assert count >= 4
    ends = [0, *(loop.stop for loop in found)]
    assert all(loop.start >= end for loop, end in zip(found, ends, strict=False))
    assert found[-1].stop > len(before)
    assert repeats(once * passes)[0].stop == len(once * passes)


def test_repeats_take_the_outermost() -> None:
    assert repeats(("aaaaab" * 4) + "c") == [Loop(0, 6, 4)]
    assert repeats("abcabcabc") == []


def test_arrays_have_partials_of_their_own_shape_or_a_word() -> None:
    W, x = np.arange(6.0).reshape(2, 3) / 10, np.array([1.0, 2.0, 3.0])
    graph = graph_of(diffmagic.trace(lambda W, x: np.sum(np.tanh(W @ x) * 2.0), W, x))
    partials = {edge.name: edge.partial for edge in graph.edges}
    assert partials["W"] == "2×6 matrix"
    assert partials["x"] == "2×3 matrix"
    np.testing.assert_allclose(partials["v1"], 1 / np.cosh(W @ x) ** 2)
    np.testing.assert_array_equal(partials["v3"], [1.0, 1.0])
    np.testing.assert_allclose(graph.nodes[0].values[0].moved[0], np.outer(2 / np.cosh(W @ x) ** 2, x))


def test_several_results_of_one_operation_are_one_node() -> None:
    graph = graph_of(diffmagic.trace(lambda A: np.sum(np.linalg.qr(A)[1]), np.array([[1.0, 2.0], [3.0, 4.0]])))
    (node,) = [node for node in graph.nodes if node.text == "np.linalg.qr(A)"]
    assert [value.name for value in node.values] == ["v1_1", "v1_2"]
    assert [edge.partial for edge in graph.edges if edge.source == 0] == [None]


def test_complex_values_between_real_ones() -> None:
    graph = graph_of(diffmagic.trace(lambda x: np.abs(np.exp(1j * x) + 0.5), 1.5), "reverse")
    assert graph.nodes[0].values[0].moved[0] == pytest.approx(-0.5 * np.sin(1.5) / abs(np.exp(1.5j) + 0.5))
    (edge,) = [edge for edge in graph.edges if edge.source == 0]
    assert edge.partial == 1j


def test_inputs_and_constants_as_results() -> None:
    program = diffmagic.trace(lambda x, y, z: (x, 3.0, np.sin(y)), 1.0, 2.0, 0.0)
    graph = graph_of(program, results=["a", "b", "c"])
    kinds = [(node.kind, value.name, value.result) for node in graph.nodes for value in node.values]
    assert kinds == [
        ("input", "x", "a"),
        ("input", "y", ""),
        ("input", "z", ""),
        ("operation", "v1", "c"),
        ("constant", "b", "b"),
    ]
    assert graph.seeds == ("a", "c")
    assert graph.nodes[1].values[0].moved == (None, np.cos(2.0))
    assert graph.nodes[2].values[0].moved == (None, None)


def test_a_result_that_is_returned_twice_has_both_names() -> None:
    def f(x: Any) -> Any:
        a = x * x
        return a, a

    graph = graph_of(diffmagic.trace(f, 2.0), results=["z[0]", "z[1]"])
    assert graph.nodes[-1].marks() == ["result z[0] and z[1]"]
    assert graph.seeds == ("z[0]",)


def test_a_result_whose_name_another_value_has() -> None:
    def f(x: Any) -> Any:
        y = x * x
        y = np.exp(y)
        return y  # noqa: RET504 — the name is to be seen

    graph = graph_of(diffmagic.trace(f, 2.0), results=["y"])
    assert graph.seeds == ("y_2",)
    assert graph.nodes[-1].marks() == ["result y"]


def test_the_seed_of_a_complex_input_is_along_its_real_axis() -> None:
    graph = graph_of(diffmagic.trace(lambda z: np.real(z * z), 3 + 1j), "forward")
    assert graph.seeds == ("z.real",)
    assert graph.nodes[-1].values[0].moved == (6.0,)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_an_index_of_a_number(mode: Any) -> None:
    graph = graph_of(diffmagic.trace(lambda x: x[()] * x.item(), np.array(2.0)), mode)
    assert graph.nodes[0 if mode == "reverse" else -1].values[0].moved == (4.0,)


def test_many_inputs_share_a_node() -> None:
    graph = graph_of(diffmagic.trace(lambda p: sum(k * x for k, x in enumerate(p)), [1.0] * 30))
    assert [node.kind for node in graph.nodes[:9]] == ["input"] * 8 + ["group"]
    assert graph.nodes[8].text == "22 more inputs"
    assert [value.moved[0] or 0.0 for value in graph.nodes[8].values] == list(range(8, 30))


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_more_seeds_than_there_is_room_for_are_refused(mode: Any) -> None:
    program = diffmagic.trace(lambda x: x * 2.0, np.ones(4))
    assert graph_of(program).mode == "plain"
    with pytest.raises(DiffmagicError, match=r"a node has room for 3"):
        graph_of(program, mode)
    ends = program.inputs if mode == "forward" else program.outputs
    graph = graph_of(program, mode, seeds={ends[0]: np.arange(4.0)})
    assert graph.derivative("", "x") == ("tangent" if mode == "forward" else "cotangent")
    moved = graph.nodes[-1 if mode == "forward" else 0].values[0].moved[0]
    np.testing.assert_array_equal(moved, 2 * np.arange(4.0))


def _known(graph: Graph, step: int) -> dict[str, Any]:
    return {name: moved for (_, name), moved in state_after(graph, step).reached.items()}


def test_reverse_steps_take_one_edge_each() -> None:
    graph = graph_of(diffmagic.trace(sigmoid, 0.5, 2.0), "reverse")
    assert len(steps_of(graph)) == len(graph.edges) == 6
    order = ["v5", "v4", "v3", "v2", "v1", "x", "w"]
    for k in range(7):
        assert list(_known(graph, k)) == [name for name in ["w", "x", *order[4::-1]] if name in order[: k + 1]]
    final = {value.name: value.moved for node in graph.nodes for value in node.values}
    assert _known(graph, 6) == final


def test_a_sum_is_shown_as_far_as_it_goes() -> None:
    program = diffmagic.trace(lambda x, y: (xy := x * y) + np.exp(xy), 1.0, 2.0)
    graph = graph_of(program, "reverse")
    sums = [_known(graph, k).get("xy") for k in range(6)]
    assert sums[:3] == [None, (1.0,), (1.0,)]
    assert sums[3] == pytest.approx((1 + np.e**2,))
    assert [state_after(graph, k).waiting[2, "xy"] for k in range(4)] == [2, 1, 1, 0]


def test_forward_steps_take_one_node_each() -> None:
    graph = graph_of(diffmagic.trace(sigmoid, 0.5, 2.0), "forward")
    assert [step.node for step in steps_of(graph)] == [2, 3, 4, 5, 6]
    assert [list(_known(graph, k))[-1] for k in range(6)] == ["x", "v1", "v2", "v3", "v4", "v5"]
    assert state_after(graph, 2).used == {0, 1, 2}


@scalars
@pytest.mark.parametrize("mode", ["plain", "forward", "reverse"])
def test_the_last_step_knows_everything(f: Any, point: tuple[float, ...], mode: Any) -> None:
    graph = graph_of(diffmagic.trace(f, *point), mode)
    state = state_after(graph, len(steps_of(graph)))
    for k, node in enumerate(graph.nodes):
        for value in node.values:
            moves = mode != "reverse" or value.moved[0] is not None
            assert state.reached.get((k, value.name)) == (value.moved if moves else None)
    assert not any(state.waiting.values())


@pytest.mark.parametrize("step", [-1, 7])
def test_steps_that_are_not_there(step: int) -> None:
    graph = graph_of(diffmagic.trace(sigmoid, 0.5, 2.0), "reverse")
    with pytest.raises(DiffmagicError, match="the last is 6"):
        state_after(graph, step)
