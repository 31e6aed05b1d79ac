"""Networks as a user may write them, to be named as module:function."""

from __future__ import annotations

from torch import nn

from probes.domains.imported_agents import NatureNetwork


def freeway() -> nn.Module:
    """Return a DQN for the three actions of Freeway."""
    return NatureNetwork(3, has_critic=False)
