"""Each regulariser on hand-made pictures, the ascent on a toy agent, and distances to real states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import AgentOutput, ProbeError
from probes.measures.activation_maximization import (
    REGULARISERS,
    Ascent,
    AscentConfig,
    Regulariser,
    blur,
    distance,
    distance_to_real,
    draw_transforms,
    maximise,
    reconstruction_error,
    sobolev,
    to_valid,
    total_variation,
    transform,
)
from probes.state_models.state_model import Posterior
from probes.states import Plane, StateLayout, to_states
from tests.probes.measures.test_novelty import kept

LAYOUT = StateLayout((Plane("semantic", "class", 3), Plane("gray", "level")), 2, 8, 10)
GRAY = StateLayout((Plane("gray", "level"),), 1, 2, 2)
SHORT = AscentConfig(steps=15, batch=2, tv_weight=1.0, jitter=1.0, rotation=2.0)


class Toy(nn.Module):
    """An agent whose value is linear in the state, and whose dropout would make it random in training."""

    def __init__(self) -> None:
        super().__init__()
        self.layout = LAYOUT
        self.actions: tuple[str, ...] = ("a", "b")
        self.has_critic = True
        self.weights = nn.Parameter(noise(*LAYOUT.shape))
        self.dropout = nn.Dropout(0.5)

    def features(self, states: Tensor) -> tuple[AgentOutput, Tensor]:
        hidden = self.dropout(states * self.weights).flatten(1)
        value = hidden.mean(dim=1)
        return AgentOutput(torch.stack([value, -value], dim=1), value), hidden

    def forward(self, states: Tensor) -> AgentOutput:
        return self.features(states)[0]

    def judge(self, stored: NDArray[np.uint8]) -> AgentOutput:
        return self.forward(to_states(torch.from_numpy(stored), self.layout))


def value(output: AgentOutput, states: Tensor) -> Tensor:
    del states
    return output.value


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def streams(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


def test_free_logits_become_classes_that_sum_to_one_and_levels() -> None:
    states = to_valid(torch.zeros(1, *LAYOUT.shape), LAYOUT)
    expected = torch.tensor([1 / 3, 1 / 3, 1 / 3, 0.5])
    torch.testing.assert_close(states, expected.view(1, 1, 4, 1, 1).expand_as(states))
    states = to_valid(5 * noise(2, *LAYOUT.shape), LAYOUT)
    torch.testing.assert_close(states[:, :, :3].sum(dim=2), torch.ones(2, 2, 8, 10))
    assert 0 <= states.min() < 0.1 < 0.9 < states.max() <= 1


def test_sobolev_keeps_a_constant_and_divides_the_finest_wave() -> None:
    # a checkerboard's Laplacian is -8 times itself: 1 / (1 + 0.5 * 8) = 1 / 5
    rows, columns = torch.meshgrid(torch.arange(6), torch.arange(8), indexing="ij")
    checkerboard = 1.0 - 2 * ((rows + columns) % 2)
    torch.testing.assert_close(sobolev(3 + checkerboard, 0.5), 3 + checkerboard / 5)
    stripes = 1.0 - 2 * (columns % 2)  # along one axis alone: -4 times
    torch.testing.assert_close(sobolev(stripes, 0.5), stripes / 3)


def test_sobolev_undoes_identity_minus_laplacian() -> None:
    field, strength = noise(2, 3, 5, 7).double(), 2.0
    neighbours = sum(field.roll(shift, axis) for shift in (-1, 1) for axis in (-2, -1))
    undone = sobolev(field - strength * (neighbours - 4 * field), strength)
    torch.testing.assert_close(undone.float(), field.float())


def test_sobolev_spreads_a_spike_and_keeps_its_sum() -> None:
    spike = torch.zeros(9, 9)
    spike[4, 4] = 1
    smooth = sobolev(spike, 10.0)
    assert smooth.sum().item() == pytest.approx(1, abs=1e-5)
    assert 0 < smooth.min() < smooth[4, 4] == smooth.max() < 0.1
    torch.testing.assert_close(sobolev(spike, 0.0), spike)


def test_total_variation_counts_differences_per_pixel() -> None:
    # two rows and two columns of a checkerboard differ 4 times in 4 pixels; half a picture, 2 times
    checkerboard = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).expand(1, 1, 1, 2, 2)
    half = torch.tensor([[0.0, 1.0], [0.0, 1.0]]).expand(1, 1, 1, 2, 2)
    assert total_variation(torch.cat([checkerboard, half, 0 * half])).tolist() == [1.0, 0.5, 0.0]


def test_total_variation_sums_over_channels_and_averages_over_frames() -> None:
    half = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    one_hot = torch.stack([1 - half, half])[None, None]
    # a border of two pixels, each counted in both classes, over four pixels; then behind an empty frame
    assert total_variation(one_hot).tolist() == [1.0]
    assert total_variation(torch.cat([torch.ones_like(one_hot), one_hot], dim=1)).tolist() == [0.5]


def test_blur_spreads_a_spike_by_the_gaussian_and_keeps_a_constant() -> None:
    spike = torch.zeros(1, 1, 2, 9, 9)
    spike[0, 0, 0, 4, 4] = 1
    taps = torch.exp(-(torch.arange(-3.0, 4.0) ** 2) / 2)
    taps = taps / taps.sum()  # 0.0044, 0.0540, 0.2420, 0.3991, ...
    blurred = blur(spike, 1.0)
    torch.testing.assert_close(blurred[0, 0, 0, 1:8, 1:8], taps[:, None] * taps[None], atol=1e-6, rtol=1e-4)
    assert blurred[0, 0, 1].abs().max() == 0
    torch.testing.assert_close(blur(torch.full((1, 2, 3, 4, 4), 7.0), 2.0), torch.full((1, 2, 3, 4, 4), 7.0))


def test_a_transform_moves_all_frames_and_channels_of_a_state_alike() -> None:
    states = noise(2, 2, 3, 6, 6)
    still, right = torch.eye(3)[:2], torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]])
    moved = transform(states, torch.stack([still, right]))
    torch.testing.assert_close(moved[0], states[0])
    torch.testing.assert_close(moved[1][..., 2:], states[1][..., :4])
    # what comes in from beyond the border repeats it
    torch.testing.assert_close(moved[1][..., :2], states[1][..., :1].expand(2, 3, 6, 2))


def test_transformed_classes_still_sum_to_one() -> None:
    states = to_valid(3 * noise(4, *LAYOUT.shape), LAYOUT)
    config = AscentConfig(rotation=40.0, scaling=0.4, cropping=0.5)
    moved = transform(states, draw_transforms(config, streams(4), LAYOUT))
    torch.testing.assert_close(moved[:, :, :3].sum(dim=2), torch.ones(4, 2, 8, 10))
    assert 0 <= moved.min() < moved.max() <= 1
    assert (moved - states).abs().amax(dim=(1, 2, 3, 4)).min() > 0.1


STILL = AscentConfig(jitter=0.0, rotation=0.0, scaling=0.0, cropping=0.0)
CENTRE = torch.tensor([4.5, 3.5])


def linear(config: AscentConfig) -> tuple[Tensor, Tensor]:
    """Draw 200 transforms and return their linear part (200, 2, 2) and shift (200, 2)."""
    matrices = draw_transforms(config, streams(200), LAYOUT)
    return matrices[:, :, :2], matrices[:, :, 2]


def test_jitter_only_shifts_up_to_its_range_in_both_directions() -> None:
    torch.testing.assert_close(linear(STILL)[1], torch.zeros(200, 2), atol=1e-5, rtol=0)
    turned, shift = linear(replace(STILL, jitter=3.0))
    torch.testing.assert_close(turned, torch.eye(2).expand(200, 2, 2))
    assert -3 <= shift.min() < -2.8 < 2.8 < shift.max() <= 3


def test_rotation_keeps_sizes_and_the_centre() -> None:
    turned, shift = linear(replace(STILL, rotation=30.0))
    angles = torch.rad2deg(torch.atan2(turned[:, 0, 1], turned[:, 0, 0]))
    assert -30.001 <= angles.min() < -28 < 28 < angles.max() <= 30.001
    torch.testing.assert_close(torch.linalg.det(turned), torch.ones(200))
    torch.testing.assert_close((turned @ CENTRE) + shift, CENTRE.expand(200, 2), atol=1e-4, rtol=0)


def test_scaling_enlarges_and_shrinks_about_the_centre() -> None:
    turned, shift = linear(replace(STILL, scaling=0.2))
    assert 0.7999 <= turned[:, 0, 0].min() < 0.82 < 1.18 < turned[:, 0, 0].max() <= 1.2001
    torch.testing.assert_close(turned, turned[:, :1, :1] * torch.eye(2))
    torch.testing.assert_close((turned @ CENTRE) + shift, CENTRE.expand(200, 2), atol=1e-4, rtol=0)


def test_a_crop_enlarges_a_window_within_the_picture() -> None:
    turned, shift = linear(replace(STILL, cropping=0.5))
    assert 0.9999 <= turned[:, 0, 0].min() < 1.1 < 1.9 < turned[:, 0, 0].max() <= 2.0001
    corners = torch.tensor([[0.0, 0.0], [9.0, 7.0]])
    sources = (corners[None] - shift[:, None]) / turned[:, :1, :1]
    # the shown corners come from within; windows lie to all sides
    assert ((sources > -1e-4) & (sources < corners[1] + 1e-4)).all()
    assert (sources[:, 0].amax(dim=0) > torch.tensor([3.0, 2.5])).all()


def ascend(regulariser: Regulariser, seed: int = 3, count: int = 2, **changes: Any) -> Ascent:
    return maximise(Toy(), value, replace(SHORT, regulariser=regulariser, **changes), count, seed)


@pytest.mark.parametrize("regulariser", REGULARISERS)
def test_every_ascent_raises_its_target(regulariser: Regulariser) -> None:
    found = ascend(regulariser)
    assert found.curve.shape == (15, 2)
    assert (found.objective > found.curve[0] + 0.02).all()
    hard = Toy().eval().judge(found.stored).value.detach().numpy()
    np.testing.assert_allclose(found.objective_stored, hard, rtol=1e-5)


@pytest.mark.parametrize("regulariser", REGULARISERS)
def test_the_same_seed_gives_the_same_states(regulariser: Regulariser) -> None:
    first, again, other = ascend(regulariser), ascend(regulariser), ascend(regulariser, seed=4)
    assert torch.equal(first.soft, again.soft)
    np.testing.assert_array_equal(first.curve, again.curve)
    assert not torch.equal(first.soft, other.soft)


def test_unregularised_ascent_nears_the_maximum() -> None:
    toy, weights = Toy(), Toy().weights.detach()
    # each pixel and frame: the largest class weight, and the level's weight where it is positive
    best = ((weights[:, :3].amax(dim=1).sum() + weights[:, 3].clamp_min(0).sum()) / weights.numel()).item()
    found = maximise(toy, value, replace(SHORT, steps=60), 1, 0)
    assert 0.95 * best < found.objective[0] < best + 1e-6
    assert found.objective_stored[0] == pytest.approx(best, rel=0.02)


def test_chains_differ_and_do_not_depend_on_the_batch_and_progress_counts_them() -> None:
    told: list[tuple[int, int]] = []
    together = ascend("transforms", count=3, batch=3)
    apart = maximise(Toy(), value, replace(SHORT, regulariser="transforms"), 3, 3, lambda *n: told.append(n))
    torch.testing.assert_close(together.soft, apart.soft, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(together.curve, apart.curve, atol=1e-5)
    assert (together.soft[0] - together.soft[1]).abs().max() > 0.01
    assert told == [(2, 3), (3, 3)]


@pytest.mark.parametrize("regulariser", ["sobolev", "total_variation", "gaussian_blur"])
def test_regularised_states_are_smoother(regulariser: Regulariser) -> None:
    rough, smooth = (total_variation(ascend(r).soft).mean() for r in ("none", regulariser))
    assert smooth < 0.9 * rough


def test_blur_comes_every_so_many_steps() -> None:
    torch.testing.assert_close(ascend("gaussian_blur", blur_every=16).soft, ascend("none").soft)
    assert not torch.allclose(ascend("gaussian_blur", blur_every=15).soft, ascend("none").soft)


def test_an_objective_that_is_not_finite_stops_the_ascent() -> None:
    with pytest.raises(ProbeError, match="not finite at step 0 of 15"):
        maximise(Toy(), lambda output, states: value(output, states) * torch.nan, SHORT, 1, 0)


def test_settings_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(ProbeError, match="no regulariser 'tv': allowed are none, sobolev"):
        AscentConfig(regulariser="tv")  # type: ignore[arg-type]
    with pytest.raises(ProbeError, match="did you mean 'sobolev'"):
        AscentConfig(regulariser="sobolew")  # type: ignore[arg-type]
    with pytest.raises(ProbeError, match="must be above 0"):
        AscentConfig(blur_every=0)
    with pytest.raises(ProbeError, match="below 1"):
        AscentConfig(cropping=1.0)
    with pytest.raises(ProbeError, match="count is 0"):
        maximise(Toy(), value, SHORT, 0, 0)


def test_distance_counts_soft_entries_and_likeliest_classes() -> None:
    layout = StateLayout((Plane("semantic", "class", 2),), 1, 1, 2)
    real = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).view(1, 1, 2, 1, 2)
    soft = torch.tensor([[0.6, 0.7], [0.4, 0.3]]).view(1, 1, 2, 1, 2)
    # (0.4^2 + 0.7^2 + 0.4^2 + 0.7^2) / 4; one of two pixels
    found = distance(soft, real, layout)
    np.testing.assert_allclose(found.mse, [0.325], rtol=1e-6)
    assert found.class_disagreement.tolist() == [0.5]


def test_distance_to_real_is_to_the_nearest_state() -> None:
    real = kept(GRAY, np.repeat(np.array([0, 102, 255], np.uint8), 4).reshape(3, 1, 1, 2, 2))
    states = torch.tensor([0.5, 1.0]).repeat_interleave(4).view(2, 1, 1, 2, 2)
    np.testing.assert_allclose(distance_to_real(states, real).mse, [0.01, 0], atol=1e-6)
    far = distance_to_real(states, real, np.array([0]))
    np.testing.assert_allclose(far.mse, [0.25, 1])
    assert np.isnan(far.class_disagreement).all()  # there are no class planes


class Halving:
    """A state model that reconstructs half of every level."""

    layout = GRAY
    latent_size = 4

    def encode(self, states: Tensor) -> Posterior:
        return Posterior(states.flatten(1), torch.zeros(len(states), 4))

    def decode(self, z: Tensor) -> Tensor:
        return z.view(-1, 1, 1, 2, 2) / 2


def test_reconstruction_error_is_of_the_mean_latent() -> None:
    states = torch.tensor([0.4, 1.0]).repeat_interleave(4).view(2, 1, 1, 2, 2)
    np.testing.assert_allclose(reconstruction_error(states, Halving()).mse, [0.04, 0.25], rtol=1e-6)
