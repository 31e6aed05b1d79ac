from __future__ import annotations

import json
from pathlib import Path

from drivesim.rl.checkpoint import AGENT
from probes.agents import EVALUATION, agents_directory
from probes.domains.registry import load_agent
from probes.domains.study_cards import agent_card
from probes.statistics import Estimate
from tests.probes.game_agents import write_game_agent


def test_a_shipped_player_tells_its_score_beside_the_best_constant_action() -> None:
    card = agent_card("freeway-dqn", load_agent("freeway-dqn"))
    assert card.source.shipped
    record = json.loads((agents_directory() / "freeway-dqn" / EVALUATION).read_text())
    told, scores = card.evaluation, record["scores"]
    assert told["score in held-out games"] == Estimate(**scores["agent"]["score"])
    best = told["score of the best constant action, always up"]
    assert best == Estimate(**scores["always up"]["score"])


def test_a_player_that_was_not_evaluated_tells_none(tmp_path: Path) -> None:
    path = write_game_agent(tmp_path / "run" / AGENT, training={"step": 7})
    card = agent_card(str(path), load_agent(str(path)))
    assert not card.source.shipped
    assert card.evaluation == {"decisions of its last run": 7}


def test_an_agent_that_drives_tells_no_score_of_games() -> None:
    card = agent_card("reasonable-seg4", load_agent("reasonable-seg4"))
    assert list(card.evaluation) == ["decisions of its last run"]
