"""The saliency of a whole state set, computed once and kept beside it: it depends on the data alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import NamedAgent, ProbeError
from probes.artifacts import artifact
from probes.data.saliency import check_relus, device_of, guided_gradient, normalised, plane_saliency
from probes.data.state_set import GrowingArray, Indices, StateSet
from probes.progress import Report
from probes.states import StateLayout

KIND = "saliency"


@dataclass(frozen=True, eq=False)
class SaliencySet:
    """The weights of a whole state set, kept beside it.

    What is kept is the saliency before the average, relative to each state's largest, in half precision (a
    relative error of 0.05%), and once for each cell of 2x2 pixels where the agent pools them first, for then
    they are equal. So nothing is lost and 12,000 states of four 128x128 frames take 0.4 GB.
    """

    path: Path
    layout: StateLayout
    kept: NDArray[np.float16]
    """(N, T, P, H / cell, W / cell), mapped."""

    def __len__(self) -> int:
        return len(self.kept)

    def weights(self, indices: Indices) -> Tensor:
        """Return the weights (B, T, P, H, W) of a plane's pixels, float32; `spread` gives all channels'."""
        kept = torch.from_numpy(self.kept[np.asarray(indices)]).float()
        cell = self.layout.height // kept.shape[-2]
        return normalised(_enlarged(kept, cell), self.layout)


def compute(
    states: StateSet,
    agent: NamedAgent,
    path: Path,
    *,
    with_value: bool = False,
    batch: int = 16,
    progress: Report | None = None,
) -> SaliencySet:
    """Compute and keep the saliency of every state of a set.

    Args:
        states: of the agent's layout.
        agent: frozen, in eval mode.
        path: of the artifact to write.
        with_value: see `guided_gradient`.
        batch: states at once; it changes nothing but the speed.
        progress: told how many states are done, and how many there are.

    Raises:
        ProbeError: the agent does not fit the states, a ReLU of it cannot be guided, or the artifact cannot
            be written.
    """
    if agent.layout != states.layout:
        raise ProbeError(f"{states.path}: holds states of {states.layout}, but the agent sees {agent.layout}")
    check_relus(agent)
    config = manifest_config(agent, with_value)
    with artifact.writing(path, KIND, config=config, seed=0, parents={"states": states.path}) as scratch:
        _write(states, agent, scratch / "saliency.npy", with_value, batch, progress)
    return load_saliency(path, states, verify=False)


def manifest_config(agent: NamedAgent, with_value: bool = False) -> dict[str, Any]:
    """Return what decides a set's saliency: `artifact.is_current` compares it with what was kept."""
    return {"agent": {"name": agent.name, "digest": agent.digest}, "with_value": with_value}


def load_saliency(path: Path, states: StateSet, verify: bool = True) -> SaliencySet:
    """Open the saliency of a state set.

    Raises:
        ProbeError: there is none, it is damaged, or it belongs to other states.
    """
    manifest = artifact.load(path, KIND, verify)
    artifact.check_parents(manifest, {"states": states.path})
    return SaliencySet(path, states.layout, np.asarray(np.load(path / "saliency.npy", mmap_mode="r")))


def _write(
    states: StateSet,
    agent: NamedAgent,
    file: Path,
    with_value: bool,
    batch: int,
    progress: Report | None,
) -> None:
    assert isinstance(agent, nn.Module)
    layout, device, cell = states.layout, device_of(agent), 0
    array: GrowingArray | None = None
    try:
        for first in range(0, len(states), batch):
            indices = np.arange(first, min(first + batch, len(states)))
            seen = states.states(indices).to(device)
            saliency = plane_saliency(guided_gradient(agent, seen, with_value), layout)
            if array is None:
                cell = _cell(saliency)
                row = (layout.stack, len(layout.planes), layout.height // cell, layout.width // cell)
                array = GrowingArray(file, np.float16, row)
            array.append(_compact(saliency, cell).cpu().numpy())
            if progress is not None:
                progress(int(indices[-1]) + 1, len(states))
    finally:
        if array is not None:
            array.close()


def _cell(saliency: Tensor) -> int:
    """Return 2 if the agent pools cells of 2x2 pixels, which makes saliency (B, T, P, H, W) equal in them."""
    is_even = saliency.shape[-2] % 2 == 0 and saliency.shape[-1] % 2 == 0
    return 2 if is_even and saliency.any() and _is_constant(saliency, 2) else 1


def _is_constant(saliency: Tensor, cell: int) -> bool:
    return bool(torch.equal(_enlarged(saliency[..., ::cell, ::cell], cell), saliency))


def _compact(saliency: Tensor, cell: int) -> Tensor:
    """Return the saliency (B, T, P, H, W) relative to each state's largest, once per cell, float16."""
    assert _is_constant(saliency, cell), "an agent pools all its states, or none"
    largest = saliency.amax(dim=(1, 2, 3, 4), keepdim=True)
    relative = saliency[..., ::cell, ::cell] / largest.clamp_min(torch.finfo(largest.dtype).tiny)
    return relative.to(torch.float16)


def _enlarged(cells: Tensor, cell: int) -> Tensor:
    """Repeat each value (..., h, w) over a cell of pixels."""
    return cells.repeat_interleave(cell, dim=-2).repeat_interleave(cell, dim=-1)
