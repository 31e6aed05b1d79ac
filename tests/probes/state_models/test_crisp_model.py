from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import nn

from probes.state_models.crisp_config import CrispConfig, Level
from probes.state_models.crisp_layers import LatentBlock
from probes.state_models.crisp_model import CrispModel
from probes.state_models.gaussian import Gaussian
from probes.state_models.likelihood import least_spread, one_hot_frames
from probes.state_models.state_model import kl_to_prior, reconstruct
from probes.states import Plane, StateLayout, to_states
from tests.probes.fittings import LAYOUTS, SEG4, same_weights, some_stored

SMALL = CrispConfig(width=8, inner=4, scene=6, levels=(Level(16, 2, 2), Level(8, 1, 3)), fine=(8, 4))
MIXED = StateLayout(
    (Plane("depth", "level"), Plane("semantic", "class", 5), Plane("colour", "level", 3)), 3, 20, 36
)


@cache
def small(name: str) -> CrispModel:
    layout = MIXED if name == "mixed" else LAYOUTS[name]
    return CrispModel(layout, SMALL, seed=1).requires_grad_(False)


@pytest.fixture
def without_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gaussian, "draw", lambda gaussian: gaussian.mu)


def test_the_latents_of_the_driving_model_are_a_scene_and_layers_at_two_resolutions() -> None:
    model = CrispModel(SEG4)
    assert model.latent_shapes == [(128,), *[(16, 8, 8)] * 2, *[(8, 16, 16)] * 4]
    assert model.latent_size == 128 + 2 * 1024 + 4 * 2048
    assert sum(parameter.numel() for parameter in model.parameters()) < 4_000_000  # 8 MB in half precision


@pytest.mark.parametrize("name", LAYOUTS)
def test_states_of_every_layout_are_encoded_and_decoded(name: str) -> None:
    model = small(name)
    layout = model.layout
    states = to_states(some_stored(layout, 2), layout)
    posterior = model.encode(states)
    assert posterior.mu.shape == posterior.log_sigma.shape == (2, model.latent_size)
    made = model.decode(torch.randn(2, model.latent_size, generator=torch.Generator().manual_seed(0)))
    assert made.shape == states.shape
    assert made.dtype == torch.float32
    assert 0 <= float(made.min()) < float(made.max()) <= 1
    for plane, channels, _ in layout.slices():
        if plane.kind == "class":
            torch.testing.assert_close(made[:, :, channels].sum(2), torch.ones(2, layout.stack, 128, 128))


def test_a_state_is_decoded_from_its_latent_vector_alone() -> None:
    model = CrispModel(MIXED, SMALL)
    z = torch.randn(3, model.latent_size)
    made = model.decode(z)
    with torch.no_grad():
        seeing = nn.ModuleList(
            [model.patches, model.narrow, model.see_fine, model.see_coarse, model.see_scene]
        )
        seeing.extend(layer.posterior for layer in model.modules() if isinstance(layer, LatentBlock))
        assert len(seeing) == 5 + 3
        for parameter in seeing.parameters():
            parameter.fill_(torch.nan)
    assert torch.equal(model.decode(z), made)
    torch.testing.assert_close(model.decode(z[1:2]), made[1:2])


def test_every_number_of_the_latent_vector_changes_the_picture() -> None:
    model = small("mixed")
    z = torch.zeros(1, model.latent_size, requires_grad=True)
    (model.decode(z) * torch.rand(1, *MIXED.shape)).sum().backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    assert (z.grad != 0).all()


@pytest.mark.usefixtures("without_noise")
@pytest.mark.parametrize("name", ["mixed", "atari"])
def test_training_sees_what_encoding_and_decoding_say(name: str) -> None:
    model = small(name)
    stored = some_stored(model.layout, 2)
    made = model.look(one_hot_frames(stored, model.layout))
    posterior = model.encode(to_states(stored, model.layout))
    torch.testing.assert_close(model.pictures(made.raw), model.decode(posterior.mu), atol=1e-5, rtol=1e-4)
    assert made.kl.shape == (2, 4)
    torch.testing.assert_close(made.kl.sum(1), kl_to_prior(*posterior), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["mixed", "atari"])
@pytest.mark.parametrize("flow", [(0, 0), (2, 2)])
def test_a_state_is_reconstructed_as_if_it_were_encoded_and_decoded(name: str, flow: tuple[int, int]) -> None:
    layout = MIXED if name == "mixed" else LAYOUTS[name]
    model = CrispModel(layout, replace(SMALL, flow=flow), seed=1).requires_grad_(False)
    for parameter in (parameter for each in model.flows() for parameter in each.parameters()):
        nn.init.normal_(parameter, std=0.2, generator=torch.Generator().manual_seed(0))
    states = to_states(some_stored(layout, 2), layout)
    expected = model.decode(model.encode(states).mu)
    told = (expected - model.decode(torch.zeros(2, model.latent_size))).abs().max()
    assert (reconstruct(model, states) - expected).abs().max() < 1e-3 * told


@pytest.mark.usefixtures("without_noise")
def test_levels_that_take_no_part_stay_at_their_priors_mean_and_cost_nothing() -> None:
    model = small("mixed")
    stored = some_stored(MIXED, 2)
    frames, scene = one_hot_frames(stored, MIXED), model.config.scene
    mu = model.encode(to_states(stored, MIXED)).mu
    for levels, kept in ((0, scene), (1, scene + 2 * 2 * 2 * 3), (2, model.latent_size)):
        made = model.look(frames, levels)
        assert (made.kl > 0).all(0).tolist() == [True, *[levels > 0] * 2, levels > 1]
        z = torch.where(torch.arange(model.latent_size) < kept, mu, 0.0)
        torch.testing.assert_close(model.pictures(made.raw), model.decode(z), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["mixed", "atari"])
def test_the_likelihood_is_what_the_decoded_pictures_say(name: str) -> None:
    model = small(name)
    layout, stored = model.layout, some_stored(model.layout, 2)
    # Noise, for among a new model's nearly even probabilities a pixel that is mistaken would not be noticed.
    size = model.look(one_hot_frames(stored, layout)).raw.shape
    raw = 3 * torch.randn(size, generator=torch.Generator().manual_seed(2))
    pictures, states, expected = model.pictures(raw), to_states(stored, layout), torch.zeros(2)
    for number, (plane, channels, _) in enumerate(layout.slices()):
        drawn, real = pictures[:, :, channels], states[:, :, channels]
        if plane.kind == "class":
            nats = -(drawn * real).sum(2).log()
        else:
            spread = model.log_spread[number].exp().clamp_min(least_spread(layout))
            width = (spread * 255 * math.sqrt(2 * math.pi)).log()
            nats = 0.5 * ((drawn - real) / spread).square() + width
        expected += nats.flatten(1).sum(1)
    torch.testing.assert_close(model.nats(raw, stored), expected, rtol=1e-5, atol=0)


def test_noise_is_drawn_anew_for_every_look() -> None:
    model = small("mixed")
    frames = one_hot_frames(some_stored(MIXED, 1), MIXED)
    assert not torch.equal(model.look(frames).raw, model.look(frames).raw)


@pytest.mark.parametrize("name", ["mixed", "atari"])
def test_training_runs_in_half_precision(name: str) -> None:
    model = small(name)
    stored = some_stored(model.layout, 2)
    with torch.autocast("cpu", torch.bfloat16):
        made = model.look(one_hot_frames(stored, model.layout, torch.bfloat16))
        nats = model.nats(made.raw, stored)
    exact = model.nats(model.look(one_hot_frames(stored, model.layout)).raw, stored)
    assert nats.dtype == torch.float32
    torch.testing.assert_close(nats, exact, rtol=0.02, atol=0)


def test_a_seed_decides_the_weights_and_leaves_the_global_random_state() -> None:
    before = torch.get_rng_state()
    first, second, other = (CrispModel(MIXED, SMALL, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert same_weights(first, second)
    assert not same_weights(first, other)
