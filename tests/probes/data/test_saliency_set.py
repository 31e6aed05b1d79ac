from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.data.collect import CollectConfig, collect
from probes.data.saliency import spread, weights
from probes.data.saliency_set import KIND, compute, load_saliency, manifest_config
from probes.data.state_set import StateSet
from probes.states import Plane, StateLayout
from tests.probes.counters import LAYOUT, Counters, Critic

SMALL = CollectConfig(fit_states=7, held_out_states=3, worlds=3, spacing=2, fit_seed=40, held_out_seed=100)


@pytest.fixture
def states(tmp_path: Path) -> StateSet:
    return collect(Counters, Critic(), SMALL, tmp_path / "set")


@pytest.mark.parametrize("pool", [1, 2])
def test_what_is_kept_gives_the_weights_that_are_computed_on_the_fly(
    states: StateSet, tmp_path: Path, pool: int
) -> None:
    agent, told = Critic(pool=pool), []
    kept = compute(states, agent, tmp_path / "w", batch=4, progress=lambda *done: told.append(done))
    assert told == [(4, 10), (8, 10), (10, 10)]
    assert len(kept) == 10
    assert kept.kept.shape == (10, 2, 2, 4 // pool, 4 // pool)
    found = kept.weights([9, 2])
    assert found.dtype == torch.float32
    expected = weights(agent, states.states([9, 2]))
    torch.testing.assert_close(spread(found, LAYOUT), expected, rtol=1e-3, atol=0)
    assert float(expected.std()) > 0
    torch.testing.assert_close(spread(found, LAYOUT).sum((1, 2, 3, 4)), torch.ones(2))


def test_the_value_counts_where_it_is_asked_for(states: StateSet, tmp_path: Path) -> None:
    agent = Critic()
    kept = compute(states, agent, tmp_path / "w", with_value=True)
    expected = weights(agent, states.states([1]), with_value=True)
    torch.testing.assert_close(spread(kept.weights([1]), LAYOUT), expected, rtol=1e-3, atol=0)


def test_an_agent_to_whom_nothing_matters_gets_even_weights(states: StateSet, tmp_path: Path) -> None:
    agent = Critic()
    agent.scores.weight.zero_()
    kept = compute(states, agent, tmp_path / "w")
    assert torch.equal(kept.weights([0]), torch.full((1, 2, 2, 4, 4), 1 / (2 * 5 * 4 * 4)))


def test_the_saliency_of_other_states_is_refused(states: StateSet, tmp_path: Path) -> None:
    compute(states, Critic(), tmp_path / "w")
    assert len(load_saliency(tmp_path / "w", states)) == 10
    other = collect(Counters, Critic(), replace(SMALL, seed=1, epsilon=1.0), tmp_path / "other")
    with pytest.raises(ProbeError, match="other"):
        load_saliency(tmp_path / "w", other)


def test_it_is_current_for_its_agent_alone(states: StateSet, tmp_path: Path) -> None:
    agent = Critic()
    compute(states, agent, tmp_path / "w")

    def is_current(with_value: bool) -> bool:
        made = manifest_config(agent, with_value)
        return artifact.is_current(tmp_path / "w", KIND, config=made, seed=0, parents={"states": states.path})

    assert is_current(False)
    assert not is_current(True)
    agent.digest = "other"
    assert not is_current(False)


def test_an_agent_of_another_layout_is_refused(states: StateSet, tmp_path: Path) -> None:
    agent = Critic(StateLayout((Plane("gray", "level"),), 2, 4, 4))
    with pytest.raises(ProbeError, match="but the agent sees"):
        compute(states, agent, tmp_path / "w")


def test_an_agent_whose_relus_cannot_be_guided_leaves_nothing_behind(
    states: StateSet, tmp_path: Path
) -> None:
    agent = Critic()
    agent.hidden = nn.Sequential(nn.Flatten(), nn.Linear(160, 8), nn.Tanh())
    with pytest.raises(ProbeError, match=r"no nn\.ReLU"):
        compute(states, agent, tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_a_damaged_file_is_found(states: StateSet, tmp_path: Path) -> None:
    compute(states, Critic(), tmp_path / "w")
    file = tmp_path / "w" / "saliency.npy"
    array = np.load(file)
    array[0, 0, 0, 0, 0] += 0.5
    np.save(file, array)
    with pytest.raises(ProbeError, match=r"saliency\.npy"):
        load_saliency(tmp_path / "w", states)
