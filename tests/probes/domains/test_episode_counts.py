from __future__ import annotations

import numpy as np

from probes.data.episodes import Episodes
from probes.domains.episode_counts import of_driving, of_game


def test_people_hit_are_counted_per_kilometre() -> None:
    endings = np.array(["person", "time", "person"])
    ones = np.ones(3)
    told = of_driving(Episodes(np.arange(3), ones, np.arange(3), endings, np.array([300.0, 900.0, 800.0])))
    assert told["endings"] == {"person": 2, "time": 1}
    assert told["km"] == 2.0
    assert told["people_hit_per_km"]["value"] == 1.0
    still = Episodes(np.arange(3), ones, np.arange(3), endings, np.zeros(3))
    assert of_driving(still)["people_hit_per_km"] is None


def test_games_are_told_by_their_scores_lengths_and_endings() -> None:
    endings = np.array(["over", "over", "time"])
    scores, signs = np.array([30.0, 0.0, 60.0]), np.array([2.0, 0.0, 4.0])
    told = of_game(Episodes(np.arange(3), scores, np.array([10, 20, 60]), endings, signs))
    assert told["endings"] == {"over": 2, "time": 1}
    assert {name: told[name]["value"] for name in ("score", "clipped_score", "decisions")} == {
        "score": 30.0,
        "clipped_score": 2.0,
        "decisions": 30.0,
    }
