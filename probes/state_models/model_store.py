"""State models as artifacts: which kinds there are, writing and reading them, and those that are shipped."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from probes.agent import Agent, ProbeError
from probes.artifacts import artifact
from probes.artifacts.manifest import Manifest
from probes.state_models.crisp_config import CrispConfig, Level
from probes.state_models.crisp_model import CrispModel
from probes.state_models.paper_model import PaperConfig, PaperModel
from probes.states import StateLayout

KIND = "state-model"
ModelName = Literal["paper", "crisp"]
WEIGHTS = "model.safetensors"


class LoadedModel(NamedTuple):
    """A state model and where it came from."""

    model: PaperModel | CrispModel
    manifest: Manifest


def build_model(name: str, layout: StateLayout, shape: dict[str, Any], seed: int) -> PaperModel | CrispModel:
    """Make an untrained model.

    Args:
        name: `paper` or `crisp`.
        layout: of the states.
        shape: fields of `PaperConfig` or `CrispConfig`; empty takes their defaults.
        seed: of the weights.

    Raises:
        ProbeError: there is no such model, or it has no such field.
    """
    given = dict(shape)
    try:
        if name == "paper":
            if "filters" in given:
                given["filters"] = tuple(given["filters"])
            return PaperModel(layout, PaperConfig(**given), seed)
        if name == "crisp":
            if "levels" in given:
                coarse, fine = given["levels"]
                given["levels"] = (Level(*coarse), Level(*fine))
            given |= {name: tuple(given[name]) for name in ("fine", "flow") if name in given}
            return CrispModel(layout, CrispConfig(**given), seed)
    except (TypeError, ValueError) as error:
        raise ProbeError(f"state model {name!r}: {error}") from error
    raise ProbeError(f"no state model {name!r}: allowed are paper, crisp")


def model_settings(model: PaperModel | CrispModel) -> dict[str, Any]:
    """Return what `build_model` needs, as JSON holds it."""
    name = "paper" if isinstance(model, PaperModel) else "crisp"
    return {"name": name, "layout": model.layout.to_json(), "shape": asdict(model.config)}


def load_model(path: Path, agent: Agent | None = None, verify: bool = True) -> LoadedModel:
    """Read a state model, in eval mode, its weights frozen and in float32.

    Args:
        path: of the artifact.
        agent: whose states it must make, if given.
        verify: whether to hash the weights.

    Raises:
        ProbeError: there is none, it is damaged, or it makes other states than the agent sees.
    """
    manifest = artifact.load(path, KIND, verify)
    try:
        settings = manifest.config["model"]
        model = build_model(
            settings["name"], StateLayout.from_json(settings["layout"]), settings["shape"], seed=0
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProbeError(f"{path / artifact.MANIFEST}: not a state model's settings: {error!r}") from error
    set_weights(model, artifact.load_tensors(path / WEIGHTS), path / WEIGHTS)
    if agent is not None and agent.layout != model.layout:
        raise ProbeError(
            f"{path}: this state model makes states of {model.layout}, but the agent sees {agent.layout}; "
            "fit one to states of this agent by `probes fit`"
        )
    model.eval().requires_grad_(False)
    return LoadedModel(model, manifest)


def start_from(model: nn.Module, weights: dict[str, Tensor], file: Path) -> set[str]:
    """Copy into a new model those weights whose name and shape it shares, for its fit to go on from them.

    Returns:
        The names of those that it does not share.

    Raises:
        ProbeError: not one is shared.
    """
    own = model.state_dict()
    shared = {
        name: tensor for name, tensor in weights.items() if name in own and own[name].shape == tensor.shape
    }
    if not shared:
        raise ProbeError(f"{file}: shares no tensor with the model to be fitted; give one of the same kind")
    set_weights(model, own | shared, file)
    return own.keys() - shared.keys()


def set_weights(model: nn.Module, weights: dict[str, Tensor], file: Path) -> None:
    """Copy weights into a model.

    Raises:
        ProbeError: a name or a shape differs, or a number is not finite; the message names it and the file.
    """
    expected = model.state_dict()
    for names, problem in (
        (expected.keys() - weights.keys(), "missing"),
        (weights.keys() - expected.keys(), "unknown"),
    ):
        if names:
            raise ProbeError(f"{file}: {problem} tensors: {', '.join(sorted(names))}")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            found, wanted = tuple(tensor.shape), tuple(expected[name].shape)
            raise ProbeError(f"{file}: {name} has shape {found}, expected {wanted}")
        if not torch.isfinite(tensor.float()).all():
            raise ProbeError(f"{file}: {name} holds numbers that are not finite")
    model.load_state_dict(weights)
