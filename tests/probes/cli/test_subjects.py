from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.cli.subjects import (
    add_agent,
    add_random_weights,
    add_real_states,
    add_subjects,
    game_of,
    load_given,
    scenario_of,
    spread_out,
    unique_names,
)
from probes.domains.driving import load_agent
from probes.domains.registry import load_agent as load_any
from tests.probes.game_agents import write_game_agent
from tests.probes.toy_sets import toy_states


def test_states_are_chosen_evenly() -> None:
    assert spread_out(np.arange(100, 109), 3).tolist() == [100, 104, 108]
    assert spread_out(np.arange(5), None).tolist() == [0, 1, 2, 3, 4]
    assert spread_out(np.arange(5), 9).tolist() == [0, 1, 2, 3, 4]


def test_paths_are_named_by_their_last_part_and_numbered_where_they_share_it() -> None:
    given = [Path("a/t-minus"), Path("b/t-minus"), Path("c/states/"), Path("d/t-minus")]
    assert unique_names(given, "states") == {
        "t-minus": given[0],
        "t-minus-2": given[1],
        "states-2": given[2],
        "t-minus-3": given[3],
    }


def test_states_that_the_agent_does_not_see_are_refused(tmp_path: Path) -> None:
    toy_states(tmp_path / "states")
    parser = ArgumentParser()
    add_subjects(parser)
    add_random_weights(parser)
    add_real_states(parser)
    args = parser.parse_args(["--states", str(tmp_path / "states"), "--model", "none"])
    with pytest.raises(ProbeError, match="collect states with this agent"):
        load_given(args)


def test_the_scenario_of_an_agent_is_the_one_in_which_it_learned() -> None:
    agent = load_agent("reasonable-seg4")
    assert scenario_of(agent).name == "reasonable"
    agent.scenario = "reasonabel"
    with pytest.raises(ProbeError, match=r"scenario of agent 'reasonable-seg4': .*reasonable"):
        scenario_of(agent)


def test_an_agent_of_a_game_has_no_scenario(tmp_path: Path) -> None:
    agent = load_any(str(write_game_agent(tmp_path / "a")))
    with pytest.raises(ProbeError, match="target 'blind' is about driving, but agent 'a' plays"):
        scenario_of(agent, "target 'blind'")


def test_the_game_of_an_imported_agent_is_that_of_the_states_unless_it_is_named(tmp_path: Path) -> None:
    parser = ArgumentParser()
    add_agent(parser)
    states = toy_states(tmp_path / "states")
    played = replace(states, config={"simulation": {"name": "pong"}})
    imported = parser.parse_args(["--agent", "sb3:a.zip"])
    assert game_of(imported, played) == "pong"
    assert game_of(imported, states) is None
    assert game_of(parser.parse_args(["--agent", "sb3:a.zip", "--game", "boxing"]), played) == "boxing"
    assert game_of(parser.parse_args([]), played) is None
