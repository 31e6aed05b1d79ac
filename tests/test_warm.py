"""Kernels compiled ahead."""

from __future__ import annotations

from typing import Any

import pytest

from drivesim import warm
from drivesim.render.pixels import render_worlds
from drivesim.world.advance import begin_worlds, step_worlds


@pytest.mark.slow
def test_what_an_environment_calls_is_compiled() -> None:
    warm.warm_world()
    warm.warm_renderer()
    kernels: list[Any] = [begin_worlds, step_worlds, render_worlds]
    assert all(kernel.signatures for kernel in kernels)


def test_a_process_that_fails_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "warm_world", _fail)
    monkeypatch.setattr(warm, "warm_renderer", _succeed)
    assert warm.main() == 1


def _fail() -> None:
    raise SystemExit(1)


def _succeed() -> None:
    pass
