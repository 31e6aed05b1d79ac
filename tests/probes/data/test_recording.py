from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.data.recording import Decision, Drive, Recorder
from probes.data.state_set import StateWriter
from tests.probes.counters import LAYOUT, Counters

STAY = np.zeros(2, np.int64)


def stay(drive: Drive, _decision: int, _row: int) -> Decision:
    count = len(drive.steps)
    return Decision(np.zeros(count, np.int64), np.zeros((count, 2), np.float32), np.zeros(count, np.float32))


def test_episodes_take_the_seeds_in_the_order_in_which_they_begin() -> None:
    drive = Drive(Counters(2), range(20, 30), first_episode=5)
    seen = []
    for _ in range(8):
        seen.append((drive.seeds.tolist(), drive.episodes.tolist(), drive.steps.tolist()))
        drive.step(STAY)
    # An even seed's episode lasts 3 decisions, an odd one's 4.
    assert seen == [
        ([20, 21], [5, 6], [0, 0]),
        ([20, 21], [5, 6], [1, 1]),
        ([20, 21], [5, 6], [2, 2]),
        ([22, 21], [7, 6], [0, 3]),
        ([22, 23], [7, 8], [1, 0]),
        ([22, 23], [7, 8], [2, 1]),
        ([24, 23], [9, 8], [0, 2]),
        ([24, 23], [9, 8], [1, 3]),
    ]
    assert drive.begun == 6


def test_a_fresh_episode_shows_nothing_of_the_one_before() -> None:
    drive = Drive(Counters(2), range(20, 30))
    for _ in range(3):
        drive.step(STAY)
    seeds_shown = drive.states[:, :, 1, 0, 0]  # (W, T)
    assert seeds_shown.tolist() == [[22, 22], [21, 21]]
    assert drive.states[0, :, 1, 0, 1].tolist() == [0, 0]


def test_seeds_that_run_out_are_named() -> None:
    drive = Drive(Counters(2), range(20, 22))
    drive.step(STAY)
    drive.step(STAY)
    with pytest.raises(ProbeError, match="seeds 20 to 21 have run out"):
        drive.step(STAY)


def test_provenance_says_where_each_world_is() -> None:
    drive = Drive(Counters(2), range(20, 30), first_episode=3)
    drive.step(STAY)
    records = drive.provenance(np.array([1, 0]), held_out=True)
    assert records.tolist() == [(20, 0, 1, 1, 3, True), (21, 1, 1, 0, 4, True)]


def test_states_are_kept_at_the_spacing_and_parts_follow_each_other(tmp_path: Path) -> None:
    taken: list[int] = []
    writer = StateWriter(tmp_path, LAYOUT)
    recorder = Recorder(Counters(2), stay, writer, taken.append)
    recorder.record(5, range(20, 30), 2, held_out=False)
    recorder.record(1, range(50, 60), 2, held_out=True)
    writer.finish(np.stack(recorder.taken))
    provenance = np.load(tmp_path / "provenance.npy")
    assert taken == [1, 2, 3, 4, 5, 6]
    assert len(recorder.taken) == 5 + 1
    assert list(zip(provenance["seed"].tolist(), provenance["step"].tolist(), strict=True)) == [
        (20, 0),
        (21, 0),
        (20, 2),
        (21, 2),
        (22, 1),
        (50, 0),
    ]
    assert provenance["episode"].tolist() == [0, 1, 0, 1, 2, 4]
    assert provenance["held_out"].tolist() == [False] * 5 + [True]
    assert np.load(tmp_path / "situation-count.npy").tolist() == [
        [20, 0, 0],
        [21, 0, 0],
        [20, 2, 0],
        [21, 2, 0],
        [22, 1, 0],
        [50, 0, 0],
    ]
