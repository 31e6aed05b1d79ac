"""What a fit is to be, and what of it is recorded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from probes.agent import NamedAgent, ProbeError
from probes.artifacts.manifest import read_manifest
from probes.data.state_set import StateSet
from probes.state_models.crisp_model import CrispModel
from probes.state_models.model_store import ModelName, build_model, model_settings
from probes.state_models.objectives import CrispLoss, PaperLoss
from probes.state_models.paper_model import PaperModel
from probes.state_models.schedule import SCHEDULES, Schedule

FLOW = (4, 2)
"""Steps of a fitted prior: of the global latent, and of each layer of local ones."""


@dataclass(frozen=True)
class FitConfig:
    """What is fitted, and how."""

    model: ModelName = "crisp"
    schedule: Schedule = SCHEDULES["crisp"]["quick"]
    paper_loss: PaperLoss = field(default_factory=PaperLoss)
    crisp_loss: CrispLoss = field(default_factory=CrispLoss)
    part: Literal["all", "prior"] = "all"
    """`prior` fits the flows of a crisp model's prior, to the latents of a model that is fitted."""
    precision: str = "bfloat16"
    """Of convolutions: `float32`, or `bfloat16`, twice as fast where the processor has it."""
    seed: int = 0
    checkpoint_every: int = 500
    """Iterations."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the model and the agent are put. No part of what decides a fit: on another device its noise and
    its rounding differ, nothing else."""
    shape: dict[str, Any] = field(default_factory=dict)
    """Fields of `PaperConfig` or `CrispConfig` that are not at their defaults."""

    def __post_init__(self) -> None:
        if self.model not in SCHEDULES:
            raise ProbeError(f"model: found {self.model!r}, allowed are {', '.join(SCHEDULES)}")
        if self.precision not in ("float32", "bfloat16"):
            raise ProbeError(f"precision: found {self.precision!r}, allowed are float32, bfloat16")
        if self.part not in ("all", "prior") or (self.part, self.model) == ("prior", "paper"):
            raise ProbeError(f"part: found {self.part!r}, allowed are all, and of model crisp prior")
        if self.checkpoint_every < 1:
            raise ProbeError(f"checkpoint_every: found {self.checkpoint_every}, allowed are 1 and more")
        if self.device not in ("cpu", "cuda"):
            raise ProbeError(f"device: found {self.device!r}, allowed are cpu, cuda")

    @property
    def needs_saliency(self) -> bool:
        """Whether the loss weighs pixels."""
        return self.model == "paper" and self.paper_loss.variant != "vae"


def manifest_config(
    config: FitConfig, states: StateSet, agent: NamedAgent, init: Path | None = None
) -> dict[str, Any]:
    """Return what decides a fit's outcome; of both models' losses only the one that is used."""
    unused = "crisp_loss" if config.model == "paper" else "paper_loss"
    left_out = (unused, "checkpoint_every", "device", "shape")  # the whole shape stands below
    return {
        "fit": {key: value for key, value in asdict(config).items() if key not in left_out},
        "agent": {"name": agent.name, "digest": agent.digest},
        "model": model_settings(new_model(states, config)),
        **({} if init is None else {"init": read_manifest(init, None).digest}),
    }


def new_model(states: StateSet, config: FitConfig) -> PaperModel | CrispModel:
    """Return the model that is to be fitted, its weights as the seed has them."""
    shape = config.shape | ({"flow": FLOW} if config.part == "prior" else {})
    return build_model(config.model, states.layout, shape, config.seed)


def parents_of(states: StateSet, init: Path | None) -> dict[str, Path]:
    """Return what a model is made from, by role."""
    return {"states": states.path} if init is None else {"states": states.path, "init": init}
