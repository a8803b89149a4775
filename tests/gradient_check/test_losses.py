"""Gradients of real losses are right, and each typical mistake in them is found and, where it shows, named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diffmagic.core.structures import like, vector
from diffmagic.gradient_check import check_grads, gradcheck

from .losses import LOSSES, Loss

MISTAKES = [
    pytest.param(loss, wrong, said, id=f"{name}-{mistake}")
    for name, loss in LOSSES.items()
    for mistake, (wrong, said) in loss.mistakes.items()
]


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_right(loss: Loss) -> None:
    check = gradcheck(loss.f, loss.gradient, *loss.args, argnums=loss.argnums)
    assert check
    assert check.verdict == "right"
    assert check.guesses == check.notes == []
    assert {row.verdict for row in check.rows} == {"right"}
    assert check.taylor is not None
    assert check.taylor.slope is None or check.taylor.slope == pytest.approx(2, abs=0.02)


@pytest.mark.parametrize(("loss", "wrong", "said"), MISTAKES)
def test_wrong(loss: Loss, wrong: Callable[..., Any], said: str) -> None:
    check = gradcheck(loss.f, wrong, *loss.args, argnums=loss.argnums)
    assert not check
    assert check.verdict == "wrong"
    assert any(guess.startswith(said) for guess in check.guesses)
    assert check.rows[0].verdict == ("right" if "transposing" in said else "wrong")
    assert check.taylor is not None
    assert check.taylor.slope == pytest.approx(2 if "transposing" in said else 1, abs=0.02)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_diffmagics_own(loss: Loss) -> None:
    assert gradcheck(loss.f, loss.args)
    check_grads(loss.f, loss.args)


@pytest.mark.parametrize("size", [1e-6, 1e-4, 1e-2])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_one_number_that_is_slightly_off(loss: Loss, size: float) -> None:
    def off(*args: Any) -> Any:
        gradient = loss.gradient(*args)
        numbers = vector(gradient)
        numbers[worst] *= 1 + size
        return like(gradient, numbers)

    worst = int(np.argmax(np.abs(vector(loss.gradient(*loss.args)))))
    check = gradcheck(loss.f, off, *loss.args, argnums=loss.argnums)
    assert check.verdict == "wrong"
    assert sum(row.verdict == "wrong" for row in check.rows) == 1
    assert check.rows[0].relative_error == pytest.approx(size, rel=1e-2)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_value_beside_the_gradient(loss: Loss) -> None:
    def both(*args: Any) -> Any:
        return loss.f(*args), loss.gradient(*args)

    assert gradcheck(loss.f, both, *loss.args, argnums=loss.argnums)


def test_it_is_the_same_on_every_run() -> None:
    loss = LOSSES["softmax_loss"]
    first, second = (gradcheck(loss.f, loss.mistakes["softmax_summed"][0], *loss.args) for _ in range(2))
    assert repr(first) == repr(second)
    assert first.rows == second.rows
    assert first.taylor == second.taylor
