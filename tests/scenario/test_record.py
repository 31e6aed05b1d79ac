from __future__ import annotations

import pytest

from drivesim.scenario.errors import ScenarioError
from drivesim.scenario.loader import load, loads, scenario_digest, shipped_names
from drivesim.scenario.record import record_of, recorded_scenario

OWN = (
    b"schema_version: 1\nname: school_street\nextends: distracted\ncars: {desired_speed: {normal: [8, 1]}}\n"
)


@pytest.mark.parametrize("name", shipped_names())
def test_a_recorded_scenario_is_the_same_to_its_digest(name: str) -> None:
    scenario = load(name)
    again = recorded_scenario("gone", record_of(scenario), "x")
    assert again == scenario
    assert scenario_digest(again) == scenario_digest(scenario)


def test_ones_own_scenario_needs_no_file() -> None:
    own = loads(OWN)
    assert recorded_scenario(own.name, record_of(own), "x") == own


def test_without_a_record_the_shipped_one_is_meant() -> None:
    assert recorded_scenario("reasonable", None, "x") == load("reasonable")
    with pytest.raises(ScenarioError, match="no such scenario"):
        recorded_scenario("school_street", None, "x")


def test_a_record_that_is_not_valid_names_the_place() -> None:
    record = record_of(load("reasonable"))
    record["cars"]["count"] = -1
    with pytest.raises(ScenarioError, match=r"agent\.json:1:1  scenario_definition\.cars\.count  "):
        recorded_scenario("reasonable", record, "agent.json")
