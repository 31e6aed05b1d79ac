"""What keeps the chains of a search from ending in one picture: a price on agreeing with the others."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from probes.states import Plane, StateLayout, likeliest

LEAST_SHARE = 1e-6
"""Of the goal, below which squared differences have no gradient: that of a root has no bound."""


class _Classes:
    """A class plane of all chains' recent pictures.

    Numbers lie in the order (H, K, W * T), as those of a `crisp` model's states do: they are not moved.
    """

    def __init__(
        self, chains: int, plane: Plane, channels: slice, layout: StateLayout, device: torch.device
    ) -> None:
        self._channels, self._chains = channels, chains
        shape = (layout.height, plane.channels, layout.width * layout.stack)
        self._pixels = shape[0] * shape[2]
        self._classes = torch.zeros(chains, shape[0], shape[2], dtype=torch.uint8, device=device)
        """(chains, H, W * T) the likeliest."""
        entries = torch.arange(math.prod(shape), device=device).view(shape)
        self._entries, self._step = entries[:, 0], shape[2]
        """(H, W * T) where a pixel's first class lies, and how far from there the next."""
        self._counts = torch.zeros(math.prod(shape), device=device)
        """(H * K * W * T) how many chains hold a pixel to be of a class, as last counted."""
        self._others: dict[tuple[int, int], Tensor] = {}
        """(B, H * K * W * T) the same without the chain itself, of the chains from one to another."""

    def _rows(self, states: Tensor) -> Tensor:
        return states[:, :, self._channels].permute(0, 3, 2, 4, 1).flatten(3)  # (B, H, K, W * T)

    def disagreement(self, states: Tensor, chains: slice) -> Tensor:
        """Return the mean share (B,) of pixels that differ from the others', soft classes by probability."""
        part = chains.start, chains.stop
        if part not in self._others:
            self._others[part] = self._counted(chains).to(states.dtype)
        agreeing = (self._rows(states).flatten(1) * self._others[part]).sum(1).float() / self._pixels
        return 1.0 - agreeing / (self._chains - 1)

    def remember(self, states: Tensor, chains: slice) -> None:
        """Note the likeliest classes."""
        classes = likeliest(states[:, :, self._channels])
        self._classes[chains] = classes.permute(0, 2, 3, 1).flatten(2)  # (B, H, W * T)

    def count(self) -> None:
        """Put what was remembered in force."""
        own = self._own(slice(None)).flatten()
        self._counts = torch.bincount(own, minlength=len(self._counts)).float()
        self._others.clear()

    def _own(self, chains: slice) -> Tensor:
        """Return where the remembered classes lie, (B, H * W * T)."""
        return (self._entries + self._classes[chains].long() * self._step).flatten(1)

    def _counted(self, chains: slice) -> Tensor:
        own = self._own(chains)
        others = self._counts.repeat(len(own), 1)
        return others.scatter_(1, own, self._counts[own] - 1)


class _Levels:
    """The levels of all chains' recent pictures, in the order (H, C, W, T).

    The mean squared difference from the others is that from their mean, and their variance about it.
    """

    def __init__(self, chains: int, layout: StateLayout, device: torch.device) -> None:
        entries = math.prod(layout.shape)
        self._levels = torch.zeros(chains, entries, dtype=torch.uint8, device=device)
        self._sum = torch.zeros(entries, dtype=torch.int32, device=device)
        self._squares = torch.zeros(entries, dtype=torch.int32, device=device)
        self._others: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
        """Mean (B, H * C * W * T) and mean variance (B,) of the others' pictures, of chains from one to
        another."""

    @staticmethod
    def _rows(states: Tensor) -> Tensor:
        return states.permute(0, 3, 2, 4, 1).flatten(1)

    def disagreement(self, states: Tensor, chains: slice) -> Tensor:
        """Return the mean squared difference (B,) from the others' levels."""
        part = chains.start, chains.stop
        if part not in self._others:
            self._others[part] = self._counted(chains)
        mean, variance = self._others[part]
        return (self._rows(states).float() - mean).square().mean(1) + variance

    def remember(self, states: Tensor, chains: slice) -> None:
        """Note the rounded levels."""
        self._levels[chains] = (self._rows(states).float().clamp(0, 1) * 255).round().to(torch.uint8)

    def count(self) -> None:
        """Put what was remembered in force."""
        self._sum = self._levels.sum(0, dtype=torch.int32)
        self._squares.zero_()
        for row in self._levels:  # one at a time: all of them in 32 bits are many
            self._squares += row.int().square()
        self._others.clear()

    def _counted(self, chains: slice) -> tuple[Tensor, Tensor]:
        own = self._levels[chains].int()
        others = len(self._levels) - 1
        mean = (self._sum - own).float() / (255 * others)
        squares = (self._squares - own.square()).float() / (255**2 * others)
        return mean, (squares - mean.square()).mean(1).clamp_min(0)


class Others:
    """The likeliest classes of every chain's recent picture, and how often each occurs; else its levels.

    The mean disagreement of a picture with the K - 1 others depends on them only by the class frequencies of
    each pixel, or the mean and the variance of its levels, so that its cost does not grow with K^2. They are
    counted in whole numbers at an earlier step, so that the size of a batch changes nothing, and several
    threads may charge different chains at once.
    """

    EVERY = 5
    """Steps between two countings, which cost about as much as a charge; pictures change slowly."""

    def __init__(
        self, chains: int, layout: StateLayout, price: float, goal: float, device: torch.device
    ) -> None:
        """Watch K chains.

        Args:
            chains: K, at least 2.
            layout: of the states; where it has class planes, levels do not count.
            price: of a picture that is the same as all others, standard deviations of J.
            goal: the mean disagreement from which on nothing is paid, as `pairwise_disagreement` has it.
            device: of the states.
        """
        classes = [
            _Classes(chains, plane, channels, layout, device)
            for plane, channels, _ in layout.slices()
            if plane.kind == "class"
        ]
        self._has_classes = bool(classes)
        self._seen: list[_Classes] | list[_Levels] = classes or [_Levels(chains, layout, device)]
        self._price, self._goal = price, goal
        self._steps = 0

    def disagreement(self, states: Tensor, chains: slice) -> Tensor:
        """Return how far (B,) states differ from the other chains' pictures, on average.

        The share of pixels that are of another class, soft classes by their probability and of several planes
        the mean; the mean squared difference where there are levels alone.

        Args:
            states: (B, T, C, H, W).
            chains: whose they are.
        """
        return torch.stack([seen.disagreement(states, chains) for seen in self._seen]).mean(0)

    def charge(self, states: Tensor, chains: slice) -> Tensor:
        """Return what states (B, T, C, H, W) of some chains cost (B,), and remember them when it is time."""
        cost = torch.zeros(len(states), device=states.device)
        if self._steps > 0:
            disagreement = self.disagreement(states, chains)
            if bool((disagreement < self._goal).any()):  # elsewhere there is no gradient to be had
                cost = self._price * functional.relu(1.0 - self._share_of_goal(disagreement))
        if self._steps % self.EVERY == 0:
            for seen in self._seen:
                seen.remember(states.detach(), chains)
        return cost

    def _share_of_goal(self, disagreement: Tensor) -> Tensor:
        """Return how much of the goal is reached; of squared differences, by their roots.

        Squares hardly grow where pictures are nearly the same, which is where they must be pushed apart.
        """
        share = disagreement / self._goal
        return share if self._has_classes else share.clamp_min(LEAST_SHARE).sqrt()

    def end_step(self) -> None:
        """Put what was remembered in force; call it after the charges of all chains."""
        if self._steps % self.EVERY == 0:
            for seen in self._seen:
                seen.count()
        self._steps += 1
