"""Fitting a state model to recorded states (Sec. 4.1): settings and the training loop."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import DivergedError, NamedAgent, ProbeError
from probes.artifacts import artifact
from probes.data.saliency_set import SaliencySet
from probes.data.state_set import StateSet
from probes.progress import Track
from probes.state_models.crisp_model import CrispModel
from probes.state_models.fit_checkpoint import (
    Checkpoint,
    Fitting,
    read_checkpoint,
    weights_of,
    write_checkpoint,
)
from probes.state_models.fit_config import FitConfig, manifest_config, new_model, parents_of
from probes.state_models.fit_log import FitLog
from probes.state_models.model_store import (
    KIND,
    WEIGHTS,
    LoadedModel,
    ModelName,
    load_model,
    start_from,
)
from probes.state_models.objectives import (
    Objective,
    Terms,
    crisp_objective,
    paper_objective,
)
from probes.state_models.paper_model import PaperModel
from probes.state_models.prior_objective import chosen_states, prior_objective
from probes.state_models.schedule import batch_indices, learning_rate

LOG = "log.jsonl"
AVERAGED = 512
"""States, at least, of which the average picture is taken, if there are so many."""
BETAS: dict[ModelName, tuple[float, float]] = {"paper": (0.9, 0.999), "crisp": (0.9, 0.99)}
"""Adam's decays: for the paper's model those that are Adam's own."""


def fit(
    states: StateSet,
    saliency: SaliencySet | None,
    agent: NamedAgent,
    config: FitConfig,
    path: Path,
    track: Track,
    init: Path | None = None,
) -> LoadedModel:
    """Fit a state model and write it; an unfinished fit beside `path` is taken up where it stopped.

    Args:
        states: of the agent's layout.
        saliency: of those states; only if `config.needs_saliency`.
        agent: frozen; the one that played. It is moved to `config.device`.
        config: how.
        path: of the artifact to write.
        track: told of every iteration.
        init: a fitted state model, or a checkpoint, to go on from; weights that it does not share begin anew.

    Raises:
        DivergedError: the loss or its gradient is not finite; the last checkpoint is kept.
        ProbeError: the agent does not fit the states, or something cannot be read or written.
    """
    _check(states, agent)
    model = _begin(states, config, init)
    for module in (model, agent):
        if isinstance(module, nn.Module):
            module.to(config.device)
    indices = states.fit_indices
    if isinstance(model, CrispModel) and config.part == "prior":
        precision = getattr(torch, config.precision)
        objective = prior_objective(
            model, states, precision, config.seed, lambda count: track.advance(0, encoded=count)
        )
        indices = np.arange(len(chosen_states(states)))
    else:
        objective = make_objective(model, agent, states, saliency, config)
    settings = manifest_config(config, states, agent, init)
    parents = parents_of(states, init)
    place = Checkpoint(checkpoint_path(path), settings, config.seed, parents)
    # Opened before the fit, so that a path which cannot be written is told of now and not hours later.
    with artifact.writing(path, KIND, config=settings, seed=config.seed, parents=parents) as scratch:
        with torch.random.fork_rng(devices=[torch.cuda.current_device()] if config.device == "cuda" else ()):
            torch.manual_seed(config.seed)
            log = _train(model, objective, indices, config, place, track)
        artifact.save_tensors(scratch / WEIGHTS, _halved(model.state_dict()))
        (scratch / LOG).write_text(log)
    shutil.rmtree(place.path.parent, ignore_errors=True)
    return load_model(path, agent, verify=False)


def _begin(states: StateSet, config: FitConfig, init: Path | None) -> PaperModel | CrispModel:
    """Return the model to be fitted, with the weights that it begins with."""
    model = new_model(states, config)
    if isinstance(model, CrispModel):
        few = states.fit_indices[:: max(1, len(states.fit_indices) // AVERAGED)]
        model.start_at(torch.from_numpy(states.stored(few)))
    if init is not None:
        left = start_from(model, *weights_of(init))
    if config.part == "prior" and (init is None or not all(map(_may_begin_anew, left))):
        raise ProbeError(f"part prior: needs a crisp model of {states.layout} to go on from; found {init}")
    return model


def _may_begin_anew(name: str) -> bool:
    """Tell of a tensor of a crisp model whether a fit of the prior does without what it was."""
    return name.startswith(("scene_prior.", "average.")) or ".flow." in name


def checkpoint_path(path: Path) -> Path:
    """Return where a fit that is to be written to `path` keeps its checkpoint."""
    return path.with_name(f"{path.name}.partial") / "checkpoint"


def _check(states: StateSet, agent: NamedAgent) -> None:
    """Require that there is something to fit, and that this agent said what was recorded."""
    if agent.layout != states.layout:
        raise ProbeError(f"{states.path}: holds states of {states.layout}, but the agent sees {agent.layout}")
    played = states.config["agent"]
    if played["digest"] != agent.digest:
        raise ProbeError(
            f"{states.path}: agent {played['name']!r} played (sha256 {played['digest']}), not {agent.name!r} "
            f"(sha256 {agent.digest}); give the one that played, or let this one collect states"
        )
    if len(states.fit_indices) < 2:
        raise ProbeError(
            f"{states.path}: found {len(states.fit_indices)} states to fit, allowed are 2 and more"
        )


def make_objective(
    model: PaperModel | CrispModel,
    agent: NamedAgent,
    states: StateSet,
    saliency: SaliencySet | None,
    config: FitConfig,
) -> Objective:
    """Return the loss that a model is fitted by; the saliency is that of `states`, if it is needed."""
    if isinstance(model, PaperModel):
        return paper_objective(model, agent, states, saliency, config.paper_loss)
    return crisp_objective(model, agent, states, config.crisp_loss, getattr(torch, config.precision))


def _train(
    model: nn.Module,
    objective: Objective,
    indices: NDArray[np.int64],
    config: FitConfig,
    place: Checkpoint,
    track: Track,
) -> str:
    """Run the iterations that are left; leave the averaged weights in `model`, return the log."""
    schedule = config.schedule
    optimiser = torch.optim.AdamW(
        model.parameters(),
        schedule.learning_rate,
        betas=BETAS[config.model],
        weight_decay=schedule.weight_decay,
    )
    average = {k: v.detach().clone() for k, v in model.state_dict().items()} if schedule.average else {}
    fitting = Fitting(model.train(), average, optimiser)
    first = read_checkpoint(place, fitting)
    track.report(first, schedule.iterations)
    place.path.parent.mkdir(parents=True, exist_ok=True)
    file = place.path.with_name(LOG)
    log = FitLog(file, first)
    for iteration in range(first, schedule.iterations):
        batch = batch_indices(indices, schedule.batch, iteration, config.seed)
        log.add(_step(fitting, objective, batch, config, iteration), iteration)
        track.advance(1, **log.notes)
        if (iteration + 1) % config.checkpoint_every == 0 and iteration + 1 < schedule.iterations:
            write_checkpoint(place, fitting, iteration + 1)
    log.flush(schedule.iterations)
    if average:
        model.load_state_dict(average)
    return file.read_text()


def _step(
    fitting: Fitting, objective: Objective, batch: NDArray[np.int64], config: FitConfig, iteration: int
) -> Terms:
    """Take one step of the optimiser and of the average."""
    schedule = config.schedule
    rough = config.precision == "bfloat16"
    with torch.autocast(config.device, torch.bfloat16, enabled=rough):
        terms = objective(batch, iteration / schedule.iterations)
    _require_finite(terms["loss"], "loss", terms, iteration)
    for group in fitting.optimiser.param_groups:
        group["lr"] = learning_rate(schedule, iteration)
    fitting.optimiser.zero_grad()
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    limit = math.inf if schedule.gradient_limit is None else schedule.gradient_limit
    norm = nn.utils.clip_grad_norm_(fitting.model.parameters(), limit)
    # Checked before the step: else the weights, and a checkpoint of them, would be lost before the loss is.
    _require_finite(norm, "gradient", terms, iteration)
    fitting.optimiser.step()
    # Early on the average reaches over the last tenth of the steps or so: the initial weights must not stay.
    decay = min(schedule.average, (iteration + 1) / (iteration + 10))
    for name, value in fitting.model.state_dict().items() if fitting.average else ():
        if value.is_floating_point():
            fitting.average[name].lerp_(value, 1 - decay)
        else:
            fitting.average[name].copy_(value)
    return terms


def _require_finite(number: Tensor, name: str, terms: Terms, iteration: int) -> None:
    if not torch.isfinite(number):
        parts = ", ".join(f"{term} {float(value.detach()):g}" for term, value in terms.items())
        raise DivergedError(
            f"iteration {iteration + 1}: the {name} is not finite ({parts}); the last checkpoint is kept. "
            "Try a smaller learning rate or float32"
        )


def _halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return weights in half precision; the few biases, and what batch norm has counted, as they are."""
    halves = {
        name: value.half() if value.is_floating_point() and value.ndim > 1 else value
        for name, value in weights.items()
    }
    for name, value in halves.items():
        if not torch.isfinite(value.float()).all():
            raise DivergedError(f"{name}: weights too large for half precision; try a smaller learning rate")
    return halves
