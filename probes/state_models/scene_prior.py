"""What scenes there are: the learned prior of the `crisp` model's global latent."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from probes.state_models.gaussian import Gaussian

LOG_SIGMA_RANGE = (-6.0, 3.0)


class ScenePrior(nn.Module):
    """A prior of vectors s that draws group after group, each a Gaussian given those before it.

    One masked network tells all of them at once (after Germain et al., MADE, 2015). All that leaves the model
    is u = (s - mean) / sigma, whose prior is N(0, I).

    Args:
        size: numbers of s.
        groups: at most, in the order in which they are drawn.
        hidden: units of each of two layers.
        backwards: whether the last group is drawn first.
    """

    group: Tensor
    look_mask: Tensor
    think_mask: Tensor
    tell_mask: Tensor

    def __init__(self, size: int, groups: int, hidden: int = 384, *, backwards: bool = False) -> None:
        super().__init__()
        self.groups = min(groups, size)
        group = torch.arange(size) * self.groups // size
        starts = [*torch.searchsorted(group, torch.arange(self.groups)).tolist(), size]
        self._spans = [slice(*span) for span in pairwise(starts)]
        """Of the groups, in the order in which they are drawn."""
        if backwards:
            group = self.groups - 1 - group
            self._spans.reverse()
        seen = torch.arange(hidden) % max(1, self.groups - 1)
        """Of a hidden unit: the last group that it looks at."""
        self.look = nn.Linear(size, hidden)
        self.think = nn.Linear(hidden, hidden)
        self.tell = nn.Linear(hidden, 2 * size)
        nn.init.zeros_(self.tell.weight)
        nn.init.zeros_(self.tell.bias)
        for name, mask in (
            ("group", group),
            ("look_mask", group <= seen[:, None]),
            ("think_mask", seen <= seen[:, None]),
            ("tell_mask", seen < group.repeat(2)[:, None]),
        ):
            self.register_buffer(name, mask, persistent=False)

    def given(self, s: Tensor) -> Gaussian:
        """Return the prior (B, size) of every number of s, given the groups before its own."""
        look, think, tell = self._masked()
        x = self._thought(functional.linear(s, look, self.look.bias), think)
        return Gaussian.of(functional.linear(x, tell, self.tell.bias), LOG_SIGMA_RANGE)

    def _masked(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the weights that are left where no group may look at its own or at later ones."""
        return (
            self.look.weight * self.look_mask,
            self.think.weight * self.think_mask,
            self.tell.weight * self.tell_mask,
        )

    def _thought(self, seen: Tensor, think: Tensor) -> Tensor:
        x = functional.silu(seen)
        return x + functional.silu(functional.linear(x, think, self.think.bias))

    def in_units(self, posterior: Gaussian, s: Tensor) -> Gaussian:
        """Return what a posterior of s is of u, the groups before each number being those of s (B, size)."""
        return posterior.in_units_of(self.given(s))

    def forward(self, u: Tensor) -> Tensor:
        """Return s (B, size) of u (B, size), one group after the other."""
        drawn: dict[int, Tensor] = {}
        with torch.autocast(u.device.type, enabled=False):  # to round the weights would take longest
            look, think, tell = self._masked()
            weights, biases = tell.reshape(2, -1, tell.shape[1]), self.tell.bias.reshape(2, -1)
            seen = self.look.bias.expand(len(u), -1)
            for own in self._spans:
                x = self._thought(seen, think)
                told = functional.linear(x, weights[:, own].flatten(0, 1), biases[:, own].flatten())
                s = Gaussian.of(told, LOG_SIGMA_RANGE).value(u[:, own])
                seen = seen + functional.linear(s, look[:, own])
                drawn[own.start] = s
        return torch.cat([drawn[start] for start in sorted(drawn)], dim=1)
