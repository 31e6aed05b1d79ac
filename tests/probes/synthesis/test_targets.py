from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from probes.agent import AgentOutput, ProbeError
from probes.synthesis.targets import (
    TARGETS,
    Region,
    TargetConfig,
    blind,
    entropy,
    looks_at_states,
    person_presence,
    resolve,
    score_spread,
    soft_maximum,
    soft_minimum,
)
from tests.probes.linear_models import LAYOUT, LinearAgent, LinearModel, Pictures

LOG_2, LOG_3 = math.log(2.0), math.log(3.0)
REGION = Region(channel=1, weights=torch.ones(8, 8), enough=4.0, brakes=(1,))
CONFIG = TargetConfig(region=REGION)


def output(scores: list[float], value: float = 0.0) -> AgentOutput:
    return AgentOutput(torch.tensor([scores]), torch.tensor([value]))


def recorded(has_critic: bool) -> AgentOutput:
    return Pictures(LinearModel(), LinearAgent(has_critic), 50).recorded()


def random_states(count: int = 8) -> Tensor:
    logits = torch.randn(count, *LAYOUT.shape, generator=torch.Generator().manual_seed(4))
    return torch.softmax(logits, dim=2)


def undivided(name: str, judged: AgentOutput, has_critic: bool, beta: float = 1.0) -> float:
    """Return a target's J of one output, times the scale, with the given beta."""
    near, far = math.sqrt(0.5), math.sqrt(1.5)  # of the scores to their mean: a spread of 1
    data = AgentOutput(torch.tensor([[near, -near], [3 - far, 3 + far]]), torch.tensor([0.0, 1.0]))
    config = TargetConfig(beta_relative=beta)
    target = resolve(name, LinearAgent(has_critic), data, config)
    assert target.beta == pytest.approx(beta)
    return float(target(judged, torch.empty(0))[0]) * target.scale


def test_the_soft_maximum_weighs_each_score_by_its_exponential() -> None:
    # e^{ln 3} = 3 and e^0 = 1: (3 ln 3 + 1 * 0) / 4
    assert soft_maximum(torch.tensor([[LOG_3, 0.0]]), 1.0).item() == pytest.approx(0.75 * LOG_3)


def test_the_soft_minimum_is_the_soft_maximum_of_the_negatives_negated() -> None:
    # e^{-ln 3} = 1/3 and e^0 = 1: (ln 3 / 3) / (4 / 3)
    assert soft_minimum(torch.tensor([[LOG_3, 0.0]]), 1.0).item() == pytest.approx(0.25 * LOG_3)


def test_the_log_sum_exp_of_equal_scores_is_their_score() -> None:
    assert soft_maximum(torch.tensor([[2.0, 2.0]]), 3.0, "logsumexp").item() == pytest.approx(2.0)
    # log((3 + 1) / 2) and -log((1/3 + 1) / 2)
    assert soft_maximum(torch.tensor([[LOG_3, 0.0]]), 1.0, "logsumexp").item() == pytest.approx(LOG_2)
    assert soft_minimum(torch.tensor([[LOG_3, 0.0]]), 1.0, "logsumexp").item() == pytest.approx(LOG_3 - LOG_2)


def test_the_soft_maximum_falls_with_a_score_that_lies_more_than_one_over_beta_below_it() -> None:
    scores = torch.tensor([[2.0, 0.0]], requires_grad=True)
    soft_maximum(scores, 1.0).sum().backward()  # type: ignore[no-untyped-call]
    high = 1 / (1 + math.exp(-2.0))
    assert scores.grad is not None
    assert scores.grad[0, 1].item() == pytest.approx((1 - high) * (1 + 0.0 - 2.0 * high))
    assert scores.grad[0, 1].item() < 0


def test_huge_scores_do_not_overflow() -> None:
    assert soft_maximum(torch.tensor([[1e6, 0.0]]), 10.0).item() == pytest.approx(1e6)
    assert soft_minimum(torch.tensor([[1e6, 0.0]]), 10.0, "logsumexp").item() == pytest.approx(0.07, abs=0.01)


@pytest.mark.parametrize(
    ("name", "j"),
    [
        ("T-", -0.75 * LOG_3),
        ("T+", 0.25 * LOG_3),
        ("T±", 0.5 * LOG_3),
        ("T+-", 0.5 * LOG_3),
        ("S+", LOG_3),
        ("S-", -LOG_3),
        ("V+", 7.0),
        ("V-", -7.0),
        ("action:go", LOG_3),
        ("brake", 0.0),
        ("uncertain", 2 * LOG_2 - 0.75 * LOG_3),  # of probabilities 3/4 and 1/4: ln 4 - 3/4 ln 3
    ],
)
def test_a_target_of_q_values_has_its_sign(name: str, j: float) -> None:
    assert undivided(name, output([LOG_3, 0.0], 7.0), has_critic=False) == pytest.approx(j, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "j"),
    [
        ("T-", -7.0),
        ("S-", -7.0),
        ("T+", 7.0),
        ("S+", 7.0),
        ("T±", 0.5 * LOG_3),
        ("action:go", math.log(0.75)),
        ("action:brake", math.log(0.25)),
        ("uncertain", 2 * LOG_2 - 0.75 * LOG_3),
    ],
)
def test_a_target_of_an_actor_critic_has_its_sign(name: str, j: float) -> None:
    # the logits are shifted by 5, which must change nothing
    judged = output([LOG_3 + 5.0, 5.0], 7.0)
    assert undivided(name, judged, has_critic=True) == pytest.approx(j, abs=1e-5)


def test_a_target_says_which_formula_was_used() -> None:
    of_critic = resolve("T-", LinearAgent(True), recorded(True))
    assert (of_critic.name, of_critic.used) == ("T-", "V-")
    assert "expects little" in of_critic.description
    assert resolve("T-", LinearAgent(False), recorded(False)).used == "T-"
    assert resolve("brake", LinearAgent(True), recorded(True)).used == "action:brake"


def test_j_has_standard_deviation_one_over_the_data() -> None:
    data = AgentOutput(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), torch.tensor([1.0, 7.0]))
    target = resolve("V+", LinearAgent(True), data)
    assert target.scale == pytest.approx(3.0)
    assert target(data, torch.empty(0)).tolist() == pytest.approx([1 / 3, 7 / 3])


def test_the_spread_of_scores_is_taken_within_states() -> None:
    # distances 1 from the mean of each state, whatever lies between the states
    assert score_spread(torch.tensor([[100.0, 102.0], [-1.0, 1.0]]).numpy()) == pytest.approx(1.0)


def test_entropy_is_the_logarithm_of_the_number_of_equal_choices() -> None:
    assert entropy(torch.log_softmax(torch.zeros(1, 4), 1)).item() == pytest.approx(math.log(4.0))


def test_a_persons_presence_counts_the_newest_frame_and_saturates() -> None:
    states = torch.zeros(1, *LAYOUT.shape)
    states[0, 0, 1] = 1.0  # an older frame full of person
    states[0, 1, 1, 0, :2] = 1.0
    assert person_presence(states, REGION).item() == pytest.approx(0.5)
    states[0, 1, 1] = 1.0
    assert person_presence(states, REGION).item() == 1.0


def test_blind_rises_with_a_person_and_falls_with_the_brake() -> None:
    empty, crossing = torch.zeros(1, *LAYOUT.shape), torch.zeros(1, *LAYOUT.shape)
    crossing[0, 1, 1, 0, :4] = 1.0
    judged = output([LOG_3, 0.0])  # p(brake) = 1/4
    assert blind(judged, empty, REGION).item() == pytest.approx(math.log(0.75))
    assert blind(judged, crossing, REGION).item() == pytest.approx(5.0 + math.log(0.75))
    assert blind(output([0.0, LOG_3]), crossing, REGION).item() == pytest.approx(5.0 + math.log(0.25))


@pytest.mark.parametrize("has_critic", [False, True])
@pytest.mark.parametrize("name", [*TARGETS, "action:go", "action:brake"])
def test_five_steps_up_a_target_raise_it(name: str, has_critic: bool) -> None:
    agent = LinearAgent(has_critic)
    target = resolve(name, agent, recorded(has_critic), CONFIG, [random_states()])
    logits = random_states().log().requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.02)

    def mean_j() -> Tensor:
        states = torch.softmax(logits, dim=2)
        return target(agent(states), states).mean()

    before = mean_j().item()
    for _ in range(5):
        optimiser.zero_grad()
        (-mean_j()).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert mean_j().item() > before + 1e-3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("T*", "unknown target 'T\\*': allowed are T-, T\\+, T±"),
        ("brak", "did you mean 'brake'"),
        ("action:brak", "did you mean 'brake'"),
        ("uncertian", "did you mean 'uncertain'"),
        ("blind", "needs the region"),
    ],
)
def test_a_name_that_means_nothing_is_refused(name: str, message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        resolve(name, LinearAgent(True), recorded(True), states=[random_states()])


def test_a_target_that_looks_at_states_needs_some() -> None:
    agent = LinearAgent(True)
    assert [name for name in (*TARGETS, "action:go", "mine:j") if looks_at_states(name, agent)] == [
        "blind",
        "mine:j",
    ]
    with pytest.raises(ProbeError, match="looks at states"):
        resolve("blind", agent, recorded(True), CONFIG)


def test_an_agent_that_never_changes_its_mind_is_refused() -> None:
    scores = torch.tensor([[0.0, 1.0]]).repeat(5, 1)
    with pytest.raises(ProbeError, match="nothing to climb"):
        resolve("V-", LinearAgent(True), AgentOutput(scores, torch.ones(5)))
    with pytest.raises(ProbeError, match="differ between no two actions"):
        resolve("V-", LinearAgent(True), AgentOutput(torch.ones(5, 2), torch.arange(5.0)))
