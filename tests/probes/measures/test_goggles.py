from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.agent import AgentOutput, ProbeError
from probes.measures.goggles import GogglesConfig, Row, compare, constant, greedy, through
from probes.state_models.state_model import Posterior
from probes.states import Plane, StateLayout
from probes.statistics import Estimate
from tests.probes.counters import ACTIONS, LAYOUT, Critic


class Glass:
    """A state model that loses nothing, or, if blank, everything; it notes how it was called."""

    layout = LAYOUT
    latent_size = int(np.prod(LAYOUT.shape))

    def __init__(self, is_blank: bool = False, scale: float = 1.0) -> None:
        self._is_blank, self._scale = is_blank, scale
        self.batches: list[int] = []
        self.is_bf16: list[bool] = []

    def encode(self, states: Tensor) -> Posterior:
        self.batches.append(len(states))
        self.is_bf16.append(torch.is_autocast_enabled("cpu"))
        mu = states.flatten(1) * (0.0 if self._is_blank else 1.0)
        return Posterior(mu, torch.zeros_like(mu))

    def decode(self, z: Tensor) -> Tensor:
        return z.view(-1, *LAYOUT.shape) * self._scale


def stored(count: int = 7) -> NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    states = rng.integers(0, 256, (count, *LAYOUT.stored_shape)).astype(np.uint8)
    states[:, :, 0] %= 4
    return states


def torn() -> Critic:
    """Make an agent that takes either action in some of the states."""
    agent = Critic(seed=2)
    scores = agent.judge(stored(40)).scores
    agent.scores.bias.sub_(scores.median(0).values)  # so that both actions are as likely to be best
    best = greedy(agent)(stored())
    assert 0 < best.sum() < 7
    return agent


def test_the_greedy_player_takes_the_best_action() -> None:
    agent = torn()
    assert greedy(agent)(stored()).tolist() == agent.judge(stored()).scores.argmax(1).tolist()


def test_the_floor_takes_the_same_action_everywhere() -> None:
    assert constant(ACTIONS, "move")(stored(3)).tolist() == [1, 1, 1]
    with pytest.raises(ProbeError, match="did you mean 'move'"):
        constant(ACTIONS, "mvoe")


@pytest.mark.parametrize("is_hard", [False, True])
def test_through_clear_glass_the_agent_acts_as_without(is_hard: bool) -> None:
    agent = torn()
    clear = through(agent, Glass(), GogglesConfig(precision="float32", is_hard=is_hard))
    assert clear(stored()).tolist() == greedy(agent)(stored()).tolist()


def test_through_a_model_that_loses_everything_the_agent_always_acts_alike() -> None:
    agent = torn()
    blank = agent(torch.zeros(1, *LAYOUT.shape)).scores.argmax().item()
    assert through(agent, Glass(is_blank=True))(stored()).tolist() == [blank] * 7


def test_hard_goggles_show_the_likeliest_classes_in_full() -> None:
    seen: list[Tensor] = []

    class Watched(Critic):
        def forward(self, states: Tensor) -> AgentOutput:
            seen.append(states)
            return super().forward(states)

    for is_hard in (False, True):
        through(Watched(), Glass(scale=0.25), GogglesConfig("float32", is_hard))(stored(1))
    soft, hard = (set(states[0, :, :4].flatten().tolist()) for states in seen)
    assert soft == {0.0, 0.25}
    assert hard == {0.0, 1.0}


def test_states_are_seen_in_batches_and_in_the_precision_that_was_asked_for() -> None:
    rough, exact = Glass(), Glass()
    assert len(through(Critic(), rough, GogglesConfig(batch=3))(stored())) == 7
    through(Critic(), exact, GogglesConfig("float32"))(stored())
    assert (rough.batches, exact.batches) == ([3, 2, 2], [7])
    assert (set(rough.is_bf16), set(exact.is_bf16)) == ({True}, {False})


def test_a_state_model_of_other_states_is_refused() -> None:
    other = Critic(StateLayout((Plane("gray", "level"),), 2, 4, 4))
    with pytest.raises(ProbeError, match="fit a state model"):
        through(other, Glass())


def test_a_broken_state_model_is_told_rather_than_taken_for_an_action() -> None:
    with pytest.raises(ProbeError, match="not finite"):
        through(Critic(), Glass(scale=float("nan")))(stored())


def test_half_of_the_advantage_over_the_floor_is_a_kept_share_of_a_half() -> None:
    agent, floor = np.array([10.0, 20.0, 30.0]), np.array([-2.0, -2.0, -2.0])
    half = (agent + floor) / 2
    table = compare({"full": agent, "half": half, "none": floor}, agent, floor)
    assert table.agent.value == 20.0
    assert table.floor.value == -2.0
    row = table.rows["half"]
    assert row.returns.value == 9.0
    assert row.difference.value == -11.0
    assert row.kept == Estimate(0.5, 0.5, 0.5, 3)
    assert table.order == ["none", "half", "full"]
    assert [table.rows[name].is_good for name in ("full", "half")] == [True, False]


@pytest.mark.parametrize(
    ("value", "low", "is_good"), [(0.95, 0.9, True), (0.94, 0.92, False), (0.99, 0.89, False)]
)
def test_a_model_is_good_that_keeps_95_percent_and_surely_90(value: float, low: float, is_good: bool) -> None:
    one = Estimate(0.0, 0.0, 0.0, 2)
    assert Row(one, one, Estimate(value, low, 1.0, 2), None).is_good == is_good


def test_where_the_agent_is_no_better_than_the_floor_nothing_can_be_kept() -> None:
    same = np.array([1.0, 2.0])
    row = compare({"full": same}, same, same).rows["full"]
    assert row.kept is None
    assert not row.is_good
    assert row.unknown is not None
    assert "not above the floor" in row.unknown


def test_a_table_is_written_as_json() -> None:
    agent = np.array([1.0, 3.0])
    told = json.loads(json.dumps(compare({"full": agent}, agent, 0 * agent).to_json(), allow_nan=False))
    assert told["rows"]["full"]["kept"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 2}
    assert told["rows"]["full"]["is_good"] is True
    assert told["order"] == ["full"]
