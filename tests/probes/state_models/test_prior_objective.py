from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from probes.agent import ProbeError
from probes.data.state_set import StateSet
from probes.progress import Track
from probes.state_models import prior_objective as module
from probes.state_models.crisp_model import CrispModel
from probes.state_models.fit import fit
from probes.state_models.fit_config import FLOW, FitConfig, new_model
from probes.state_models.model_store import LoadedModel
from probes.state_models.prior_objective import chosen_states, prior_objective
from probes.states import to_states
from tests.probes.counters import Critic
from tests.probes.fittings import CRISP, PAPER, Stop, run, same_weights, silent

PRIOR = replace(CRISP, part="prior", schedule=replace(CRISP.schedule, learning_rate=1e-2))


def fitted(
    states: StateSet, path: Path, init: Path, config: FitConfig = PRIOR, stop_after: int | None = None
) -> LoadedModel:
    def show(track: Track) -> None:
        if track.done == stop_after:
            raise Stop

    return fit(states, None, Critic(), config, path, Track(0, show), init)


@pytest.fixture
def latents(states: StateSet, tmp_path: Path) -> LoadedModel:
    """Return a model whose latents are fitted."""
    return run(states, CRISP, tmp_path / "latents")


def test_the_prior_alone_is_fitted(states: StateSet, latents: LoadedModel, tmp_path: Path) -> None:
    told = fitted(states, tmp_path / "m", latents.manifest.path)
    assert told.manifest.config["model"]["shape"]["flow"] == list(FLOW)
    before, after = latents.model.state_dict(), told.model.state_dict()
    kept = {name for name in after if name in before}
    assert before.keys() - kept == {name for name in before if name.startswith("scene_prior.")}
    assert all(torch.equal(before[name], after[name]) for name in kept)
    flows = [name for name in after if name not in kept]
    assert all(".flow." in name or name.startswith("scene_prior.steps.") for name in flows)
    assert any(after[name].any() for name in flows if name.endswith("tell.weight"))


def test_what_a_state_is_decoded_to_stays(states: StateSet, latents: LoadedModel, tmp_path: Path) -> None:
    told = fitted(states, tmp_path / "m", latents.manifest.path)
    seen = to_states(torch.from_numpy(states.stored(states.held_out_indices)), states.layout)
    before, after = (loaded.model.encode(seen) for loaded in (latents, told))
    assert not torch.allclose(before.mu, after.mu, atol=1e-3)
    torch.testing.assert_close(
        told.model.decode(after.mu), latents.model.decode(before.mu), rtol=1e-4, atol=1e-4
    )


def test_an_interrupted_fit_of_a_prior_goes_on_bit_for_bit(
    states: StateSet, latents: LoadedModel, tmp_path: Path
) -> None:
    whole = fitted(states, tmp_path / "whole", latents.manifest.path).model
    with pytest.raises(Stop):
        fitted(states, tmp_path / "parts", latents.manifest.path, stop_after=8)
    assert same_weights(whole, fitted(states, tmp_path / "parts", latents.manifest.path).model)


def test_a_later_fit_of_the_latents_drops_the_flows(
    states: StateSet, latents: LoadedModel, tmp_path: Path
) -> None:
    told = fitted(states, tmp_path / "m", latents.manifest.path)
    again = fitted(states, tmp_path / "again", told.manifest.path, CRISP).model
    assert isinstance(again, CrispModel)
    assert not again.flows()


def test_a_prior_needs_a_model_of_the_same_shape(
    states: StateSet, latents: LoadedModel, tmp_path: Path
) -> None:
    with pytest.raises(ProbeError, match=r"part prior: needs a crisp model of .* to go on from; found None"):
        fit(states, None, Critic(), PRIOR, tmp_path / "m", Track(0, silent))
    wider = replace(PRIOR, shape={**CRISP.shape, "fine": [8, 6]})
    with pytest.raises(ProbeError, match=r"part prior: needs a crisp model.*found .*latents"):
        fitted(states, tmp_path / "m", latents.manifest.path, wider)
    with pytest.raises(ProbeError, match="part: found 'prior', allowed are all, and of model crisp prior"):
        replace(PAPER, part="prior")


def test_states_are_chosen_evenly_and_told_of(states: StateSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 5)
    monkeypatch.setattr(module, "_BATCH", 2)
    chosen = chosen_states(states)
    assert chosen.tolist() == states.fit_indices[[0, 3, 6, 9, 13]].tolist()
    told: list[int] = []
    model = new_model(states, PRIOR)
    assert isinstance(model, CrispModel)
    compute = prior_objective(model, states, torch.float32, 0, told.append)
    assert told == [2, 4, 5]
    terms = compute(np.array([0, 4]), 0.0)
    assert terms["loss"] == terms["scene"] + terms["cells"]
