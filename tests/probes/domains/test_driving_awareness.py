from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from drivesim.envs.vector import DrivingVectorEnv
from drivesim.render.semantics import SemanticClass
from probes.agent import AgentOutput, ProbeError
from probes.domains import driving_awareness
from probes.domains.awareness_answers import MIDDLE
from probes.domains.awareness_moments import with_person
from probes.domains.driving import DrivingAgent, load_agent
from probes.domains.driving_awareness import (
    Jury,
    Studio,
    ask,
    fits,
    require_fit,
    states_per_moment,
)
from probes.domains.stopping_path import braking_actions
from tests.probes.domains.clear_moments import drawn
from tests.towns import changed, scenario

PERSON, POLE = SemanticClass.PERSON, SemanticClass.POLE


def test_a_moment_is_drawn_as_the_environment_shows_it() -> None:
    moments = drawn()
    stack = Studio(scenario(), len(moments)).draw(moments.past)
    env = DrivingVectorEnv(len(moments), scenario())
    shown, _ = env.reset(options={"state": moments.now})
    env.close()
    np.testing.assert_array_equal(stack.stacks()[:, -1], shown[:, -1])


def test_a_pair_of_pictures_differs_in_the_pixels_of_a_person_and_a_pole_has_the_same() -> None:
    moments = drawn()
    studio = Studio(scenario(), len(moments))
    nobody = studio.draw(moments.past).stacks()
    someone = studio.draw(with_person(moments, 8.0, 0.0, 1)).stacks()
    pole = studio.as_pole(someone, nobody)
    is_new = someone != nobody
    assert is_new.any((2, 3, 4)).all()  # in every frame of every moment
    assert (someone[is_new] == PERSON).all()
    assert (pole[is_new] == POLE).all()
    np.testing.assert_array_equal(pole[~is_new], nobody[~is_new])


def test_the_actions_that_brake_are_found() -> None:
    assert braking_actions(scenario()) == [2]
    toothless = changed("reasonable", actions={"go": {"throttle": 1}, "roll": {}})
    with pytest.raises(ProbeError, match="found no action that brakes among go, roll"):
        braking_actions(toothless)


def test_an_agent_is_asked_only_where_it_sees_and_acts() -> None:
    agent = load_agent("reasonable-seg4")
    require_fit(agent, scenario("distracted"))
    assert fits(agent, scenario("distracted"))
    assert not fits(agent, scenario("mixed_field"))
    with pytest.raises(ProbeError, match="'mixed_field' shows"):
        require_fit(agent, scenario("mixed_field"))
    with pytest.raises(ProbeError, match="offers go, stop"):
        require_fit(agent, changed("reasonable", actions={"go": {"throttle": 1}, "stop": {"brake": 1}}))
    with pytest.raises(ProbeError, match="found modalities depth, gray; allowed are those with 'semantic'"):
        require_fit(agent, changed("reasonable", modalities=["depth", "gray"]))


def minding(weight: float) -> DrivingAgent:
    """Return an agent whose braking and value depend on how many pixels people fill, and on nothing else."""
    agent = load_agent("reasonable-seg4")

    def judge(stored: NDArray[np.uint8]) -> AgentOutput:
        share = torch.from_numpy((stored[:, -1, 0] == PERSON).mean((1, 2)))
        scores = torch.zeros(len(stored), 5)
        scores[:, 2] = weight * share
        return AgentOutput(scores, -share)

    agent.judge = judge  # type: ignore[method-assign]
    return agent


def test_all_agents_are_asked_about_the_same_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = drawn()
    counted: list[int] = []

    def drive_pairs(*given: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        courses, on_drive = given[3], given[5]
        for _ in range(1 + len(courses)):
            on_drive()
        flags = np.zeros((len(courses), len(moments)), np.bool_)
        flags[0] = True  # the first course: from the right, with the least time to spare
        return flags, flags

    monkeypatch.setattr(driving_awareness, "drive_pairs", drive_pairs)
    minds, minds_not = ask([minding(100.0), minding(0.0)], scenario(), moments, counted.append)
    assert sum(counted) == 2 * len(moments) * states_per_moment(scenario())
    # The nearer, the more of a person is seen; a pole and a car are no persons.
    near_to_far = (minds.person - minds.nothing[:, None, None, None])[0, :, :, MIDDLE].mean((0, 2))
    assert (np.diff(near_to_far) <= 0).all()
    assert near_to_far[0] > 10 * near_to_far[-1] > 0
    np.testing.assert_array_equal(minds.pole, np.broadcast_to(minds.nothing[:, None, None], minds.pole.shape))
    assert (minds.car[1] >= minds.nothing[1, None]).all()  # it hides people
    assert (minds.course[0] > minds.course_pole[0]).all()
    assert (minds.course[1] < minds.course_pole[1]).all()
    np.testing.assert_allclose(minds_not.person[0], 0.2, rtol=1e-6)
    assert minds.dangers[0, 0].all()
    assert minds.dangers.sum() == minds.hits.sum() == len(moments)


def test_the_probability_of_braking_is_that_of_all_actions_that_brake() -> None:
    agent = load_agent("reasonable-seg4")
    stored = np.zeros((2, 4, 1, 128, 128), np.uint8)
    policy = agent.judge(stored).log_policy.exp().double().numpy()
    said = Jury([agent], [2, 3], lambda _: None).judge(stored)
    assert said.shape == (1, 2, 2)
    np.testing.assert_allclose(said[0, 0], policy[:, 2] + policy[:, 3], rtol=1e-6)
    np.testing.assert_allclose(said[0, 1], agent.judge(stored).value.numpy(), rtol=1e-6)
