from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from probes.states import Plane, StateLayout, to_states, to_stored

DRIVING = (Plane("depth", "level"), Plane("semantic", "class", 13), Plane("gray", "level"))
COLOUR = (Plane("colour", "level", 3),)
MIXED = (Plane("semantic", "class", 256), Plane("colour", "level", 3), Plane("signal", "class", 2))


@pytest.mark.parametrize("planes", [DRIVING, COLOUR, MIXED])
@pytest.mark.parametrize("stack", [1, 8])
def test_the_round_trip_from_bytes_to_floats_and_back_is_exact(planes: tuple[Plane, ...], stack: int) -> None:
    layout = StateLayout(planes, stack, 16, 20)
    rng = np.random.default_rng(0)
    stored = torch.from_numpy(rng.integers(0, 256, (3, *layout.stored_shape), np.uint8))
    for plane, _, where in layout.slices():
        if plane.kind == "class":
            stored[:, :, where] = (stored[:, :, where].int() % plane.channels).to(torch.uint8)
    states = to_states(stored, layout)
    assert states.shape == (3, *layout.shape)
    assert states.dtype == torch.float32
    assert float(states.min()) == 0.0
    assert float(states.max()) <= 1.0
    assert torch.equal(to_stored(states, layout), stored)


def test_every_level_survives_the_round_trip() -> None:
    layout = StateLayout((Plane("gray", "level"),), 1, 16, 16)
    stored = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 1, 16, 16)
    states = to_states(stored, layout)
    assert states[0, 0, 0, 15, 15] == 1.0
    assert states[0, 0, 0, 3, 3] == pytest.approx(51 / 255)
    assert torch.equal(to_stored(states, layout), stored)


def test_a_class_becomes_one_channel_and_levels_keep_theirs_in_order() -> None:
    layout = StateLayout(
        (Plane("depth", "level"), Plane("semantic", "class", 3), Plane("gray", "level")), 1, 1, 2
    )
    stored = torch.tensor([[[[[255, 0]], [[2, 0]], [[0, 51]]]]], dtype=torch.uint8)
    states = to_states(stored, layout)
    assert states[0, 0, :, 0].tolist() == [
        [1.0, 0.0],
        [0.0, 1.0],
        [0.0, 0.0],
        [1.0, 0.0],
        [0.0, pytest.approx(0.2)],
    ]


def test_a_soft_class_is_stored_as_its_likeliest_and_a_level_out_of_range_is_cut() -> None:
    layout = StateLayout((Plane("semantic", "class", 3), Plane("gray", "level")), 1, 1, 2)
    states = torch.tensor([[[[[0.2, 0.5]], [[0.5, 0.1]], [[0.3, 0.4]], [[1.2, -0.1]]]]])
    assert to_stored(states, layout)[0, 0, :, 0].tolist() == [[1, 0], [255, 0]]


def test_a_class_beyond_the_layout_is_refused() -> None:
    layout = StateLayout((Plane("semantic", "class", 3),), 1, 1, 1)
    with pytest.raises((RuntimeError, IndexError)):
        to_states(torch.full((1, 1, 1, 1, 1), 3, dtype=torch.uint8), layout)


def test_the_shapes_count_channels_and_stored_planes() -> None:
    layout = StateLayout(MIXED, 4, 84, 80)
    assert layout.shape == (4, 261, 84, 80)
    assert layout.stored_shape == (4, 5, 84, 80)
    assert [(s.channels, s.stored) for s in layout.slices()] == [
        (slice(0, 256), slice(0, 1)),
        (slice(256, 259), slice(1, 4)),
        (slice(259, 261), slice(4, 5)),
    ]


def test_a_layout_survives_json() -> None:
    layout = StateLayout(MIXED, 4, 84, 80)
    assert StateLayout.from_json(json.loads(json.dumps(layout.to_json()))) == layout


@pytest.mark.parametrize(("planes", "stack"), [((), 4), (COLOUR, 0), ((Plane("colour", "level", 0),), 4)])
def test_an_empty_layout_is_refused(planes: tuple[Plane, ...], stack: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        StateLayout(planes, stack, 4, 4)


def test_a_plane_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind class or level"):
        StateLayout((Plane("depth", "metres"),), 1, 4, 4)  # type: ignore[arg-type]  # what is refused
