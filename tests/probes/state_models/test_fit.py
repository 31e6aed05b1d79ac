from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.data.state_set import StateSet
from probes.progress import Track
from probes.state_models import fit as fitting
from probes.state_models.crisp_model import CrispModel
from probes.state_models.fit import LOG, checkpoint_path, fit
from probes.state_models.fit_checkpoint import TENSORS
from probes.state_models.fit_config import FitConfig, manifest_config
from probes.state_models.model_store import KIND, WEIGHTS
from probes.state_models.objectives import Objective, PaperLoss, Variant
from probes.state_models.schedule import SCHEDULES, Schedule
from tests.probes.counters import Critic
from tests.probes.fittings import CONFIGS, CRISP, PAPER, Stop, run, saliency_of, same_weights, silent


@pytest.mark.parametrize("name", CONFIGS)
def test_a_fit_leaves_a_model_its_log_and_nothing_else(states: StateSet, tmp_path: Path, name: str) -> None:
    config = CONFIGS[name]
    before = torch.get_rng_state()
    model, manifest = run(states, config, tmp_path / "m")
    assert torch.equal(torch.get_rng_state(), before)
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name not in ("set", "saliency")) == [
        "m"
    ]
    assert manifest.config == json.loads(json.dumps(manifest_config(config, states, Critic())))
    artifact.check_parents(manifest, {"states": states.path})
    last = json.loads((tmp_path / "m" / LOG).read_text().splitlines()[-1])
    assert last["iteration"] == 12
    assert math.isfinite(last["loss"])
    kept = artifact.load_tensors(tmp_path / "m" / WEIGHTS)
    assert {value.dtype for value in kept.values() if value.ndim > 1} == {torch.float16}
    assert all(torch.equal(value, kept[key].to(value.dtype)) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", CONFIGS)
def test_the_seed_decides_what_is_fitted(states: StateSet, tmp_path: Path, name: str) -> None:
    config = CONFIGS[name]
    first, again = (run(states, config, tmp_path / path).model for path in ("a", "b"))
    other = run(states, replace(config, seed=1), tmp_path / "c").model
    assert same_weights(first, again)
    assert not same_weights(first, other)


@pytest.mark.parametrize(("name", "rate", "term"), [("paper", 1e-2, "pixels"), ("crisp", 1e-3, "features")])
def test_fitting_lowers_the_loss(states: StateSet, tmp_path: Path, name: str, rate: float, term: str) -> None:
    config = replace(CONFIGS[name], schedule=Schedule(100, batch=4, learning_rate=rate), checkpoint_every=500)
    # A crisp model begins at the average: so few steps add what the agent looks at, not what fills pictures.
    config = replace(config, crisp_loss=replace(config.crisp_loss, agent_from=0.0))
    run(states, config, tmp_path / "m")
    first, last = (json.loads(line) for line in (tmp_path / "m" / LOG).read_text().splitlines())
    assert last[term] < 0.9 * first[term]


def test_the_average_of_the_weights_is_what_is_kept(states: StateSet, tmp_path: Path) -> None:
    schedule = replace(CRISP.schedule, average=0.0)
    last = run(states, replace(CRISP, schedule=schedule), tmp_path / "last").model
    averaged = run(states, CRISP, tmp_path / "averaged").model
    assert not same_weights(last, averaged)
    with pytest.raises(Stop):
        run(states, CRISP, tmp_path / "short", stop_after=6)
    kept = artifact.load_tensors(checkpoint_path(tmp_path / "short") / TENSORS)
    assert not torch.equal(kept["model.out.weight"], kept["average.out.weight"])


def test_the_averages_decay_grows_to_its_limit(
    states: StateSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def make(model: CrispModel, *_: object) -> Objective:
        bias = model.out.bias
        assert bias is not None

        def compute(_indices: NDArray[np.int64], _share: float) -> dict[str, Tensor]:
            seen.append(float(bias.detach()[0]))
            return {"loss": bias.sum()}

        return compute

    monkeypatch.setattr(fitting, "make_objective", make)
    schedule = Schedule(3, batch=2, learning_rate=1.0, average=0.15)
    model = run(states, replace(CRISP, schedule=schedule), tmp_path / "m").model
    # Adam's steps are the learning rate; decays are 1/10, then the limit, for 2/11 is more.
    assert seen == pytest.approx([0.0, -1.0, -2.0])
    expected = 0.0
    for value, decay in ((-1.0, 0.1), (-2.0, 0.15), (-3.0, 0.15)):
        expected = decay * expected + (1 - decay) * value
    assert float(model.state_dict()["out.bias"][0]) == pytest.approx(expected, rel=1e-5)


def test_gradients_are_shortened_only_where_there_is_a_limit(
    states: StateSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    clip = nn.utils.clip_grad_norm_

    def listening(weights: Iterable[Tensor], limit: float) -> Tensor:
        told.append(limit)
        return clip(weights, limit)

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", listening)
    for limit in (None, 7.0):
        schedule = Schedule(1, batch=4, gradient_limit=limit)
        run(states, replace(CRISP, schedule=schedule), tmp_path / f"m{limit}")
    assert told == [math.inf, 7.0]


def test_only_the_losses_that_weigh_pixels_look_at_saliency(states: StateSet, tmp_path: Path) -> None:
    losses = {name: replace(PAPER, paper_loss=PaperLoss(name)) for name in get_args(Variant)}
    assert [config.needs_saliency for config in losses.values()] == [True, True, False]
    assert not CRISP.needs_saliency
    for config in (losses["full"], losses["lp"]):
        with pytest.raises(ProbeError, match="needs the states' saliency"):
            fit(states, None, Critic(), config, tmp_path / "m", Track(0, silent))
    given, none = (
        fit(states, saliency, Critic(), losses["vae"], tmp_path / f"m{saliency is None}", Track(0, silent))
        for saliency in (saliency_of(states), None)
    )
    assert same_weights(given.model, none.model)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_manifest_tells_one_loss_and_the_shape_once(states: StateSet, name: str) -> None:
    found = manifest_config(CONFIGS[name], states, Critic())
    assert found["fit"].keys() == {"model", "schedule", f"{name}_loss", "part", "precision", "seed"}
    assert found["agent"] == {"name": "critic", "digest": "c"}
    assert manifest_config(replace(CONFIGS[name], device="cuda"), states, Critic()) == found
    expected = {"crisp": ("width", 8), "paper": ("latent", 3)}[name]
    assert found["model"]["name"] == name
    assert found["model"]["shape"][expected[0]] == expected[1]
    assert manifest_config(replace(CONFIGS[name], shape={}), states, Critic())["model"] != found["model"]


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("preset", ["smoke", "quick", "paper"])
def test_every_preset_can_be_kept_as_json(states: StateSet, tmp_path: Path, name: Any, preset: str) -> None:
    config = FitConfig(name, SCHEDULES[name][preset], shape=CONFIGS[name].shape)
    settings = manifest_config(config, states, Critic())
    assert not artifact.is_current(tmp_path / "m", KIND, config=settings, seed=0, parents={})
    assert json.loads(json.dumps(settings["fit"]["schedule"], allow_nan=False))["batch"] == 16
