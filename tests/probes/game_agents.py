"""Agents of games that have learned nothing, as `probes train` keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drivesim.rl.checkpoint import save_agent
from drivesim.rl.networks import InputLayout
from drivesim.rl.q_network import QNetwork, QNetworkConfig

ACTIONS = ("noop", "up", "down")


def write_game_agent(path: Path, **metadata: Any) -> Path:
    """Write a DQN of Freeway with random weights; `metadata` replaces what it says of itself."""
    network = QNetwork(InputLayout(("gray",), 4, 84, 84), QNetworkConfig(len(ACTIONS), hidden=16), seed=1)
    save_agent(path, network, {"game": "freeway", "actions": list(ACTIONS), "sticky": 0.0, **metadata})
    return path
