"""What a panel can vary, and how its controls are set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffmagic.core.errors import DiffmagicError
from diffmagic.notebook.explorer.state import first_state, inputs_of


def test_what_is_given_becomes_ranges_starts_and_choices() -> None:
    given = {
        "a": 3,
        "x": (-1, 3),
        "w": np.array([[1.0, -4.0]], np.float32),
        "kind": ["tanh", "relu"],
        "n": range(1, 4),
        "act": {"sine": np.sin, "square": np.square},
        "fast": True,
        "data": np.zeros(100),
        "text": "plain",
    }
    inputs, rest = inputs_of(given)
    assert inputs.ranges == {
        "x": (-1.0, 3.0),
        "a": (0.0, 6.0),
        "w[0, 0]": (-1.0, 3.0),
        "w[0, 1]": (-8.0, 0.0),
    }
    assert inputs.numbers == ["x", "a", "w[0, 0]", "w[0, 1]"]  # what has a range goes along the axes
    assert {name: list(values) for name, values in inputs.choices.items()} == {
        "kind": ["tanh", "relu"],
        "n": ["1", "2", "3"],
        "act": ["sine", "square"],
        "fast": ["True", "False"],
    }
    assert inputs.choices["act"]["sine"] is np.sin
    assert inputs.choices["n"]["2"] == 2
    assert list(rest) == ["data", "text"]
    state = first_state(inputs)
    assert state.numbers == {"x": 1.0, "a": 3.0, "w[0, 0]": 1.0, "w[0, 1]": -4.0}
    assert (state.along, state.up) == ("x", "a")
    assert state.choices == {"kind": "tanh", "n": "1", "act": "sine", "fast": "True"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ((3.0, -3.0), "is no range"),
        ((1.0, 1.0), "is no range"),
        ((-np.inf, 1.0), "is no range"),
        ((1.0, np.nextafter(1.0, 2.0)), "cannot be divided"),
        ((-1.7e308, 1.7e308), "cannot be divided"),
        (np.inf, "is not a number to start from"),
        (np.array([0.0, np.nan]), r"x\[1\] = nan is not a number to start from"),
        ([], "has no values to choose from"),
        (["1", 1], "has two values with one name"),
    ],
)
def test_what_cannot_be_varied_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(DiffmagicError, match=reason):
        inputs_of({"x": value})


def test_moving_beyond_a_range_makes_it_longer() -> None:
    state = first_state(inputs_of({"x": (-1, 1), "a": 0.0})[0]).but(descent=((0.0, 0.0),))
    moved = state.moved("x", 4.0)
    assert (moved.numbers["x"], moved.ranges["x"], moved.descent) == (4.0, (-1.0, 4.0), ())
    assert moved.ranges["a"] == state.ranges["a"]
    assert state.numbers["x"] == 0.0  # a state is never changed


def test_a_shorter_range_takes_the_point_with_it() -> None:
    state = first_state(inputs_of({"x": (-1, 3)})[0])
    assert state.ranged("x", 2.0, 3.0).numbers == {"x": 2.0}
    assert state.ranged("x", -9.0, 0.5).numbers == {"x": 0.5}
    with pytest.raises(DiffmagicError, match="is no range"):
        state.ranged("x", 3.0, 2.0)
