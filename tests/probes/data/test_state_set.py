from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.data.state_set import KIND, PROVENANCE, GrowingArray, StateSet, StateWriter, load_states
from probes.states import to_states
from tests.probes.counters import ACTIONS, LAYOUT

Stored = NDArray[np.uint8]


def three_states() -> Stored:
    """Return states (3, 2, 2, 4, 4) of four different frames; the first two states share one."""
    frames = np.random.default_rng(0).integers(0, 4, (4, 2, 4, 4), np.uint8)
    return frames[[[0, 1], [1, 2], [3, 3]]]


def write(path: Path, stored: Stored) -> StateSet:
    provenance = np.zeros(len(stored), PROVENANCE)
    provenance["seed"] = np.arange(len(stored)) + 7
    provenance["held_out"][-1] = True
    config = {"layout": LAYOUT.to_json(), "actions": list(ACTIONS)}
    with artifact.writing(path, KIND, config=config, seed=0, parents={}) as scratch:
        writer = StateWriter(scratch, LAYOUT)
        for rows in (slice(0, 2), slice(2, None)):
            scores = np.arange(2 * len(stored), dtype=np.float32).reshape(-1, 2)[rows]
            situation: dict[str, NDArray[np.generic]] = {"place": np.arange(len(stored))[rows, None] * 1.5}
            writer.add(stored[rows], provenance[rows], scores, scores[:, 1], situation)
        writer.finish(np.array([[0, 1]], np.int16))
    return load_states(path)


def test_states_come_back_as_they_were_written_in_any_order(tmp_path: Path) -> None:
    stored = three_states()
    states = write(tmp_path / "set", stored)
    assert len(states) == 3
    assert states.layout == LAYOUT
    assert states.actions == ACTIONS
    assert np.array_equal(states.stored([2, 0, 2]), stored[[2, 0, 2]])
    assert torch.equal(
        states.states(torch.tensor([1, 0])), to_states(torch.from_numpy(stored[[1, 0]]), LAYOUT)
    )
    assert states.scores.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert states.value.tolist() == [1, 3, 5]
    assert states.provenance["seed"].tolist() == [7, 8, 9]
    assert states.situations["place"].tolist() == [[0.0], [1.5], [3.0]]
    assert states.taken.tolist() == [[0, 1]]


def test_a_frame_is_kept_once_however_many_states_show_it(tmp_path: Path) -> None:
    states = write(tmp_path / "set", three_states())
    assert states.frames.shape == (4, 2, 4, 4)
    assert states.index.tolist() == [[0, 1], [1, 2], [3, 3]]


def test_states_to_fit_and_held_out_states_are_apart(tmp_path: Path) -> None:
    states = write(tmp_path / "set", three_states())
    assert states.fit_indices.tolist() == [0, 1]
    assert states.held_out_indices.tolist() == [2]
    assert states.held_out.tolist() == [False, False, True]


def test_frames_are_mapped_and_cannot_be_written_to(tmp_path: Path) -> None:
    states = write(tmp_path / "set", three_states())
    assert isinstance(states.frames.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        states.frames[0] = 0
    states.stored([0])[:] = 0
    assert np.array_equal(states.stored([0]), three_states()[:1])


def test_one_flipped_bit_is_found_and_named(tmp_path: Path) -> None:
    write(tmp_path / "set", three_states())
    file = tmp_path / "set" / "frames.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ProbeError, match=r"frames\.npy"):
        load_states(tmp_path / "set")


def test_an_artifact_that_is_no_state_set_inside_is_refused(tmp_path: Path) -> None:
    with artifact.writing(tmp_path / "set", KIND, config={}, seed=0, parents={}) as scratch:
        np.save(scratch / "frames.npy", np.zeros(3))
    with pytest.raises(ProbeError, match="not a state set"):
        load_states(tmp_path / "set")


@pytest.mark.parametrize("dtype", [np.dtype(np.uint8), PROVENANCE])
def test_a_growing_array_is_an_ordinary_file_once_closed(tmp_path: Path, dtype: np.dtype[np.generic]) -> None:
    rows = np.zeros((123, 3), dtype)
    rows.view(np.uint8)[:] = np.random.default_rng(0).integers(0, 2, rows.view(np.uint8).shape, np.uint8)
    array = GrowingArray(tmp_path / "a.npy", dtype, (3,))
    for first in range(0, 123, 50):
        array.append(rows[first : first + 50])
    array.close()
    array.close()
    found = np.load(tmp_path / "a.npy")
    assert found.dtype == dtype
    assert np.array_equal(found, rows)


def test_a_growing_array_without_rows_is_an_empty_array(tmp_path: Path) -> None:
    GrowingArray(tmp_path / "a.npy", np.float32, (2, 3)).close()
    assert np.load(tmp_path / "a.npy").shape == (0, 2, 3)


def test_a_full_disk_is_an_error_that_can_be_caught() -> None:
    array = GrowingArray(Path("/dev/full"), np.uint8, (1_000_000,))
    with pytest.raises(OSError, match="No space left") as caught:
        array.append(np.zeros((1, 1_000_000), np.uint8))
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space left"):
        array.close()
    array.close()
