from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from drivesim.render.semantics import SemanticClass
from probes.domains.driving import load_agent
from probes.domains.driving_weights import NOTHING, choose, pixel_weights, weights_section
from probes.domains.study_sections import Shelf
from probes.report.contract import Weights
from probes.states import to_states
from tests.probes.domains.drawings import SEG4, pictures, put, street, viewpoint
from tests.probes.domains.shelves import weights, write


def test_one_state_is_chosen_for_each_sight_and_one_without_any() -> None:
    stored = street(4)
    plane = pictures(stored)
    put(plane[1], SemanticClass.CAR, (60, 75), (58, 69))
    put(plane[2], SemanticClass.CAR, (60, 75), (58, 69))
    put(plane[2], SemanticClass.LIGHT_RED, (40, 46), (90, 93))
    # The light is shown by the third alone, and so the car by the second.
    assert choose(stored, SEG4, viewpoint()) == {"light red": 2, "car ahead": 1, NOTHING: 0}


def test_a_state_is_chosen_even_if_none_shows_anything_of_it() -> None:
    stored = street(1)
    put(pictures(stored)[0], SemanticClass.LIGHT_YELLOW, (40, 46), (90, 93))
    assert choose(stored, SEG4, viewpoint()) == {"the first of them": 0}


def test_the_weights_of_a_states_channels_sum_to_one() -> None:
    agent = load_agent("reasonable-seg4")
    found = pixel_weights(agent, to_states(torch.from_numpy(street(2)), SEG4))
    assert found.shape == (2, SEG4.stack, SEG4.height, SEG4.width)
    assert (found >= 0).all()
    assert found.reshape(2, -1).sum(1) * SEG4.channels == pytest.approx([1.0, 1.0], rel=1e-4)


def test_states_stand_above_their_weights(tmp_path: Path) -> None:
    write(tmp_path, "weights", weights())
    (item,) = weights_section(Shelf(tmp_path, ())).items
    assert isinstance(item, Weights)
    assert item.indices == (0, 1)
    assert item.labels == ("it shows: car ahead", "it shows: nothing in the way")
    states, shown = (np.load(tmp_path / file).shape for file in (item.states_file, item.weights_file))
    assert shown == (*states[:2], *states[-2:])
