"""Moments on a clear road to test with, drawn once."""

from __future__ import annotations

from functools import cache

from probes.domains.awareness_moments import Moments, collect_moments
from tests.towns import scenario

SEEDS = range(500_000, 500_006)


@cache
def drawn() -> Moments:
    """Draw moments of a few episodes of `reasonable`."""
    return collect_moments(scenario(), SEEDS)
