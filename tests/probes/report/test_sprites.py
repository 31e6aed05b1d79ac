from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from probes.agent import ProbeError
from probes.report.items import Stacks, Weights
from probes.report.sprites import colour_weights, draw_stacks, draw_weights, strip
from tests.probes.report.studies import LAYOUT, PAINTER, SHIPPED, paint, streets

STACKS = Stacks("a", "b", "stored.npy", LAYOUT, (2, 0), SHIPPED, labels=("third", "first"))


def pixels_of(uri: str) -> NDArray[np.uint8]:
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("colours", [3, 5000])
def test_a_strip_holds_every_frame_from_left_to_right_without_loss(colours: int) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (colours, 3), np.uint8)[rng.integers(0, colours, (4, 16, 20))]

    found = strip("semantic", frames)

    assert (found.frames, found.width, found.height) == (4, 20, 16)
    assert np.array_equal(pixels_of(found.uri), np.concatenate(list(frames), axis=1))


def test_flat_colours_make_a_tenth_of_the_bytes() -> None:
    frames = paint(streets(1)[0], LAYOUT)["semantic"]
    noisy = frames ^ np.random.default_rng(0).integers(0, 8, frames.shape, np.uint8)

    assert len(strip("a", frames).uri) < len(strip("a", noisy).uri) / 10


def test_states_are_drawn_in_their_order_with_all_planes(tmp_path: Path) -> None:
    states = streets(3)
    np.save(tmp_path / "stored.npy", states)

    third, first = draw_stacks(STACKS, tmp_path, PAINTER)

    assert (third.label, first.label) == ("third", "first")
    assert [each.name for each in third.strips] == ["depth", "semantic"]
    wanted = np.concatenate(list(paint(states[2], LAYOUT)["semantic"]), axis=1)
    assert np.array_equal(pixels_of(third.strips[1].uri), wanted)


def test_only_the_planes_that_are_asked_for_are_drawn(tmp_path: Path) -> None:
    np.save(tmp_path / "stored.npy", streets(3))

    picture, _ = draw_stacks(replace(STACKS, planes=("semantic",)), tmp_path, PAINTER)

    assert [each.name for each in picture.strips] == ["semantic"]


def test_the_largest_weight_of_a_state_is_brightest() -> None:
    weights = np.zeros((2, 1, 3), np.float32)
    weights[1, 0, 2], weights[0, 0, 1] = 4e-5, 2e-5

    shown = colour_weights(weights).astype(int).sum(axis=-1)

    assert shown[1, 0, 2] > shown[0, 0, 1] > shown[0, 0, 0]
    assert shown.max() == shown[1, 0, 2]
    assert np.array_equal(colour_weights(weights), colour_weights(weights * 1000))


def test_without_any_weight_all_is_dark() -> None:
    one = np.zeros((1, 2, 2), np.float32)
    one[0, 0, 0] = 1

    assert np.array_equal(colour_weights(one * 0)[0, 0, 0], colour_weights(one)[0, 1, 1])


def test_weights_stand_below_their_state(tmp_path: Path) -> None:
    np.save(tmp_path / "stored.npy", streets(3))
    np.save(tmp_path / "weights.npy", np.ones((3, 4, 48, 48), np.float16))
    item = Weights("a", "b", "stored.npy", "weights.npy", LAYOUT, (1,), SHIPPED, planes=("semantic",))

    (picture,) = draw_weights(item, tmp_path, PAINTER)

    assert [each.name for each in picture.strips] == ["semantic", "weights"]


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (None, "cannot be read: No such file"),
        (np.zeros((3, *LAYOUT.stored_shape), np.float32), "found float32; stored states are uint8"),
        (np.zeros((3, 4, 1, 48, 48), np.uint8), r"wanted is \(N, 4, 2, 48, 48\)"),
        (np.zeros((2, *LAYOUT.stored_shape), np.uint8), "holds 2 states; index 2 is to be shown"),
    ],
)
def test_a_file_that_holds_no_such_states_is_named(
    tmp_path: Path, array: NDArray[np.generic] | None, complaint: str
) -> None:
    if array is not None:
        np.save(tmp_path / "stored.npy", array)

    with pytest.raises(ProbeError, match=complaint) as raised:
        draw_stacks(STACKS, tmp_path, PAINTER)

    assert str(tmp_path / "stored.npy") in str(raised.value)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "stored.npy", streets(3))
    content = (tmp_path / "stored.npy").read_bytes()
    (tmp_path / "stored.npy").write_bytes(content[:1000])

    with pytest.raises(ProbeError, match=r"stored.npy: truncated"):
        draw_stacks(STACKS, tmp_path, PAINTER)
