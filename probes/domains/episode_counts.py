"""What came of episodes besides their returns, domain by domain."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from probes import statistics
from probes.data.episodes import Episodes
from probes.domains.driving_replay import HIT
from probes.replay import METRES_PER_KM


def of_driving(episodes: Episodes) -> dict[str, Any]:
    """Tell how driving episodes ended, and how often people were hit.

    Returns:
        Counts of endings, km, people hit per km with Garwood's interval (None if nothing was driven).
    """
    endings, km = episodes.count_endings(), float(episodes.distances.sum()) / METRES_PER_KM
    hits = endings.get(HIT, 0)
    rate = asdict(statistics.rate(hits, km)) if km > 0 else None
    return {"endings": endings, "km": km, "people_hit_per_km": rate}


def of_game(episodes: Episodes) -> dict[str, Any]:
    """Tell how games ended and how long they took.

    Returns:
        Counts of endings; mean score, sum of the rewards' signs, and decisions of an episode.
    """
    columns = {
        "score": episodes.returns,
        "clipped_score": episodes.distances,
        "decisions": episodes.lengths,
    }
    means = {name: asdict(statistics.mean(column)) for name, column in columns.items()}
    return {"endings": episodes.count_endings(), **means}
