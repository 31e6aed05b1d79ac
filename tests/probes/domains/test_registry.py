from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from drivesim.scenario.loader import load
from probes import agents
from probes.agent import ProbeError
from probes.domains import registry
from probes.domains.atari_agents import AtariAgent
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_simulation import AtariSimulation
from probes.domains.driving import DrivingAgent, DrivingSimulation
from probes.domains.registry import (
    domain_of,
    find_agent,
    load_agent,
    load_driving_agent,
    named_world,
    random_agent,
    simulation_factory,
)
from tests.probes.game_agents import write_game_agent

DRIVER = "reasonable-seg4"


def test_an_agent_of_a_game_is_told_by_what_is_written_beside_it(tmp_path: Path) -> None:
    agent = load_agent(str(write_game_agent(tmp_path / "run" / "agent", sticky=0.25).parent))
    assert isinstance(agent, AtariAgent)
    assert (agent.name, agent.game, agent.sticky, agent.has_critic) == ("run", "freeway", 0.25, False)
    assert named_world(agent) == {"game": "freeway"}
    assert (domain_of(agent).floor, domain_of(agent).counts_clipped) == ("noop", True)
    control = random_agent(agent, 2)
    assert isinstance(control, AtariAgent)
    assert control.name == "run-random-2"


def test_other_agents_drive() -> None:
    agent = load_agent(DRIVER)
    assert isinstance(agent, DrivingAgent)
    assert named_world(agent) == {"scenario": "reasonable"}
    assert (domain_of(agent).floor, domain_of(agent).counts_clipped) == ("brake", False)
    assert isinstance(random_agent(agent, 2), DrivingAgent)


def test_a_shipped_agent_of_a_game_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_game_agent(tmp_path / "freeway-dqn")
    for module in (agents, registry):
        monkeypatch.setattr(module, "agents_directory", lambda: tmp_path)
    assert find_agent("freeway-dqn") == tmp_path / "freeway-dqn"
    assert load_agent("freeway-dqn").world == "freeway"
    with pytest.raises(ProbeError, match=r"of Atari games freeway-dqn, sb3:FILE\.zip.* mean 'freeway-dqn'"):
        load_agent("freeway-dqm")
    with pytest.raises(ProbeError, match="did you mean 'reasonable-seg4'"):
        load_agent("resonable-seg4")


def test_an_imported_agent_needs_its_game() -> None:
    pytest.importorskip("ale_py")
    name = "tests.probes.domains.own_networks:freeway"
    with pytest.raises(ProbeError, match="say which by --game"):
        load_agent(name)
    agent = load_agent(name, "ALE/Freeway-v5")
    assert (agent.world, agent.actions) == ("freeway", ("noop", "up", "down"))


def test_the_game_of_other_agents_cannot_be_chosen(tmp_path: Path) -> None:
    pytest.importorskip("ale_py")
    path = str(write_game_agent(tmp_path / "a"))
    assert load_agent(path, "Freeway").world == "freeway"
    with pytest.raises(ProbeError, match=r"found 'pong', but agent .* plays 'freeway'; leave --game out"):
        load_agent(path, "pong")
    with pytest.raises(ProbeError, match="found 'pong', but agent 'reasonable-seg4' drives"):
        load_agent(DRIVER, "pong")


def test_stages_about_driving_take_agents_that_drive(tmp_path: Path) -> None:
    assert load_driving_agent(DRIVER, "probes braking").scenario == "reasonable"
    with pytest.raises(ProbeError, match="probes braking is about driving, but agent 'a' plays the Atari"):
        load_driving_agent(str(write_game_agent(tmp_path / "a")), "probes braking")
    with pytest.raises(ProbeError, match="imported agents such as 'sb3:x' play Atari games"):
        load_driving_agent("sb3:x", "probes braking")


def test_worlds_are_made_where_an_agent_learned_unless_a_scenario_is_given(tmp_path: Path) -> None:
    game = load_agent(str(write_game_agent(tmp_path / "a", sticky=0.25)))
    made = simulation_factory(game)
    assert isinstance(made, partial)
    assert (made.func, made.args) == (AtariSimulation, (ConsoleConfig("freeway", sticky=0.25),))
    with pytest.raises(ProbeError, match="--scenario is about driving"):
        simulation_factory(game, "distracted")
    for scenario, expected in ((None, load("reasonable")), ("distracted", "distracted")):
        town = simulation_factory(load_agent(DRIVER), scenario)
        assert isinstance(town, partial)
        assert (town.func, town.args) == (DrivingSimulation, (expected,))
