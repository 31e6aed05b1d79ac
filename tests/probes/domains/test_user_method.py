from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.domains.driving_falsify import SPACE
from probes.domains.user_method import checked, load_user_method
from probes.falsify import Floats, Proposals, Run, placed

D = len(SPACE)
RUNS = [Run(1, 0.5, False)]


def given(*batches: object) -> Proposals[Floats]:
    for batch in batches:
        _ = yield batch  # type: ignore[misc]  # whatever a user may yield


def test_points_are_passed_on_until_there_are_no_more() -> None:
    first, second = np.full((1, D), 0.25), np.full((2, D), 0.5, np.float32)
    proposals = placed(given(first, second), partial(checked, "m:f"))
    assert np.array_equal(next(proposals), first)
    assert proposals.send(RUNS).dtype == np.float64
    with pytest.raises(StopIteration):
        proposals.send(RUNS)


@pytest.mark.parametrize(
    ("batch", "found"),
    [
        (np.full((1, 3), 0.5), "float64 (1, 3)"),
        (np.full((0, D), 0.5), f"float64 (0, {D})"),
        (np.full((1, D), 1.5), f"float64 (1, {D})"),
        (np.full((1, D), np.nan), f"float64 (1, {D})"),
        (np.zeros((1, D), np.int64), f"int64 (1, {D})"),
    ],
)
def test_anything_else_is_told(batch: object, found: str) -> None:
    with pytest.raises(ProbeError, match=re.escape(f"method 'm:f': yielded {found}, allowed are floats")):
        next(placed(given(batch), partial(checked, "m:f")))


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    monkeypatch.chdir(tmp_path)

    def write(source: str) -> str:
        name = f"own_methods_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


def test_a_function_that_is_not_there_is_told_with_the_nearest(module: Callable[[str], str]) -> None:
    name = module("def points(dimensions, seed):\n    yield\n")
    with pytest.raises(ProbeError, match=f"{name} has no function 'point'; did you mean 'points'"):
        load_user_method(f"{name}:point")
    assert callable(load_user_method(f"{name}:points"))
