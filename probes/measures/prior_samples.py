"""What the state model makes of its prior: samples that no target has bent, to be compared with real states.

A model that draws people too often, or never, would by itself make a finding about people, or hide it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.artifacts.manifest import Manifest
from probes.state_models.state_model import StateModel
from probes.states import StateLayout, to_stored

KIND = "samples"
RESULT = "result.json"
STORED = "stored.npy"
SAMPLES = 2000
BATCH = 32


class Samples(NamedTuple):
    """Samples on disk."""

    path: Path
    manifest: Manifest
    result: dict[str, Any]
    layout: StateLayout
    stored: NDArray[np.uint8]
    """(N, T, M, H, W), mapped."""


@torch.no_grad()
def prior_samples(
    model: StateModel, count: int, seed: int, batch: int = BATCH, device: str = "cpu"
) -> Iterator[NDArray[np.uint8]]:
    """Yield stored states (B, T, M, H, W) of `count` draws of the prior, those of `state_model.sample_prior`.

    Args:
        model: in eval mode.
        count: N.
        seed: of all draws; the batch changes none of them.
        batch: states at a time, which bounds the memory.
        device: where the model is.
    """
    z = torch.randn(count, model.latent_size, generator=torch.Generator().manual_seed(seed))
    for start in range(0, count, batch):
        part = z[start : start + batch].to(device)
        yield to_stored(model.decode(part), model.layout).cpu().numpy()


def load_samples(path: Path, verify: bool = True) -> Samples:
    """Open samples.

    Raises:
        ProbeError: there are none, or they are damaged.
    """
    manifest = artifact.load(path, KIND, verify)
    result = artifact.read_json(path / RESULT)
    try:
        layout = StateLayout.from_json(result["layout"])
        stored = np.asarray(np.load(path / STORED, mmap_mode="r"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProbeError(
            f"{path}: not samples that this program can read ({error!r}); "
            f"delete them and run `{manifest.command}` again"
        ) from error
    return Samples(path, manifest, result, layout, stored)
