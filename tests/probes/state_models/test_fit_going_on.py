from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.data.state_set import StateSet
from probes.progress import Track
from probes.state_models.fit import checkpoint_path, fit
from probes.state_models.fit_checkpoint import TENSORS, iterations_done
from probes.state_models.fit_config import FitConfig, manifest_config
from probes.state_models.model_store import LoadedModel
from probes.state_models.schedule import Schedule
from tests.probes.counters import Critic
from tests.probes.fittings import CONFIGS, CRISP, PAPER, Stop, run, saliency_of, same_weights, silent


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("config", [PAPER, CRISP], ids=["paper", "crisp"])
def test_an_interrupted_fit_goes_on_bit_for_bit(
    states: StateSet, tmp_path: Path, config: FitConfig, precision: str
) -> None:
    config = replace(config, precision=precision)
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
