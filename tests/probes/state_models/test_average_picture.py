from __future__ import annotations

import pytest
import torch

from probes.state_models.average_picture import LEAST_DEVIATION, AveragePicture
from probes.state_models.block_pictures import pictures
from probes.state_models.likelihood import one_hot_frames
from probes.states import Plane, StateLayout, to_states
from tests.probes.fittings import some_stored

LAYOUT = StateLayout((Plane("semantic", "class", 3), Plane("colour", "level", 3)), stack=2, height=4, width=6)


@pytest.fixture
def stored() -> torch.Tensor:
    return some_stored(LAYOUT, 150)


SIZE = (2, 3)


def taken(stored: torch.Tensor, size: tuple[int, int] = SIZE) -> AveragePicture:
    average = AveragePicture(LAYOUT, size)
    average.take(stored)
    return average


def test_a_decoder_that_adds_nothing_draws_the_average(stored: torch.Tensor) -> None:
    drawn = pictures(taken(stored).raw, LAYOUT)
    average = to_states(stored, LAYOUT).mean((0, 1))
    torch.testing.assert_close(drawn, average.expand(1, 2, -1, -1, -1))


def test_before_any_state_is_seen_classes_are_equally_likely_and_levels_halfway() -> None:
    raw = AveragePicture(LAYOUT, SIZE).raw
    drawn = pictures(raw, LAYOUT)
    torch.testing.assert_close(drawn[:, :, :3], torch.full((1, 2, 3, 4, 6), 1 / 3))
    torch.testing.assert_close(drawn[:, :, 3:], torch.full((1, 2, 3, 4, 6), 0.5))


def test_centred_frames_are_zero_on_average_and_one_deviation_off(stored: torch.Tensor) -> None:
    frames = taken(stored).centred(one_hot_frames(stored, LAYOUT)).reshape(150, 2, 6, 4, 6)
    assert float(frames.mean((0, 1)).abs().max()) < 1e-5
    for plane in (frames[:, :, :3], frames[:, :, 3:]):
        assert float(plane.square().mean().sqrt()) == pytest.approx(1.0, rel=1e-4)


def test_the_deviation_of_each_plane_is_told(stored: torch.Tensor) -> None:
    told = AveragePicture(LAYOUT, SIZE).take(stored)
    frames = one_hot_frames(stored, LAYOUT).reshape(150, 2, 6, 4, 6)
    off = (frames - frames.mean((0, 1))).square()
    expected = [float(part.mean().sqrt()) for part in (off[:, :, :3], off[:, :, 3:])]
    assert told.tolist() == pytest.approx(expected, rel=1e-4)


def test_a_plane_that_never_changes_and_a_class_that_never_comes_stay_finite() -> None:
    stored = torch.zeros(3, *LAYOUT.stored_shape, dtype=torch.uint8)
    average = AveragePicture(LAYOUT, SIZE)
    assert average.take(stored).tolist() == pytest.approx([LEAST_DEVIATION] * 2)
    assert torch.isfinite(average.raw).all()
    assert not average.centred(one_hot_frames(stored, LAYOUT)).any()


def test_cells_beyond_the_border_repeat_it(stored: torch.Tensor) -> None:
    raw = taken(stored, (8, 8)).raw
    assert torch.equal(raw[:, :, 2:, :3], raw[:, :, 2:3, :3].expand(-1, -1, 6, -1))


def test_a_saved_average_is_drawn_again_when_it_is_loaded(stored: torch.Tensor) -> None:
    saved, other = taken(stored), AveragePicture(LAYOUT, SIZE)
    assert set(saved.state_dict()) == {"picture", "deviation"}
    other.load_state_dict(saved.state_dict())
    assert torch.equal(other.raw, saved.raw)
