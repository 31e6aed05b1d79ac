"""What a fit keeps on its way, so that it can be interrupted and goes on bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.artifacts.manifest import Manifest, read_manifest
from probes.data.saliency import device_of
from probes.state_models.model_store import KIND as MODEL
from probes.state_models.model_store import WEIGHTS, set_weights

KIND = "fit-checkpoint"
TENSORS = "checkpoint.safetensors"
PROGRESS = "progress.json"
CUDA_RANDOM = "random.cuda"
"""What a GPU's random state is called."""


class Fitting(NamedTuple):
    """Everything that changes while fitting."""

    model: nn.Module
    average: dict[str, Tensor]
    """The weights' running average, which is what the fit returns; empty where there is none."""
    optimiser: torch.optim.Adam


class Checkpoint(NamedTuple):
    """Where a fit's checkpoint lies, and which fit it is of."""

    path: Path
    config: dict[str, Any]
    seed: int
    parents: Mapping[str, Path]
    """What the model is made from, by role; `states` are fitted to."""


def write_checkpoint(place: Checkpoint, fitting: Fitting, iteration: int) -> None:
    """Replace the checkpoint, if there is one, by one taken after `iteration` iterations."""
    tensors = {f"model.{name}": value for name, value in fitting.model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in fitting.average.items()}
    tensors |= _random_states(device_of(fitting.model))
    for index, moments in fitting.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    config, seed, parents = place.config, place.seed, place.parents
    with artifact.writing(place.path, KIND, config=config, seed=seed, parents=parents) as scratch:
        artifact.save_tensors(scratch / TENSORS, tensors)
        artifact.write_json(scratch / PROGRESS, {"iteration": iteration})


def read_checkpoint(place: Checkpoint, fitting: Fitting) -> int:
    """Restore what `write_checkpoint` wrote, into `fitting` and PyTorch's random state.

    A fit may go on where another kind of device left it, though not bit for bit.

    Returns:
        The iterations done; 0 if there is no checkpoint.

    Raises:
        ProbeError: the checkpoint is damaged, or another fit's; the message says how to begin anew.
    """
    if not place.path.exists():
        return 0
    manifest = artifact.load(place.path, KIND)
    _require_same_fit(manifest, place)
    tensors = artifact.load_tensors(place.path / TENSORS)
    set_weights(fitting.model, _under(tensors, "model."), place.path / TENSORS)
    for name, value in _under(tensors, "average.").items():
        fitting.average[name].copy_(value)
    _restore_optimiser(fitting.optimiser, _under(tensors, "optimiser."))
    device = device_of(fitting.model)
    torch.set_rng_state(tensors["random"])
    if device.type == "cuda" and CUDA_RANDOM in tensors:
        torch.cuda.set_rng_state(tensors[CUDA_RANDOM], device)
    return _iteration(place.path)


def iterations_done(path: Path) -> int:
    """Return after how many iterations a checkpoint was taken; 0 if there is none.

    Raises:
        ProbeError: it is damaged.
    """
    if not path.exists():
        return 0
    artifact.load(path, KIND)
    return _iteration(path)


def weights_of(path: Path) -> tuple[dict[str, Tensor], Path]:
    """Return the weights of a fitted state model, or of a fit's checkpoint, and the file that holds them.

    Of a checkpoint those that the fit would return, were it to end there.

    Raises:
        ProbeError: there is neither, or it is damaged.
    """
    if read_manifest(path, None).kind != KIND:
        artifact.load(path, MODEL)
        return artifact.load_tensors(path / WEIGHTS), path / WEIGHTS
    artifact.load(path, KIND)
    tensors = artifact.load_tensors(path / TENSORS)
    return _under(tensors, "average.") or _under(tensors, "model."), path / TENSORS


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """Return PyTorch's random state, and the device's own if that is a GPU."""
    states = {"random": torch.get_rng_state()}
    if device.type == "cuda":
        states[CUDA_RANDOM] = torch.cuda.get_rng_state(device)
    return states


def _iteration(path: Path) -> int:
    return int(artifact.read_json(path / PROGRESS)["iteration"])


def _require_same_fit(manifest: Manifest, place: Checkpoint) -> None:
    states = read_manifest(place.parents["states"], None).digest
    if (manifest.config, manifest.seed) != (json.loads(json.dumps(place.config)), place.seed):
        other = "settings"
    elif manifest.parents and manifest.parents["states"].digest != states:
        other = "states"  # the very first checkpoints did not name theirs
    else:
        return
    raise ProbeError(
        f"{place.path}: holds an unfinished fit with other {other}; delete it to begin anew, "
        f"or give the {other} it was begun with"
    )


def _restore_optimiser(optimiser: torch.optim.Adam, tensors: dict[str, Tensor]) -> None:
    """Set the moments, laid out in memory as their parameters are, lest sums be rounded otherwise."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, moment = name.split(".")
        state.setdefault(int(index), {})[moment] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    for parameter, moments in optimiser.state.items():
        for name, value in moments.items():
            if value.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(value)


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
