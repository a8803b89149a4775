"""Results look at the memory of operands where NumPy's do, and are arrays or numbers where NumPy's are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffmagic.core.mutation import owner
from diffmagic.core.tracing import Trace, Tracer, concrete
from tests.core.primitives.samples import CONSTANT, DIFFERENTIABLE, Sample, leaves, mapped

ALL = [sample for table in (DIFFERENTIABLE, CONSTANT) for samples in table.values() for sample in samples]


def looks_at(results: list[Any], operands: list[Any]) -> list[tuple[bool, ...]]:
    return [tuple(isinstance(r, np.ndarray) and r.size > 0 and owner(r) is owner(o) for o in operands) for r in results]


def strides(array: Any) -> list[int]:
    return [stride for stride, length in zip(array.strides, array.shape, strict=True) if length > 1]


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("sample", ALL, ids=repr)
def test_memory_is_shared_and_laid_out_as_in_numpy(sample: Sample, order: Any) -> None:
    operands = mapped(lambda o: np.array(o, order=order) if isinstance(o, np.ndarray) else o, sample.operands)
    plain = leaves(sample.of_moving()(*operands))
    with Trace() as trace:
        moving = mapped(lambda o: trace.input(np.array(o, order=order) if isinstance(o, np.ndarray) else o), operands)
        traced = leaves(sample.of_moving()(*moving))
    operands, tracers = leaves(operands), leaves(moving)
    assert looks_at([concrete(r) for r in traced], [concrete(t) for t in tracers]) == looks_at(plain, operands)
    for result, value in zip(traced, plain, strict=True):
        if isinstance(result, Tracer):
            assert isinstance(concrete(result), np.ndarray) == isinstance(value, np.ndarray)
            if isinstance(value, np.ndarray) and value.size and not sample.name.startswith("histogram"):
                assert strides(concrete(result)) == strides(value)
            shared = [t for t in tracers if any(looks_at([concrete(result)], [concrete(t)])[0])]
            assert all(result is t or result._memory is t._memory is not None for t in shared)
