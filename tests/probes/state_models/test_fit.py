from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import DivergedError, ProbeError
from probes.artifacts import artifact
from probes.data.state_set import StateSet
from probes.progress import Track
from probes.state_models import fit as fitting
from probes.state_models.crisp_model import CrispModel
from probes.state_models.fit import (
    LOG,
    FitConfig,
    checkpoint_path,
    fit,
    manifest_config,
)
from probes.state_models.fit_checkpoint import TENSORS, iterations_done
from probes.state_models.model_store import KIND, WEIGHTS, LoadedModel
from probes.state_models.objectives import Objective, PaperLoss, Variant
from probes.state_models.schedule import SCHEDULES, Schedule
from probes.states import Plane, StateLayout
from tests.probes.counters import Critic
from tests.probes.fittings import CONFIGS, CRISP, PAPER, saliency_of, same_weights, small_states


class Stop(Exception):
    """What stands for a power cut."""


@pytest.fixture
def states(tmp_path: Path) -> StateSet:
    return small_states(tmp_path / "set")


def silent(_: Track) -> None:
    pass


def run(states: StateSet, config: FitConfig, path: Path, stop_after: int | None = None) -> LoadedModel:
    def show(track: Track) -> None:
        if track.done == stop_after:
            raise Stop

    saliency = saliency_of(states) if config.needs_saliency else None
    return fit(states, saliency, Critic(), config, path, Track(0, show))


def failing_at(bad: int, cost: Callable[[nn.Module], Tensor]) -> Callable[..., Objective]:
    """Return a `make_objective` whose loss is a plain one but at iteration `bad`, counted from 0."""

    def make(model: nn.Module, *_: object) -> Objective:
        calls = iter(range(1000))

        def compute(_indices: NDArray[np.int64], _share: float) -> dict[str, Tensor]:
            plain = torch.stack([weight.square().sum() for weight in model.parameters()]).sum()
            return {"loss": cost(model) if next(calls) == bad else plain}

        return compute

    return make


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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", CONFIGS)
def test_an_interrupted_fit_goes_on_bit_for_bit(
    states: StateSet, tmp_path: Path, name: str, precision: str
) -> None:
    config = replace(CONFIGS[name], precision=precision)
    whole = run(states, config, tmp_path / "whole").model
    with pytest.raises(Stop):
        run(states, config, tmp_path / "parts", stop_after=8)
    assert not (tmp_path / "parts").exists()
    assert iterations_done(checkpoint_path(tmp_path / "parts")) == 5
    told: list[int] = []
    saliency = saliency_of(states) if config.needs_saliency else None
    track = Track(5, lambda now: told.append(now.done))
    parts = fit(states, saliency, Critic(), config, tmp_path / "parts", track).model
    assert same_weights(whole, parts)
    assert told == [5, *range(6, 13)]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_seed_decides_what_is_fitted(states: StateSet, tmp_path: Path, name: str) -> None:
    config = CONFIGS[name]
    first, again = (run(states, config, tmp_path / path).model for path in ("a", "b"))
    other = run(states, replace(config, seed=1), tmp_path / "c").model
    assert same_weights(first, again)
    assert not same_weights(first, other)


@pytest.mark.parametrize("name", CONFIGS)
def test_fitting_lowers_the_loss(states: StateSet, tmp_path: Path, name: str) -> None:
    schedule = Schedule(100, batch=4, learning_rate=1e-2)
    run(states, replace(CONFIGS[name], schedule=schedule, checkpoint_every=500), tmp_path / "m")
    first, last = (json.loads(line) for line in (tmp_path / "m" / LOG).read_text().splitlines())
    term = "pixels" if name == "paper" else "nats"
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


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        ("loss", lambda model: next(model.parameters()).sum() * torch.nan),
        ("loss", lambda model: next(model.parameters()).sum() + torch.inf),
        ("gradient", lambda model: (next(model.parameters()).sum() * 0).sqrt()),  # 0, its slope 0 * inf
    ],
)
def test_a_number_that_is_not_finite_stops_the_fit_within_the_step(
    states: StateSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    cost: Callable[[nn.Module], Tensor],
) -> None:
    monkeypatch.setattr(fitting, "make_objective", failing_at(9, cost))
    with pytest.raises(DivergedError, match=f"iteration 10: the {name} is not finite .*checkpoint is kept"):
        run(states, replace(CRISP, checkpoint_every=1), tmp_path / "m")
    assert not (tmp_path / "m").exists()
    assert iterations_done(checkpoint_path(tmp_path / "m")) == 9
    kept = artifact.load_tensors(checkpoint_path(tmp_path / "m") / TENSORS)
    assert all(bool(torch.isfinite(value.float()).all()) for value in kept.values())


def test_a_learning_rate_that_is_far_too_large_ends_as_a_divergence(states: StateSet, tmp_path: Path) -> None:
    config = replace(CRISP, schedule=Schedule(12, batch=4, learning_rate=1e30))
    with pytest.raises(DivergedError, match="Try a smaller learning rate"):
        run(states, config, tmp_path / "m")


def test_weights_that_half_precision_cannot_hold_are_not_kept(
    states: StateSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "make_objective", failing_at(-1, lambda _: torch.zeros(())))
    config = replace(CRISP, schedule=Schedule(1, batch=4, learning_rate=1e6))
    with pytest.raises(DivergedError, match="weights too large for half precision"):
        run(states, config, tmp_path / "m")
    assert not (tmp_path / "m").exists()


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


def test_a_fit_that_was_begun_otherwise_is_not_gone_on_with(states: StateSet, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        run(states, CRISP, tmp_path / "m", stop_after=6)
    for other in (replace(CRISP, seed=1), replace(CRISP, precision="bfloat16"), PAPER):
        with pytest.raises(ProbeError, match="holds an unfinished fit with other settings"):
            run(states, other, tmp_path / "m")
    run(states, replace(CRISP, checkpoint_every=100), tmp_path / "m")  # how often changes nothing


def test_a_fit_can_go_on_from_a_fitted_model(states: StateSet, tmp_path: Path) -> None:
    first = run(states, CRISP, tmp_path / "first")
    still = replace(CRISP, schedule=Schedule(1, batch=4, learning_rate=1e-9))

    def go_on(config: FitConfig, name: str) -> LoadedModel:
        return fit(states, None, Critic(), config, tmp_path / name, Track(0, silent), first.manifest.path)

    again = go_on(still, "again")
    for name, value in first.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], value, rtol=2e-3, atol=1e-6)
    assert again.manifest.parents["init"].digest == first.manifest.digest
    assert again.manifest.config["init"] == first.manifest.digest
    wider = go_on(replace(still, shape={**CRISP.shape, "fine": [8, 6]}), "wider")
    kept, new = wider.model.state_dict(), first.model.state_dict()
    torch.testing.assert_close(kept["patches.weight"], new["patches.weight"], rtol=2e-3, atol=1e-6)
    assert kept["out.weight"].shape != new["out.weight"].shape


def test_a_fit_can_go_on_from_another_ones_checkpoint(states: StateSet, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        run(states, CRISP, tmp_path / "short", stop_after=6)
    place = checkpoint_path(tmp_path / "short")
    still = replace(CRISP, schedule=Schedule(1, batch=4, learning_rate=1e-9))
    again = fit(states, None, Critic(), still, tmp_path / "m", Track(0, silent), place)
    kept = artifact.load_tensors(place / TENSORS)["average.patches.weight"]
    torch.testing.assert_close(again.model.state_dict()["patches.weight"], kept, rtol=2e-3, atol=1e-6)
    assert again.manifest.parents["init"].kind == "fit-checkpoint"


def test_a_model_of_another_kind_is_no_start(states: StateSet, tmp_path: Path) -> None:
    run(states, PAPER, tmp_path / "paper")
    with pytest.raises(ProbeError, match=r"paper/model\.safetensors: shares no tensor"):
        fit(states, None, Critic(), CRISP, tmp_path / "m", Track(0, silent), tmp_path / "paper")
    with pytest.raises(ProbeError, match="none: does not exist"):
        fit(states, None, Critic(), CRISP, tmp_path / "m", Track(0, silent), tmp_path / "none")


def test_an_agent_of_another_layout_is_refused(states: StateSet, tmp_path: Path) -> None:
    agent = Critic(StateLayout((Plane("gray", "level"),), 2, 4, 4))
    with pytest.raises(ProbeError, match=r"set: holds states of .*'semantic'.*sees .*'gray'"):
        fit(states, None, agent, CRISP, tmp_path / "m", Track(0, silent))


def test_an_agent_that_did_not_play_is_refused(states: StateSet, tmp_path: Path) -> None:
    agent = Critic(seed=1)
    agent.digest, agent.name = "d", "other"
    with pytest.raises(
        ProbeError, match=r"set: agent 'critic' played \(sha256 c\), not 'other' \(sha256 d\)"
    ):
        fit(states, None, agent, CRISP, tmp_path / "m", Track(0, silent))


def test_a_single_state_is_too_few(states: StateSet, tmp_path: Path) -> None:
    provenance = states.provenance.copy()
    provenance["held_out"][1:] = True
    with pytest.raises(ProbeError, match="set: found 1 states to fit, allowed are 2 and more"):
        run(replace(states, provenance=provenance), CRISP, tmp_path / "m")


def test_a_taken_place_is_refused_before_the_first_iteration(states: StateSet) -> None:
    with pytest.raises(ProbeError, match="set: is there already and is no state-model"):
        run(states, CRISP, states.path, stop_after=1)
    assert artifact.load(states.path, "state-set").seed == 0


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
    assert found["fit"].keys() == {"model", "schedule", f"{name}_loss", "precision", "seed"}
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


@pytest.mark.parametrize(
    "change", [{"model": "vae"}, {"precision": "half"}, {"checkpoint_every": 0}, {"device": "tpu"}]
)
def test_settings_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProbeError, match=r"found .*, allowed are "):
        FitConfig(**change)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_gpu_fits_and_goes_on_from_its_checkpoint(
    states: StateSet, tmp_path: Path, name: str, precision: str
) -> None:
    on_cpu = replace(CONFIGS[name], precision=precision)
    config = replace(on_cpu, device="cuda")
    assert manifest_config(config, states, Critic()) == manifest_config(on_cpu, states, Critic())
    before = torch.cuda.get_rng_state()
    whole = run(states, config, tmp_path / "whole").model
    assert torch.equal(torch.cuda.get_rng_state(), before)
    with pytest.raises(Stop):
        run(states, config, tmp_path / "parts", stop_after=8)
    parts = run(states, config, tmp_path / "parts").model
    for name_of, weight in whole.state_dict().items():
        assert weight.device.type == "cpu"
        torch.testing.assert_close(parts.state_dict()[name_of], weight, rtol=0.05, atol=1e-2)
