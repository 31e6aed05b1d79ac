from __future__ import annotations

import pytest
import torch
from torch import nn

from probes.state_models.paper_model import PaperConfig, PaperModel
from probes.states import Plane, StateLayout, to_states
from tests.probes.fittings import ATARI, LAYOUTS, SEG4, same_weights, some_stored

SMALL = PaperConfig(latent=3, filters=(4, 8))
MIXED = StateLayout((Plane("depth", "level"), Plane("semantic", "class", 5)), stack=3, height=12, width=20)


def sizes(model: nn.Sequential) -> list[tuple[int, int]]:
    layers = [layer for layer in model if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert all(layer.kernel_size == (3, 3) and layer.stride == (2, 2) for layer in layers)
    return [(layer.in_channels, layer.out_channels) for layer in layers]


def test_the_architecture_is_that_of_section_4_1() -> None:
    model = PaperModel(SEG4)
    stage = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert [type(layer) for layer in model.encoder] == 4 * stage
    assert sizes(model.encoder) == [(52, 32), (32, 64), (64, 128), (128, 256)]
    stage = [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]
    assert [type(layer) for layer in model.decoder] == 3 * stage + [nn.ConvTranspose2d]
    assert sizes(model.decoder) == [(256, 128), (128, 64), (64, 32), (32, 52)]
    assert model.latent_size == 100
    assert (model.mu.in_features, model.start.out_features) == (256 * 8 * 8, 256 * 8 * 8)


@pytest.mark.parametrize(("name", "count"), [("seg4", 5_738_044), ("atari", 4_281_364)])
def test_the_parameters_are_as_many_as_counted_by_hand(name: str, count: int) -> None:
    # Atari: encoder 3,488 + 18,496 + 73,856 + 295,168 + 960 of batch norm; mean and log-variance
    # 2 * 921,700 from 256x6x6; start 1,654,784 to 256x8x8; decoder 295,040 + 73,792 + 18,464 + 3,468 + 448.
    # seg4: 15,008 and 15,028 in the first and last convolution, 2 * 1,638,500 from 256x8x8.
    assert sum(parameter.numel() for parameter in PaperModel(LAYOUTS[name]).parameters()) == count


@pytest.mark.parametrize("name", LAYOUTS)
def test_states_of_every_layout_are_encoded_and_decoded(name: str) -> None:
    layout = LAYOUTS[name]
    model = PaperModel(layout, PaperConfig(filters=(4, 4, 4, 4))).eval()
    states = to_states(some_stored(layout, 2), layout)
    posterior = model.encode(states)
    assert posterior.mu.shape == posterior.log_sigma.shape == (2, 100)
    made = model.decode(torch.randn(2, 100, generator=torch.Generator().manual_seed(0))).detach()
    assert made.shape == states.shape
    assert 0 <= float(made.min()) < float(made.max()) <= 1
    for plane, channels, _ in layout.slices():
        if plane.kind == "class":
            torch.testing.assert_close(made[:, :, channels].sum(2), torch.ones(2, layout.stack, 128, 128))


def test_an_atari_picture_is_the_centre_of_128_pixels() -> None:
    model = PaperModel(ATARI, PaperConfig(filters=(4, 4, 4, 4))).eval()
    whole: list[torch.Tensor] = []
    model.decoder.register_forward_hook(lambda *call: whole.append(call[2]))
    made = model.decode(torch.ones(1, 100))
    assert whole[0].shape == (1, 12, 128, 128)
    centre = whole[0][:, :, 22:106, 22:106].reshape(1, 4, 3, 84, 84)
    assert torch.equal(made, torch.sigmoid(centre))


def test_a_picture_of_more_than_128_pixels_starts_from_more_cells() -> None:
    layout = StateLayout((Plane("gray", "level"),), stack=1, height=140, width=84)
    model = PaperModel(layout, PaperConfig(filters=(2, 2, 2, 2)))
    assert model.start.out_features == 2 * 9 * 8
    assert model.decode(torch.zeros(1, 100)).shape == (1, 1, 1, 140, 84)


def test_sigma_is_the_square_root_of_the_variance() -> None:
    model = PaperModel(MIXED, SMALL).eval()
    nn.init.zeros_(model.log_variance.weight)
    nn.init.constant_(model.log_variance.bias, -3.0)
    posterior = model.encode(torch.rand(2, *MIXED.shape))
    assert torch.equal(posterior.log_sigma, torch.full((2, 3), -1.5))


def test_a_state_is_decoded_from_its_latent_vector_alone() -> None:
    model = PaperModel(MIXED, SMALL).eval()
    z = torch.randn(3, 3)
    made = model.decode(z)
    with torch.no_grad():
        for parameter in nn.ModuleList([model.encoder, model.mu, model.log_variance]).parameters():
            parameter.fill_(torch.nan)
    assert torch.equal(model.decode(z), made)
    torch.testing.assert_close(model.decode(z[1:2]), made[1:2])
    assert not torch.allclose(made[0], made[1], atol=1e-4)


def test_frames_and_planes_are_decoded_into_their_own_places() -> None:
    model = PaperModel(MIXED, SMALL).eval()
    last = model.decoder[-1]
    assert isinstance(last, nn.ConvTranspose2d)
    assert last.bias is not None
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.arange(18.0) / 10)  # frame 6, channel 1
    made = model.decode(torch.zeros(1, 3))[0, :, :, 5, 5]
    levels = torch.tensor([0.0, 0.6, 1.2]).sigmoid()
    torch.testing.assert_close(made[:, 0], levels)
    classes = torch.softmax(torch.arange(5.0) / 10, 0).expand(3, 5)
    torch.testing.assert_close(made[:, 1:], classes)


def test_a_seed_decides_the_weights_and_leaves_the_global_random_state() -> None:
    before = torch.get_rng_state()
    first, second, other = (PaperModel(MIXED, SMALL, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert same_weights(first, second)
    assert not same_weights(first, other)
