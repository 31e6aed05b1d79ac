from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import DivergedError, ProbeError
from probes.artifacts import artifact
from probes.data.state_set import StateSet
from probes.progress import Track
from probes.state_models import fit as fitting
from probes.state_models.fit import checkpoint_path, fit
from probes.state_models.fit_checkpoint import TENSORS, iterations_done
from probes.state_models.fit_config import FitConfig
from probes.state_models.objectives import Objective
from probes.state_models.schedule import Schedule
from probes.states import Plane, StateLayout
from tests.probes.counters import Critic
from tests.probes.fittings import CRISP, run, silent


def failing_at(bad: int, cost: Callable[[nn.Module], Tensor]) -> Callable[..., Objective]:
    """Return a `make_objective` whose loss is a plain one but at iteration `bad`, counted from 0."""

    def make(model: nn.Module, *_: object) -> Objective:
        calls = iter(range(1000))

        def compute(_indices: NDArray[np.int64], _share: float) -> dict[str, Tensor]:
            plain = torch.stack([weight.square().sum() for weight in model.parameters()]).sum()
            return {"loss": cost(model) if next(calls) == bad else plain}

        return compute

    return make


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        ("loss", lambda model: next(model.parameters()).sum() * torch.nan),
        ("loss", lambda model: next(model.parameters()).sum() + torch.inf),
        ("gradient", lambda model: (next(model.parameters()).sum() * 0).sqrt()),  # 0, its slope 0 * inf
    ],
)
def test_a_number_that_is_not_finite_stops_the_fit_within_the_step(
    states: StateSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    cost: Callable[[nn.Module], Tensor],
) -> None:
    monkeypatch.setattr(fitting, "make_objective", failing_at(9, cost))
    with pytest.raises(DivergedError, match=f"iteration 10: the {name} is not finite .*checkpoint is kept"):
        run(states, replace(CRISP, checkpoint_every=1), tmp_path / "m")
    assert not (tmp_path / "m").exists()
    assert iterations_done(checkpoint_path(tmp_path / "m")) == 9
    kept = artifact.load_tensors(checkpoint_path(tmp_path / "m") / TENSORS)
    assert all(bool(torch.isfinite(value.float()).all()) for value in kept.values())


def test_a_learning_rate_that_is_far_too_large_ends_as_a_divergence(states: StateSet, tmp_path: Path) -> None:
    config = replace(CRISP, schedule=Schedule(12, batch=4, learning_rate=1e30))
    with pytest.raises(DivergedError, match="Try a smaller learning rate"):
        run(states, config, tmp_path / "m")


def test_weights_that_half_precision_cannot_hold_are_not_kept(
    states: StateSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "make_objective", failing_at(-1, lambda _: torch.zeros(())))
    config = replace(CRISP, schedule=Schedule(1, batch=4, learning_rate=1e6))
    with pytest.raises(DivergedError, match="weights too large for half precision"):
        run(states, config, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_an_agent_of_another_layout_is_refused(states: StateSet, tmp_path: Path) -> None:
    agent = Critic(StateLayout((Plane("gray", "level"),), 2, 4, 4))
    with pytest.raises(ProbeError, match=r"set: holds states of .*'semantic'.*sees .*'gray'"):
        fit(states, None, agent, CRISP, tmp_path / "m", Track(0, silent))


def test_an_agent_that_did_not_play_is_refused(states: StateSet, tmp_path: Path) -> None:
    agent = Critic(seed=1)
    agent.digest, agent.name = "d", "other"
    with pytest.raises(
        ProbeError, match=r"set: agent 'critic' played \(sha256 c\), not 'other' \(sha256 d\)"
    ):
        fit(states, None, agent, CRISP, tmp_path / "m", Track(0, silent))


def test_a_single_state_is_too_few(states: StateSet, tmp_path: Path) -> None:
    provenance = states.provenance.copy()
    provenance["held_out"][1:] = True
    with pytest.raises(ProbeError, match="set: found 1 states to fit, allowed are 2 and more"):
        run(replace(states, provenance=provenance), CRISP, tmp_path / "m")


def test_a_taken_place_is_refused_before_the_first_iteration(states: StateSet) -> None:
    with pytest.raises(ProbeError, match="set: is there already and is no state-model"):
        run(states, CRISP, states.path, stop_after=1)
    assert artifact.load(states.path, "state-set").seed == 0


@pytest.mark.parametrize(
    "change", [{"model": "vae"}, {"precision": "half"}, {"checkpoint_every": 0}, {"device": "tpu"}]
)
def test_settings_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProbeError, match=r"found .*, allowed are "):
        FitConfig(**change)
