"""Where `blind` looks."""

from __future__ import annotations

import pytest
import torch

from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from drivesim.scenario.loader import load
from probes.agent import AgentOutput, ProbeError
from probes.domains.stopping_path import ENOUGH, blind_region
from probes.states import Plane, StateLayout, to_states
from probes.synthesis.targets import blind, person_presence
from tests.probes.domains.drawings import FULL8, SEG4, pictures, put, street

PERSON = SemanticClass.PERSON


@pytest.mark.parametrize("layout", [SEG4, FULL8])
def test_a_person_before_the_car_counts_and_one_beside_the_road_does_not(layout: StateLayout) -> None:
    stored = street(4, layout)
    put(pictures(stored, layout)[1, -1], PERSON, (60, 80), (62, 65))
    put(pictures(stored, layout)[2, -1], PERSON, (60, 80), (5, 8))
    put(pictures(stored, layout)[3, :-1], PERSON, (60, 80), (62, 65))  # gone in the newest frame
    region = blind_region(load("reasonable"), layout)
    presence = person_presence(to_states(torch.from_numpy(stored), layout), region)
    assert presence.tolist() == [0.0, 1.0, 0.0, 0.0]


def test_few_pixels_make_part_of_a_person() -> None:
    stored = street()
    put(pictures(stored)[:, -1], PERSON, (80, 80), (62, 65))
    region = blind_region(load("reasonable"), SEG4)
    presence = person_presence(to_states(torch.from_numpy(stored), SEG4), region)
    assert presence.item() == 4 / ENOUGH


def test_the_actions_that_brake_are_those_of_the_scenario() -> None:
    scenario = load("reasonable")
    region = blind_region(scenario, SEG4)
    assert [list(scenario.actions)[index] for index in region.brakes] == ["brake"]
    stored = street()
    put(pictures(stored), PERSON, (60, 80), (62, 65))
    states = to_states(torch.from_numpy(stored), SEG4)
    scores = torch.zeros(1, len(scenario.actions))
    # a person, 5, and all actions alike: 1 - p(brake) is 4 / 5
    j = blind(AgentOutput(scores, torch.zeros(1)), states, region)
    assert j.item() == pytest.approx(5 + torch.log(torch.tensor(0.8)).item())


def test_states_without_driving_classes_and_scenarios_without_brakes_are_refused() -> None:
    gray = StateLayout((Plane("gray", "level"),), 4, 128, 128)
    with pytest.raises(ProbeError, match=f"found planes gray .* one class plane of {NUM_CLASSES}"):
        blind_region(load("reasonable"), gray)
    scenario = load("reasonable")
    assert not isinstance(scenario.actions, str)
    rolling = {name: action.model_copy(update={"brake": 0.0}) for name, action in scenario.actions.items()}
    with pytest.raises(ProbeError, match="scenario 'reasonable': found no action that brakes"):
        blind_region(scenario.model_copy(update={"actions": rolling}), SEG4)
