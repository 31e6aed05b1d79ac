"""A descent looks before any weight changes, and steps only where all is finite."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from drivesim.rl.a2c import A2CConfig, Learner, TrainingDiverged
from drivesim.rl.acktr import ACKTRConfig
from drivesim.rl.descent import Descent, Settings
from drivesim.rl.networks import ActorCritic
from drivesim.rl.rollout import Rollout
from tests.rl.catch import LAYOUT, SMALL, Catch


@dataclass
class Diary:
    """A descent that stays where it is and says when it was asked."""

    norm: float
    calls: list[str] = field(default_factory=list)

    def measure(self, rollout: Rollout) -> dict[str, float]:
        self.calls.append(f"measure {len(rollout.features)}")
        return {"gradient_norm": self.norm}

    def step(self, rate: float) -> dict[str, float]:
        self.calls.append(f"step {rate}")
        return {"taken": rate}

    def memory(self) -> dict[str, Tensor]:
        return {"calls": torch.tensor(len(self.calls))}


def kept(norm: float) -> tuple[Learner, Diary]:
    learner = Learner(Catch(2), ActorCritic(LAYOUT, SMALL), A2CConfig(num_steps=3, total_steps=12))
    diary = Diary(norm)
    learner.descent = diary
    learner.start(seed=0)
    return learner, diary


def test_a_learner_measures_and_then_steps_at_a_falling_rate() -> None:
    learner, diary = kept(1.5)
    reports = [learner.update(learner.collect()) for _ in range(2)]
    assert diary.calls == ["measure 3", "step 0.0007", "measure 3", "step 0.00035"]
    assert [(r["gradient_norm"], r["taken"]) for r in reports] == [(1.5, 0.0007), (1.5, 0.00035)]
    assert learner.memory()["calls"].item() == 4


def test_a_learner_does_not_step_where_a_measure_is_not_finite() -> None:
    learner, diary = kept(math.nan)
    with pytest.raises(TrainingDiverged, match="step 6"):
        learner.update(learner.collect())
    assert diary.calls == ["measure 3"]


@pytest.mark.parametrize("config", [A2CConfig(), ACKTRConfig()], ids=["a2c", "acktr"])
def test_each_configuration_makes_a_descent_that_remembers(config: Settings) -> None:
    network = ActorCritic(LAYOUT, SMALL)
    descent: Descent = config.make_descent(network, network.head, torch.Generator())
    assert len(descent.memory()) >= len(list(network.parameters()))
    assert all(tensor.dtype == torch.float32 for tensor in descent.memory().values())
