"""What keeps the chains of a search from ending in one picture: a price on agreeing with the others."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from probes.agent import ProbeError
from probes.states import Plane, StateLayout, likeliest


class _Seen:
    """A class plane of all chains' recent pictures.

    Numbers lie in the order (H, K, W * T), as those of a `crisp` model's states do: they are not moved.
    """

    def __init__(
        self, chains: int, plane: Plane, channels: slice, layout: StateLayout, device: torch.device
    ) -> None:
        self._channels = channels
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

    def agreement(self, states: Tensor, chains: slice) -> Tensor:
        """Return how many of the others agree (B,), on average over a picture's pixels."""
        part = chains.start, chains.stop
        if part not in self._others:
            self._others[part] = self._counted(chains).to(states.dtype)
        return (self._rows(states).flatten(1) * self._others[part]).sum(1).float() / self._pixels

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


class Others:
    """The likeliest classes of every chain's recent picture, and how often each occurs.

    The mean disagreement of a picture with the K - 1 others depends on them only by the class frequencies of
    each pixel, so that its cost does not grow with K^2. They are whole numbers of an earlier step, so that
    the size of a batch changes nothing, and several threads may charge different chains at once.
    """

    EVERY = 5
    """Steps between two countings, which cost about as much as a charge; pictures change slowly."""

    def __init__(
        self, chains: int, layout: StateLayout, price: float, goal: float, device: torch.device
    ) -> None:
        """Watch K chains.

        Args:
            chains: K, at least 2.
            layout: of the states; it must have a class plane.
            price: of a picture that is the same as all others, standard deviations of J.
            goal: the mean disagreement from which on nothing is paid.
            device: of the states.

        Raises:
            ProbeError: the states have no classes.
        """
        self._seen = [
            _Seen(chains, plane, channels, layout, device)
            for plane, channels, _ in layout.slices()
            if plane.kind == "class"
        ]
        if not self._seen:
            raise ProbeError("diversity compares classes, and these states have none: set diversity to 0")
        self._chains = chains
        self._price, self._goal = price, goal
        self._steps = 0

    def disagreement(self, states: Tensor, chains: slice) -> Tensor:
        """Return the mean share (B,) of pixels in which states differ from the other chains' pictures.

        Soft classes disagree by their probability. Of several class planes, the mean.

        Args:
            states: (B, T, C, H, W).
            chains: whose they are.
        """
        agreement = torch.stack([seen.agreement(states, chains) for seen in self._seen]).mean(0)
        return 1.0 - agreement / (self._chains - 1)

    def charge(self, states: Tensor, chains: slice) -> Tensor:
        """Return what states (B, T, C, H, W) of some chains cost (B,), and remember them when it is time."""
        cost = torch.zeros(len(states), device=states.device)
        if self._steps > 0:
            disagreement = self.disagreement(states, chains)
            if bool((disagreement < self._goal).any()):  # elsewhere there is no gradient to be had
                cost = self._price * functional.relu(1.0 - disagreement / self._goal)
        if self._steps % self.EVERY == 0:
            for seen in self._seen:
                seen.remember(states.detach(), chains)
        return cost

    def end_step(self) -> None:
        """Put what was remembered in force; call it after the charges of all chains."""
        if self._steps % self.EVERY == 0:
            for seen in self._seen:
                seen.count()
        self._steps += 1
