"""Shipped agents that play Atari games: one directory each, as `probes train` writes them."""

from __future__ import annotations

from pathlib import Path

EVALUATION = "evaluation.json"
"""What an agent scored in held-out games, and each action taken always; beside its weights."""


def agents_directory() -> Path:
    """Return the directory that holds the shipped agents."""
    return Path(__file__).parent


def shipped_agents() -> list[str]:
    """List the shipped agents' names."""
    return sorted(path.parent.name for path in agents_directory().glob("*/agent.json"))
